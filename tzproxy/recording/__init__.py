"""Recording: what a worker has answered reaches ClickHouse exactly once, without the answer waiting for it.

`sink` is the worker's side (hot), `recorder` the process that drains the rings, `process` its supervisor.
`README.md` holds file formats, guarantees, failures and operations. May import `errors`, `types`, `config`
and `clickhouse`, never `inference` or `http`.
"""
