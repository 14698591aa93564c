"""Owns the store's own process: `python -m tzproxy.clickhouse.embedded --data-dir DIR`. Not hot.

It runs at low priority beside the gateway, says `ready` on standard output when it serves, ends on SIGTERM or
SIGINT after the running statements, and with `--follow-stdin` also when the process that started it is gone.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

from tzproxy.clickhouse.embedded.engine import EngineLimits
from tzproxy.clickhouse.embedded.frugality import ALLOCATOR
from tzproxy.clickhouse.embedded.service import StoreService
from tzproxy.errors import StoreError

_LOG: Final = logging.getLogger("tzproxy.clickhouse.embedded")
EXIT_REFUSED: Final = 3
"""Exit status when the directory is in use or the engine is missing: starting again will not help."""


def main(arguments: list[str] | None = None) -> int:
    """Serve one data directory until told to stop; return the exit status."""
    options = _parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    os.nice(options.nice)
    # Before the engine starts: times are UTC, as in a server that is set up for this schema.
    os.environ["TZ"] = "UTC"
    time.tzset()
    os.environ.setdefault("JE_MALLOC_CONF", ALLOCATOR)
    try:
        service = StoreService(
            Path(options.data_dir),
            port=options.port,
            alone=True,
            limits=EngineLimits(
                max_memory_bytes=options.max_memory_mb << 20,
                max_query_memory_bytes=max(options.max_memory_mb // 2, 64) << 20,
                max_threads=options.max_threads,
                background_threads=options.background_threads,
            ),
        )
    except StoreError as exc:
        _LOG.error("%s", exc)
        return EXIT_REFUSED
    stopping = threading.Event()
    # After the engine has started: it sets handlers of its own.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    if options.follow_stdin:
        threading.Thread(target=_follow_stdin, args=(stopping,), daemon=True).start()
    sys.stdout.write(f"ready 127.0.0.1:{service.access.port}\n")
    sys.stdout.flush()
    stopping.wait()
    if not service.stop(timeout_s=options.grace_s):
        _LOG.warning("statements were still running after %s seconds; their work is lost", options.grace_s)
        # Closing the engine under a running statement would crash; its files are safe without that.
        logging.shutdown()
        os._exit(1)
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tzproxy.clickhouse.embedded",
        description="Serve an embedded ClickHouse on a loopback port; its URL goes to DIR/clickhouse.url.",
    )
    defaults = EngineLimits()
    parser.add_argument("--data-dir", required=True, metavar="DIR", help="directory of the store")
    parser.add_argument(
        "--port", type=int, default=0, help="port (default: that of the last run, or a free one)"
    )
    parser.add_argument("--nice", type=int, default=10, help="how much lower than normal its priority is")
    parser.add_argument(
        "--max-memory-mb", type=int, default=defaults.max_memory_bytes >> 20, help="memory limit"
    )
    parser.add_argument("--max-threads", type=int, default=defaults.max_threads, help="threads of one query")
    parser.add_argument(
        "--background-threads", type=int, default=defaults.background_threads, help="threads that merge parts"
    )
    parser.add_argument(
        "--grace-s", type=float, default=10.0, help="time for running statements when stopping"
    )
    parser.add_argument("--follow-stdin", action="store_true", help="end when standard input ends")
    return parser.parse_args(arguments)


def _follow_stdin(stopping: threading.Event) -> None:
    # Not through `sys.stdin`: a thread that waits inside of it would hold up the end of the interpreter.
    while os.read(0, 4096):
        pass
    stopping.set()


if __name__ == "__main__":
    sys.exit(main())
