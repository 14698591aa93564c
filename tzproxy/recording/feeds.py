"""The rings as the recorder sees them: found, read ahead, given back. Cold; `_speedups.ring` owns the bytes.

Keeps for each ring a reading position ahead of the committed one. Must not commit state or talk to the store.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from tzproxy._speedups.ring import RingConsumer, RingCorruptError
from tzproxy.recording.batch import Batch, TableRows, join_tables
from tzproxy.recording.pace import Load
from tzproxy.recording.rings import RETIRED_SUFFIX, RING_SUFFIX, open_consumer
from tzproxy.recording.state import Range, RecorderState, RingState
from tzproxy.recording.tables import no_rows

LOGGER = logging.getLogger(__name__)

_EVERYTHING = 1 << 62


class Feed:
    """One attached ring."""

    def __init__(self, path: Path, consumer: RingConsumer, state: RingState) -> None:
        self.path = path
        self.consumer = consumer
        self.state = state
        self.ring_id = consumer.ring_id.hex()
        #: Next position to read; what lies between `state.acked` and here is in the batch being sent.
        self.read = state.acked
        #: Rows read so far, of all tables.
        self.read_rows = sum(state.taken)
        self.is_damaged = False

    @property
    def is_retired(self) -> bool:
        """Whether no producer will ever write to it again."""
        return self.path.name.endswith(RETIRED_SUFFIX)

    @property
    def waiting_bytes(self) -> int:
        """Bytes written but not read yet."""
        return max(0, self.consumer.cursor - self.read)

    @property
    def waiting_rows(self) -> int:
        """Rows written but not read yet."""
        return max(0, self.consumer.accepted_rows() - self.read_rows) if self.waiting_bytes else 0


class Feeds:
    """All rings of a directory."""

    def __init__(self, directory: Path, state: RecorderState) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._state = state
        self._by_inode: dict[tuple[int, int], Feed | None] = {}
        self.by_id: dict[str, Feed] = {}

    def discover(self) -> None:
        """Attach rings that are new in the directory, follow renamed ones."""
        seen = set()
        for entry in os.scandir(self._directory):
            if not entry.name.endswith(RING_SUFFIX) or entry.name.startswith("."):
                continue
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            inode = (status.st_dev, status.st_ino)
            seen.add(inode)
            if inode in self._by_inode:
                feed = self._by_inode[inode]
                if feed is not None:
                    feed.path = Path(entry.path)
            else:
                self._by_inode[inode] = self._attach(Path(entry.path))
        for inode in [key for key in self._by_inode if key not in seen]:
            self._detach(inode)

    def load(self) -> Load:
        """What waits to be read in all rings, and how full the fullest is."""
        waiting_rows = sum(feed.waiting_rows for feed in self.by_id.values())
        return Load(waiting_rows, self.waiting_bytes(), self.fill())

    def waiting_bytes(self) -> int:
        """Bytes of all rings that wait to be read."""
        return sum(feed.waiting_bytes for feed in self.by_id.values())

    def fill(self) -> float:
        """How full the fullest ring is, 0 to 1."""
        feeds = self.by_id.values()
        return max(
            ((feed.consumer.cursor - feed.state.acked) / feed.consumer.capacity for feed in feeds),
            default=0.0,
        )

    def collect(self, max_rows: int, max_bytes: int) -> Batch | None:
        """Read the next rows of all rings, the fullest first, up to the limits (one record at least)."""
        ranges: list[Range] = []
        parts: list[dict[int, TableRows]] = []
        for feed in sorted(self.by_id.values(), key=lambda feed: -feed.waiting_bytes):
            if max_rows <= 0 or max_bytes <= 0 or not feed.waiting_bytes or feed.is_damaged:
                continue
            try:
                end, rows, tables = feed.consumer.peek(feed.read, 0, max_bytes, max_rows)
            except RingCorruptError as exc:
                LOGGER.error("%s: %s", feed.path, exc)
                feed.is_damaged = True
                continue
            ranges.append(Range(feed.ring_id, feed.read, end))
            parts.append(tables)
            feed.read = end
            feed.read_rows += rows
            max_rows -= rows
            max_bytes -= sum(len(lines) for _, lines in tables.values())
        return _batch(ranges, parts) if ranges else None

    def reread(self, ranges: Sequence[Range]) -> Batch | None:
        """Read journalled ranges again, exactly; None if that cannot be (a ring was deleted or damaged)."""
        parts: list[dict[int, TableRows]] = []
        for part in ranges:
            feed = self.by_id.get(part.ring_id)
            if feed is None or feed.read != part.start:
                return None
            try:
                end, rows, tables = feed.consumer.peek(part.start, part.end, _EVERYTHING, _EVERYTHING)
            except RingCorruptError:
                return None
            if end != part.end:
                return None
            parts.append(tables)
            feed.read = end
            feed.read_rows += rows
        return _batch(ranges, parts)

    def rewind(self) -> None:
        """Forget what was read but not taken."""
        for feed in self.by_id.values():
            feed.read = feed.state.acked
            feed.read_rows = sum(feed.state.taken)

    def take(self, batch: Batch) -> None:
        """Count a batch as gone from its rings. The caller commits, then calls `release`."""
        for part, counts in zip(batch.ranges, batch.taken, strict=True):
            ring = self._state.rings[part.ring_id]
            ring.acked = part.end
            for table, rows in counts.items():
                ring.taken[table] += rows

    def release(self) -> None:
        """Give room back to the producers, up to the committed positions."""
        for feed in self.by_id.values():
            feed.consumer.ack(min(feed.state.acked, feed.consumer.cursor))

    def pass_over(self, feed: Feed, position: int) -> None:
        """Count a ring's rows up to `position` as taken: they are in the spool already."""
        try:
            end, _, tables = feed.consumer.peek(feed.read, position, _EVERYTHING, _EVERYTHING)
        except RingCorruptError as exc:
            LOGGER.error("%s: %s", feed.path, exc)
            feed.is_damaged = True
            return
        feed.state.acked = end
        for table, (rows, _) in tables.items():
            feed.state.taken[table] += rows
        self.rewind()

    def forget(self, feed: Feed) -> None:
        """Let go of a ring whose file is about to be deleted."""
        self._by_inode = {key: value for key, value in self._by_inode.items() if value is not feed}
        del self.by_id[feed.ring_id]
        feed.consumer.close()

    def mark_stored(self, ranges: Sequence[Range]) -> None:
        """Tell waiting workers that ranges are stored."""
        for part in ranges:
            feed = self.by_id.get(part.ring_id)
            if feed is not None:
                feed.consumer.mark_stored(part.end)

    def mark_all_stored(self) -> None:
        """Tell waiting workers that everything taken is stored (the spool is empty)."""
        for feed in self.by_id.values():
            feed.consumer.mark_stored(feed.state.acked)

    def beat(self, now_ns: int) -> None:
        """Leave a sign of life in every ring."""
        for feed in self.by_id.values():
            feed.consumer.beat(now_ns)

    def close(self) -> None:
        """Let go of all rings."""
        for feed in self.by_id.values():
            feed.consumer.close()
        self.by_id.clear()

    def _attach(self, path: Path) -> Feed | None:
        try:
            consumer = open_consumer(path)
        except (RingCorruptError, OSError) as exc:
            LOGGER.error("%s cannot be read and is left alone: %s", path, exc)
            return None
        ring_id = consumer.ring_id.hex()
        if ring_id in self._state.folded:
            path.unlink(missing_ok=True)
            return None
        if ring_id in self.by_id:
            LOGGER.error("%s is a copy of %s and is left alone", path, self.by_id[ring_id].path)
            return None
        known = self._state.rings.get(ring_id)
        if known is None or consumer.acked > known.acked:
            before = known.taken if known else no_rows()
            known = self._state.rings[ring_id] = _assume_state(consumer)
            # What is acknowledged without our knowing why has been stored (or spooled) by a recorder whose
            # last word is lost.
            for table, rows in enumerate(known.taken):
                self._state.stored[table] += rows - before[table]
        feed = Feed(path, consumer, known)
        self.by_id[ring_id] = feed
        consumer.ack(min(known.acked, consumer.cursor))
        return feed

    def _detach(self, inode: tuple[int, int]) -> None:
        feed = self._by_inode.pop(inode)
        if feed is None:
            return
        if feed.waiting_bytes:
            # Keep reading: the mapping outlives the name.
            self._by_inode[inode] = feed
            return
        LOGGER.warning("%s has gone from the directory", feed.path)
        del self.by_id[feed.ring_id]
        feed.consumer.close()


def _batch(ranges: Sequence[Range], parts: Sequence[dict[int, TableRows]]) -> Batch:
    taken = [{table: rows for table, (rows, _) in part.items()} for part in parts]
    return Batch(ranges, join_tables(parts), taken)


def _assume_state(consumer: RingConsumer) -> RingState:
    """What a ring without a remembered state tells by itself: all that is acknowledged has been taken."""
    acked = consumer.acked
    if acked == 0:
        return RingState()
    cursor, _, accepted = consumer.accepted()
    taken = list(accepted)
    try:
        _, _, tables = consumer.peek(acked, cursor, _EVERYTHING, _EVERYTHING)
    except RingCorruptError:
        tables = {}
    for table, (rows, _) in tables.items():
        taken[table] -= rows
    return RingState(acked=acked, taken=taken)
