"""The threads that talk to the store: a slow store never stops the draining, and tables do not wait in line.

Must not: decide about batches, touch rings, files or state.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import Enum
from queue import SimpleQueue
from typing import Protocol

import msgspec

from tzproxy.clickhouse.client import StatementError
from tzproxy.recording.batch import Piece
from tzproxy.recording.tables import table_name

#: An inference writes to two tables, sometimes to a third.
DEFAULT_THREADS = 3
_UNKNOWN_TABLE = 60


class Store(Protocol):
    """The part of `tzproxy.clickhouse.StoreClient` that the recorder uses."""

    def insert_json(self, table: str, lines: bytes, *, dedup_token: str | None) -> object:
        """Insert rows, one JSON object a line."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class Verdict(Enum):
    """What became of a statement."""

    STORED = "stored"
    #: The rows are at fault; fewer of them may pass.
    REFUSED = "refused"
    #: The table does not exist.
    NO_TABLE = "no table"
    #: The store is away or not fit to take rows; the same statement may pass later.
    AWAY = "away"


class Outcome(msgspec.Struct, frozen=True):
    """A verdict and its reason."""

    verdict: Verdict
    reason: str = ""


STORED = Outcome(Verdict.STORED)


class Inserter:
    """Runs a few inserts at a time in threads of its own. Used by one other thread only."""

    def __init__(
        self, open_store: Callable[[], Store], wake: threading.Event, *, threads: int = DEFAULT_THREADS
    ) -> None:
        self._open_store = open_store
        self._store: Store | None = None
        self._opening = threading.Lock()
        self._wake = wake
        self._jobs: SimpleQueue[tuple[Piece, bytes, str] | None] = SimpleQueue()
        self._outcomes: SimpleQueue[tuple[Piece, Outcome]] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name="inserter", daemon=True) for _ in range(threads)
        ]
        #: Statements whose outcome has not been taken yet.
        self.under_way = 0
        for thread in self._threads:
            thread.start()

    @property
    def has_room(self) -> bool:
        """Whether another statement would start at once."""
        return self.under_way < len(self._threads)

    def submit(self, piece: Piece, lines: bytes, token: str) -> None:
        """Start an insert of these rows into the piece's table."""
        self.under_way += 1
        self._jobs.put((piece, lines, token))

    def take_outcomes(self) -> list[tuple[Piece, Outcome]]:
        """Return what became of the inserts that have ended since the last call."""
        outcomes = []
        while not self._outcomes.empty():
            outcomes.append(self._outcomes.get())
        self.under_way -= len(outcomes)
        return outcomes

    def close(self, timeout_s: float) -> None:
        """End the threads; one that hangs in the store is left behind."""
        for _ in self._threads:
            self._jobs.put(None)
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._store is not None and not any(thread.is_alive() for thread in self._threads):
            self._store.close()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            piece, lines, token = job
            self._outcomes.put((piece, self._insert(table_name(piece.table), lines, token)))
            self._wake.set()

    def _opened(self) -> Store:
        with self._opening:
            if self._store is None:
                self._store = self._open_store()
            return self._store

    def _insert(self, table: str, lines: bytes, token: str) -> Outcome:
        try:
            self._opened().insert_json(table, lines, dedup_token=token)
        except StatementError as exc:
            if exc.rejects_rows:
                return Outcome(Verdict.REFUSED, exc.message)
            return Outcome(
                Verdict.NO_TABLE if exc.clickhouse_code == _UNKNOWN_TABLE else Verdict.AWAY, exc.message
            )
        except Exception as exc:  # noqa: BLE001 - reported to the recorder, which logs it and tries again
            return Outcome(Verdict.AWAY, f"{type(exc).__name__}: {exc}")
        return STORED
