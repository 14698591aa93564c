"""Processes for the kill tests: `recorder SOCKET` (options on standard input) and `producer RING LAST`."""

from __future__ import annotations

import signal
import sys
import threading
import time
from multiprocessing.connection import Client, Connection
from pathlib import Path

import msgspec

from tzproxy.clickhouse.client import StatementError
from tzproxy.errors import StoreUnavailableError
from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.recorder import Recorder, run
from tzproxy.recording.sink import RingSink, Table


class RemoteStore:
    """Speaks to the store in the test's process, over one connection per thread."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._local = threading.local()

    def insert_json(self, table: str, lines: bytes, *, dedup_token: str | None) -> None:
        """Send a statement and wait for the answer."""
        connection: Connection | None = getattr(self._local, "connection", None)
        try:
            if connection is None:
                connection = self._local.connection = Client(self._address, family="AF_UNIX")
            connection.send((table, lines, dedup_token))
            answer = connection.recv()
        except (OSError, EOFError) as exc:
            self._local.connection = None
            raise StoreUnavailableError("no answer") from exc
        if answer == "refused":
            raise StatementError("cannot parse", clickhouse_code=27)

    def close(self) -> None:
        """Nothing to do: connections end with their threads."""


def record(address: str) -> None:
    """Run a recorder until SIGTERM."""
    options = msgspec.json.decode(sys.stdin.buffer.read(), type=RecorderOptions)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run(Recorder(options, lambda: RemoteStore(address)), options, stop)


def produce(path: str, last: int) -> None:
    """Append numbered records, going on where a dead producer stopped; wait while the ring is full."""
    sink = RingSink(path, 1 << 18)
    ring = Path(path).stem
    number = sink._ring.producer.accepted()[1]
    while number < last:
        line = b'{"ring":"%s","number":%d}' % (ring.encode(), number)
        # Some are too long for the ring.
        blanks = 140_000 if number % 100 == 99 else number % 400
        rows = [(Table.CHAT_INFERENCE, line), (Table.MODEL_INFERENCE, line + b" " * blanks)]
        if sink.accept(rows) > 0:
            number += 1
            if number % 20 == 0:
                time.sleep(0.004)
        else:
            time.sleep(0.01)


if __name__ == "__main__":
    if sys.argv[1] == "recorder":
        record(sys.argv[2])
    else:
        produce(sys.argv[2], int(sys.argv[3]))
