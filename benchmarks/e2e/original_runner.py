"""Runs the original gateway out of the `tensorzero` wheel: prints its URL, serves until stopped.

The gateway is compiled code with threads of its own; Python only waits, so this process's CPU is its CPU.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

from tensorzero import _start_http_gateway


def main(config_file: str, clickhouse_url: str | None) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    gateway: Any = _start_http_gateway(
        config_file=config_file,
        clickhouse_url=clickhouse_url,
        postgres_url=None,
        valkey_url=None,
        async_setup=False,
    )
    sys.stdout.write(f"listening on {gateway.base_url}\n")
    sys.stdout.flush()
    stop.wait()
    gateway.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
