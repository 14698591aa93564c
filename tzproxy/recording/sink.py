"""The worker's side of recording: rows go in, nothing waits. Hot up to the ring.

Owns the hand-over of finished rows and the waiting of the synchronous mode. Must not: block, raise on a full
ring, know SQL or the store.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tzproxy._speedups.ring import NO_ROOM, TABLES, TOO_LONG
from tzproxy.errors import StoreUnavailableError
from tzproxy.recording.long_lines import LongLines
from tzproxy.recording.rings import (
    DEFAULT_CAPACITY_BYTES,
    RESIDENT_BYTES,
    ProducerRing,
    open_producer,
    open_worker_ring,
)
from tzproxy.recording.tables import Table, table_name

__all__ = ["MemorySink", "NullSink", "RingSink", "Row", "Sink", "Table"]

LOGGER = logging.getLogger(__name__)

Row = tuple[Table, bytes]

#: The position that `accept` returns for rows which found no room.
LOST = NO_ROOM
DEFAULT_SYNC_TIMEOUT_S = 30.0
_FIRST_POLL_S = 0.001
_LONGEST_POLL_S = 0.020
_LOSS_LOG_INTERVAL_S = 1.0


class Sink(Protocol):
    """Takes finished rows. The engine knows recording by this protocol alone."""

    def accept(self, rows: Sequence[Row]) -> int:
        """Take rows (each one line of JSON): all are stored or none; never blocks, never raises.

        Returns a position for `wait_stored`.
        """
        ...

    @property
    def accepted(self) -> int:
        """The position after everything that was taken so far."""
        ...

    async def wait_stored(self, position: int) -> None:
        """Return once the rows before `position` are stored.

        Raises: StoreUnavailableError if that takes too long (the rows are kept and stored later) or if the
            rows were lost.
        """
        ...


class NullSink:
    """Observability off: rows vanish."""

    def accept(self, rows: Sequence[Row]) -> int:
        """Drop the rows."""
        return 0

    @property
    def accepted(self) -> int:
        """The position after everything: there is never anything."""
        return 0

    async def wait_stored(self, position: int) -> None:
        """Return at once."""


class MemorySink:
    """Keeps rows in a list, for tests and for the embedded client without a store."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def accept(self, rows: Sequence[Row]) -> int:
        """Keep the rows."""
        self.rows.extend(rows)
        return len(self.rows)

    @property
    def accepted(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    async def wait_stored(self, position: int) -> None:
        """Return at once."""

    def lines(self, table: Table) -> list[bytes]:
        """Return the rows of one table in the order they came."""
        return [line for kind, line in self.rows if kind == table]


class RingSink:
    """Copies rows into the worker's ring; the recorder process takes them from there."""

    def __init__(
        self,
        path: Path | str | None,
        capacity_bytes: int = DEFAULT_CAPACITY_BYTES,
        *,
        rings_dir: Path | str | None = None,
        sync_timeout_s: float = DEFAULT_SYNC_TIMEOUT_S,
    ) -> None:
        """Open the ring at `path`, or with `path=None` the first free `worker-N.ring` in `rings_dir`."""
        self._ring = _open(path, capacity_bytes, rings_dir)
        self._append = self._ring.producer.append
        self._let_go_at = self._ring.producer.cursor + RESIDENT_BYTES
        self._long_lines = LongLines(self._ring.path.parent)
        self._sync_timeout_s = sync_timeout_s
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._vain_at = -1
        """Up to where the store had acknowledged when it was last waited for in vain."""

        self._poller: asyncio.Task[None] | None = None
        self._poll_s = _FIRST_POLL_S
        self._closed = False
        self._loss_logged_at = float("-inf")
        self._refused_logged = self._ring.producer.refused()[1]

    @property
    def path(self) -> Path:
        """The ring file."""
        return self._ring.path

    def accept(self, rows: Sequence[Row]) -> int:
        """Copy the rows into the ring as one record.

        Returns the position after it, or -1 if there was no room (counted, and logged once per second at
        most).
        """
        # PERF: one C call, no system call but each few MiB (test_append_two_rows)
        position = self._append(rows)
        if position >= self._let_go_at:
            self._let_go_at = position + RESIDENT_BYTES
            self._ring.let_go()
        elif position < 0:
            return self._accept_long(rows) if position == TOO_LONG else self._note_loss()
        return position

    def _accept_long(self, rows: Sequence[Row]) -> int:
        """Take rows that are too long for the ring: the one case in which a disk is waited for."""
        try:
            marked = self._long_lines.put_aside(rows)
        except OSError as exc:
            LOGGER.error("rows too long for the ring cannot be kept beside it: %s", exc)
            marked = list(rows)
        position = self._append(marked)
        if position >= 0:
            return position
        if position == TOO_LONG:
            self._ring.producer.refuse(marked)
        self._long_lines.take_back(marked)
        return self._note_loss()

    @property
    def accepted(self) -> int:
        """The position after the last record, of this process or those before it."""
        return self._ring.producer.cursor

    async def wait_stored(self, position: int) -> None:
        """Return once the store has acknowledged everything before `position`.

        Raises: StoreUnavailableError after `sync_timeout_s` (the rows are still queued and will be stored);
            at once for rows that were lost, and while the store has acknowledged nothing since somebody
            waited for it in vain.
        """
        if position < 0:
            raise StoreUnavailableError("The record buffer is full; the rows of this request were lost.")
        stored = self._ring.producer.stored
        if position <= stored:
            return
        if stored == self._vain_at:
            raise StoreUnavailableError("ClickHouse does not acknowledge; the rows are queued.")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((position, future))
        self._poll_s = _FIRST_POLL_S
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll())
        try:
            async with asyncio.timeout(self._sync_timeout_s):
                await future
        except TimeoutError as exc:
            self._vain_at = self._ring.producer.stored
            raise StoreUnavailableError(
                f"ClickHouse did not acknowledge within {self._sync_timeout_s:g} s; the rows are queued."
            ) from exc

    def close(self) -> None:
        """Close the ring; what it holds stays in the file for the recorder."""
        if self._poller is not None:
            self._poller.cancel()
            self._poller = None
        for _, future in self._waiters:
            future.cancel()
        self._waiters.clear()
        self._closed = True
        self._ring.close()

    async def _poll(self) -> None:
        """Resolve waiters in order: positions grow, so only the oldest needs a look."""
        while self._waiters:
            stored = self._ring.producer.stored
            while self._waiters and (self._waiters[0][0] <= stored or self._waiters[0][1].done()):
                _, future = self._waiters.popleft()
                if not future.done():
                    future.set_result(None)
            if self._waiters:
                await asyncio.sleep(self._poll_s)
                self._poll_s = min(self._poll_s * 1.25, _LONGEST_POLL_S)

    def _note_loss(self) -> int:
        now = time.monotonic()
        if now - self._loss_logged_at >= _LOSS_LOG_INTERVAL_S:
            self._loss_logged_at = now
            try:
                asyncio.get_running_loop().call_soon(self._log_loss)
            except RuntimeError:
                self._log_loss()
        return LOST

    def _log_loss(self) -> None:
        if self._closed:
            return
        refused = self._ring.producer.refused()[1]
        lost = {table_name(i): refused[i] - self._refused_logged[i] for i in range(TABLES)}
        self._refused_logged = refused
        LOGGER.error(
            "ROWS LOST: the record buffer %s is full (is the recorder running, is its quota used up?): %s",
            self._ring.path,
            {name: rows for name, rows in lost.items() if rows},
        )


def _open(path: Path | str | None, capacity_bytes: int, rings_dir: Path | str | None) -> ProducerRing:
    if path is not None:
        return open_producer(Path(path), capacity_bytes)
    if rings_dir is None:
        raise ValueError("a ring sink needs a path or a directory of rings")
    return open_worker_ring(Path(rings_dir), capacity_bytes)
