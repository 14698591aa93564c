"""Rows accepted, stored, lost and pending, for any process to read (a worker's /metrics). Cold, read-only."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

import msgspec

from tzproxy._speedups.ring import HEADER_BYTES, RingCorruptError, RingView
from tzproxy.recording.options import RINGS_DIR
from tzproxy.recording.rings import RING_SUFFIX
from tzproxy.recording.state import STATE_FILE, RecorderState, read_state
from tzproxy.recording.tables import TABLE_NAMES, no_rows

_ATTEMPTS = 5


class TableCounters(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table since the data directory was made; accepted = stored + lost + pending."""

    #: Rows that workers handed over.
    accepted: int
    #: Rows that the store has acknowledged.
    stored: int
    #: Rows that will never be stored: `refused`, `rejected` and `damaged` together.
    lost: int
    #: Rows in rings and spool.
    pending: int
    #: Lost because the ring was full.
    refused: int
    #: Lost because the store refuses them for what they hold; kept in `rejected/`.
    rejected: int
    #: Lost because their bytes were damaged on disk.
    damaged: int


class RecordingCounters(msgspec.Struct, frozen=True, kw_only=True):
    """What recording has done with the rows, by table name (tables that never had a row are left out)."""

    tables: dict[str, TableCounters]
    #: Rows that wait in the spool, of all tables.
    spooled: int
    #: Seconds since the recorder last looked at a ring; None if it never did.
    recorder_age_s: float | None

    @property
    def accepted(self) -> int:
        """Accepted rows of all tables."""
        return sum(table.accepted for table in self.tables.values())

    @property
    def stored(self) -> int:
        """Stored rows of all tables."""
        return sum(table.stored for table in self.tables.values())

    @property
    def lost(self) -> int:
        """Lost rows of all tables."""
        return sum(table.lost for table in self.tables.values())

    @property
    def pending(self) -> int:
        """Pending rows of all tables."""
        return sum(table.pending for table in self.tables.values())


class _RingCounts(msgspec.Struct):
    accepted: list[int]
    refused: list[int]
    pending: list[int]
    heartbeat_ns: int = 0


def read_counters(data_dir: Path | str, *, rings_dir: Path | str | None = None) -> RecordingCounters:
    """Return the counters of a data directory, whether or not a recorder runs."""
    rings = Path(rings_dir) if rings_dir else Path(data_dir) / RINGS_DIR
    state_path = Path(data_dir) / STATE_FILE
    state = read_state(state_path) or RecorderState()
    counts = _count_rings(rings, state)
    for _ in range(_ATTEMPTS):
        again = read_state(state_path) or RecorderState()
        if again.folded == state.folded:
            break
        # A retired ring was counted for good and deleted between the two looks.
        state = again
        counts = _count_rings(rings, state)
    tables = {name: _table(state, counts, table) for table, name in enumerate(TABLE_NAMES)}
    # A sign of life from before a reboot may lie in this clock's future.
    age_s = (time.monotonic_ns() - counts.heartbeat_ns) / 1e9
    return RecordingCounters(
        tables={name: table for name, table in tables.items() if table.accepted or table.stored},
        spooled=sum(state.spool.rows),
        recorder_age_s=age_s if counts.heartbeat_ns and age_s >= 0 else None,
    )


def _table(state: RecorderState, counts: _RingCounts, table: int) -> TableCounters:
    refused = counts.refused[table] + state.retired_refused[table]
    return TableCounters(
        accepted=counts.accepted[table] + state.retired_accepted[table] + refused,
        stored=state.stored[table],
        lost=refused + state.rejected[table] + state.damaged[table],
        pending=counts.pending[table] + state.spool.rows[table],
        refused=refused,
        rejected=state.rejected[table],
        damaged=state.damaged[table],
    )


def _count_rings(directory: Path, state: RecorderState) -> _RingCounts:
    counts = _RingCounts(no_rows(), no_rows(), no_rows())
    if not directory.is_dir():
        return counts
    for path in directory.glob(f"*{RING_SUFFIX}"):
        view = _open_view(path)
        if view is None or view.ring_id.hex() in state.folded:
            continue
        known = state.rings.get(view.ring_id.hex())
        taken = known.taken if known else no_rows()
        # After a reboot the file may know less than was taken from it.
        accepted = [max(pair) for pair in zip(view.accepted()[2], taken, strict=True)]
        refused = view.refused()[1]
        for table, rows in enumerate(accepted):
            counts.accepted[table] += rows
            counts.refused[table] += refused[table]
            counts.pending[table] += rows - taken[table]
        counts.heartbeat_ns = max(counts.heartbeat_ns, view.heartbeat_ns)
        view.close()
    return counts


def _open_view(path: Path) -> RingView | None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # Only the header page: the counters are there.
        return RingView(mmap.mmap(fd, HEADER_BYTES, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE))
    except (RingCorruptError, ValueError):
        return None
    finally:
        os.close(fd)
