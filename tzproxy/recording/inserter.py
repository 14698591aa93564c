"""The thread that talks to the store, one statement at a time, so that a slow store never stops the draining.

Must not: decide about batches, touch rings, files or state.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from queue import SimpleQueue
from typing import Protocol

import msgspec

from tzproxy.clickhouse.client import StatementError

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
    """Runs inserts in a thread of its own. Used by one other thread only."""

    def __init__(self, open_store: Callable[[], Store], wake: threading.Event) -> None:
        self._open_store = open_store
        self._store: Store | None = None
        self._wake = wake
        self._jobs: SimpleQueue[tuple[str, bytes, str] | None] = SimpleQueue()
        self._outcome: Outcome | None = None
        self.is_busy = False
        self._thread = threading.Thread(target=self._run, name="inserter", daemon=True)
        self._thread.start()

    def submit(self, table: str, lines: bytes, token: str) -> None:
        """Start an insert. At most one may be under way."""
        assert not self.is_busy
        self.is_busy = True
        self._outcome = None
        self._jobs.put((table, lines, token))

    def take_outcome(self) -> Outcome | None:
        """Return what became of the insert if it has ended, once."""
        outcome = self._outcome
        if outcome is not None:
            self._outcome = None
            self.is_busy = False
        return outcome

    def close(self, timeout_s: float) -> None:
        """End the thread; one that hangs in the store is left behind."""
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._outcome = self._insert(*job)
            self._wake.set()
        if self._store is not None:
            self._store.close()

    def _insert(self, table: str, lines: bytes, token: str) -> Outcome:
        try:
            if self._store is None:
                self._store = self._open_store()
            self._store.insert_json(table, lines, dedup_token=token)
        except StatementError as exc:
            if exc.rejects_rows:
                return Outcome(Verdict.REFUSED, exc.message)
            return Outcome(
                Verdict.NO_TABLE if exc.clickhouse_code == _UNKNOWN_TABLE else Verdict.AWAY, exc.message
            )
        except Exception as exc:  # noqa: BLE001 - reported to the recorder, which logs it and tries again
            return Outcome(Verdict.AWAY, f"{type(exc).__name__}: {exc}")
        return STORED
