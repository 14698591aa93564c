"""Owns the embedded ClickHouse engine; the only module that imports chdb. Knows no HTTP. Not hot.

One process can open one data directory, any number of connections to it run side by side, and each has its
own settings, database and temporary tables. Every request gets a fresh one and leaves nothing behind; INSERTs
share theirs with others that are alike (`writers`). Calls block and release the GIL.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Final, cast
from urllib.parse import urlencode

import msgspec

from tzproxy.clickhouse.embedded import frugality
from tzproxy.clickhouse.embedded.writers import Writers
from tzproxy.clickhouse.schema.ddl import quote_name, quote_text
from tzproxy.errors import StoreError

# These write a block at a time without header or footer, so that the pieces of a stream add up to the whole.
_STREAMABLE: Final = frozenset({"Native", "RowBinary", "JSONEachRow", "JSONCompactEachRow"})
_IN_MEMORY_BYTES: Final = 8 << 20
_COPY_BYTES: Final = 1 << 20
_CODE: Final = re.compile(r"Code:\s*(\d+)")
_VERSION_TRAILER: Final = re.compile(r"(?:\s*\(version [^()]*\))+(?=\.|\s|$)")
MARK_SETTING: Final = "log_comment"
MARK_COLUMN: Final = f"Settings['{MARK_SETTING}']"
"""How a statement is found in `system.processes`: the engine lets nobody choose its `query_id`."""

_SETTING_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class EngineLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine may take from the machine it shares with an application."""

    max_memory_bytes: int = 1 << 30
    """Memory of all queries and merges together."""
    max_query_memory_bytes: int = 512 << 20
    """Memory of one query; beyond it the query fails."""
    max_threads: int = 2
    """Most threads of one query; the engine uses fewer when less than 1 GiB for each is left."""
    background_threads: int = 1
    """Threads that merge parts."""
    reads: int = 4
    """Queries that run at the same time; further ones wait."""
    writes: int = 2
    """Inserts that run at the same time; they never wait for reads."""
    wait_s: float = 60.0
    """How long a statement waits for its turn before it is refused."""

    def connection_options(self) -> dict[str, str | int]:
        """Start-up options of the engine, by the names of ClickHouse's own settings."""
        return {
            "max_server_memory_usage": self.max_memory_bytes,
            "max_memory_usage": self.max_query_memory_bytes,
            "max_threads": self.max_threads,
            "max_insert_threads": 1,
            "background_pool_size": self.background_threads,
            "background_merges_mutations_concurrency_ratio": 1,
            "background_schedule_pool_size": 1,
            "max_thread_pool_size": 128,
            "mark_cache_size": 32 << 20,
            "index_mark_cache_size": 8 << 20,
            # A server demands the word SELECT; without this the engine takes `selec 1` for an expression.
            "implicit_select": 0,
            # There is no queue here that could collect asynchronous inserts.
            "async_insert": 0,
            **frugality.SETTINGS,
        }


class EngineError(StoreError):
    """The engine refused a statement. Its text is what a ClickHouse server would answer."""

    def __init__(self, message: str, *, clickhouse_code: int) -> None:
        super().__init__(message)
        self.clickhouse_code = clickhouse_code


class Result(msgspec.Struct, kw_only=True):
    """The answer to one statement. `body` belongs to the receiver, who closes it."""

    body: IO[bytes]
    """The result's bytes, at the start; on disk when there are many."""
    length_bytes: int = 0
    """Number of bytes in `body`."""
    read_rows: int = 0
    """Rows read from tables, where known."""
    read_bytes: int = 0
    """Bytes read from tables, where known."""
    written_rows: int = 0
    """Rows written, those written by views included."""
    written_bytes: int = 0
    """Bytes written."""
    elapsed_ns: int = 0
    """Wall time."""


class Engine:
    """One data directory, opened. Close it once, when no session is open any more."""

    def __init__(self, path: Path, limits: EngineLimits | None = None, *, alone: bool = False) -> None:
        """Open a directory. `alone`: nothing but the store runs in this process.

        Raises:
            StoreError: when chdb is missing or cannot open the directory.
        """
        self.limits: Final = limits or EngineLimits()
        if "?" in str(path.resolve()):
            raise StoreError(
                f"The data directory {path.parent} cannot be used: its path contains a question mark."
            )
        self._chdb = _load_chdb()
        self._scratch = path.parent / "tmp"
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._scratch.mkdir(exist_ok=True)
        config = self._scratch / "engine.xml"
        config.write_text(frugality.CONFIG, encoding="ascii")
        options = {**self.limits.connection_options(), "config-file": str(config.resolve())}
        self._dsn = f"{path.resolve()}?{urlencode(options, safe='/')}"
        self._reads = threading.BoundedSemaphore(self.limits.reads)
        self._writes = threading.BoundedSemaphore(self.limits.writes)
        self._writers = Writers(self._open_session, self.limits.writes)
        # The engine shuts down with its last connection: this one keeps it up.
        self._anchor = self._open_first(frugality.UNUSED_MODULES if alone else ())
        self.version: Final = bytes(self._anchor.query("SELECT version()", "RawBLOB").bytes()).decode()

    @contextmanager
    def session(self, *, writes: bool = False) -> Iterator[Session]:
        """A connection of one's own, after waiting for a free place.

        Raises:
            EngineError: All places stayed taken.
        """
        with self._place(writes=writes):
            session = self._open_session()
            try:
                yield session
            finally:
                session.close()

    @contextmanager
    def writer(self, database: str, settings: Mapping[str, str]) -> Iterator[Session]:
        """A connection with this database and these settings for one INSERT, after waiting for a free place.

        The INSERT must leave nothing behind: no temporary table, no parameter, no setting.

        Raises:
            EngineError: All places stayed taken, or the engine refuses database or settings.
        """
        with self._place(writes=True), self._writers.connection(database, settings) as session:
            yield session

    def end_statement(self, mark: str) -> None:
        """End the statements that were marked so; they fail with the code 394. Nothing happens without any.

        Raises:
            EngineError: The engine refuses.
        """
        connection = self._open()
        try:
            with _engine_errors():
                connection.query(f"KILL QUERY WHERE {MARK_COLUMN} = {quote_text(mark)} ASYNC", "Null")
        finally:
            connection.close()

    def close(self) -> None:
        """Write out what is pending and let go of the directory."""
        self._writers.close()
        self._anchor.close()

    @contextmanager
    def _place(self, *, writes: bool) -> Iterator[None]:
        places = self._writes if writes else self._reads
        if not places.acquire(timeout=self.limits.wait_s):
            raise EngineError(
                "Code: 202. DB::Exception: Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)",
                clickhouse_code=202,
            )
        try:
            yield
        finally:
            places.release()

    def _open_session(self) -> Session:
        return Session(self._open(), self._scratch)

    def _open_first(self, unused: Sequence[str]) -> Any:
        """Open a connection while those modules seem not to be installed."""
        hidden = [name for name in unused if name not in sys.modules]
        sys.modules.update(cast("dict[str, ModuleType]", dict.fromkeys(hidden)))
        try:
            return self._open()
        except (EngineError, ImportError):
            if not hidden:
                raise
            # Perhaps this release of chdb needs one of them.
            for name in hidden:
                del sys.modules[name]
            return self._open()

    def _open(self) -> Any:  # chdb has no types
        with _engine_errors():
            return self._chdb.connect(self._dsn)


class Session:
    """One connection: settings, database and temporary tables of one request."""

    def __init__(self, connection: Any, scratch: Path) -> None:
        self._connection = connection
        self._scratch = scratch

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def use(self, database: str) -> None:
        """Make a database current."""
        self._query(f"USE {quote_name(database)}")

    def set(self, settings: Mapping[str, str]) -> None:
        """Apply settings. `readonly` comes last, because it forbids every later one."""
        names = sorted(settings, key=lambda name: name == "readonly")
        for name in names:
            if not _SETTING_NAME.fullmatch(name):
                raise EngineError(
                    f"Code: 115. DB::Exception: Unknown setting '{name}'. (UNKNOWN_SETTING)",
                    clickhouse_code=115,
                )
        if names:
            self._query("SET " + ", ".join(f"{name} = {quote_text(settings[name])}" for name in names))

    def create_temporary(self, name: str, structure: str, fmt: str, data: bytes) -> None:
        """Make a table that only this session sees, filled with external data."""
        self._query(f"CREATE TEMPORARY TABLE {quote_name(name)} ({structure})")
        if data:
            self.insert(f"INSERT INTO {quote_name(name)}", fmt, [data])

    def run(self, sql: str, fmt: str, params: Mapping[str, str], *, streams: bool) -> Result:
        """Run one statement to its end and return its whole result.

        With `streams` (a SELECT in a format that allows it) the result grows piece by piece, so that a large
        one goes to disk instead of into memory.
        """
        began = time.monotonic_ns()
        with _engine_errors():
            if streams and fmt in _STREAMABLE:
                result = self._collect(sql, fmt, params)
            else:
                answer = self._connection.query(sql, fmt, params=dict(params))
                result = Result(
                    body=self._kept(answer),
                    length_bytes=int(answer.size()),
                    read_rows=int(answer.storage_rows_read()),
                    read_bytes=int(answer.storage_bytes_read()),
                    written_rows=int(answer.rows_written()),
                    written_bytes=int(answer.bytes_written()),
                )
        result.elapsed_ns = time.monotonic_ns() - began
        return result

    def insert(
        self, sql: str, fmt: str, chunks: Iterable[bytes], params: Mapping[str, str] | None = None
    ) -> Result:
        """Run an INSERT (its text without FORMAT and data) over chunks of data.

        An error in the data, or one that `chunks` raises, leaves nothing behind of all that makes one part:
        up to about a million rows.
        """
        began = time.monotonic_ns()
        if params:
            self._query(
                "SET " + ", ".join(f"param_{name} = {quote_text(value)}" for name, value in params.items())
            )
        with _engine_errors():
            inserter = self._connection.send_insert(sql, fmt)
            try:
                for chunk in chunks:
                    if chunk:
                        inserter.append(chunk)
                done = inserter.finish()
            finally:
                inserter.close()
        return Result(
            body=io.BytesIO(),
            written_rows=int(done.rows_written),
            written_bytes=int(done.bytes_written),
            elapsed_ns=time.monotonic_ns() - began,
        )

    def count_statements(self, sql: str) -> int:
        """How many statements a text holds; 0 when it cannot be parsed."""
        with _engine_errors():
            return int(self._connection._conn.classify_query(sql)["statement_count"])

    def _collect(self, sql: str, fmt: str, params: Mapping[str, str]) -> Result:
        body = self._spool()
        length = 0
        try:
            with self._connection.send_query(sql, fmt, params=dict(params)) as pieces:
                for piece in pieces:
                    length += body.write(piece.get_memview().view())
            body.seek(0)
        except BaseException:
            body.close()
            raise
        return Result(body=body, length_bytes=length)

    def _kept(self, answer: Any) -> IO[bytes]:
        if answer.size() <= _IN_MEMORY_BYTES:
            return io.BytesIO(answer.bytes())
        body = self._spool()
        body.write(answer.get_memview().view())
        body.seek(0)
        return body

    def _spool(self) -> IO[bytes]:
        return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=str(self._scratch))

    def _query(self, sql: str) -> None:
        with _engine_errors():
            self._connection.query(sql, "Null")


def iter_body(body: IO[bytes]) -> Iterator[bytes]:
    """Yield the rest of a file in pieces."""
    while piece := body.read(_COPY_BYTES):
        yield piece


def _load_chdb() -> Any:
    try:
        return import_module("chdb")
    except ImportError as exc:
        raise StoreError(
            "The embedded ClickHouse engine (chdb) is not installed: run `pip install 'tzproxy[embedded]'`, "
            "or set TENSORZERO_CLICKHOUSE_URL to a ClickHouse server."
        ) from exc


@contextmanager
def _engine_errors() -> Iterator[None]:
    """Turn chdb's errors into ours."""
    try:
        yield
    except RuntimeError as exc:
        text = str(exc)
        code = _CODE.search(text)
        if code is None:
            raise EngineError(
                f"Code: 1002. DB::Exception: {text} (UNKNOWN_EXCEPTION)", clickhouse_code=1002
            ) from exc
        plain = _VERSION_TRAILER.sub("", text[code.start() :]).strip()
        raise EngineError(plain, clickhouse_code=int(code[1])) from exc
