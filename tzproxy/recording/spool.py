"""The spool: batches on disk while the store is away. Cold; files only, no rings and no store.

Owns `spool/*.seg`: append-only segments of checksummed entries, each entry one batch. Where the spool begins
and ends is the recorder's state to say: an entry counts once the state that includes it is committed, and
what lies behind that end is cut off on start (its rows are still in the ring).
"""

from __future__ import annotations

import logging
import os
import struct
from pathlib import Path

import msgspec

from tzproxy._speedups.ring import crc32c
from tzproxy.recording.batch import Batch
from tzproxy.recording.state import Range, SpoolState
from tzproxy.recording.tables import no_rows

LOGGER = logging.getLogger(__name__)

DEFAULT_QUOTA_BYTES = 1024 * 1024 * 1024
DEFAULT_SEGMENT_BYTES = 64 * 1024 * 1024

# magic, checksum of head and meta, meta bytes, body bytes, checksum of the body
_HEAD = struct.Struct("<4sIIQI")
_MAGIC = b"TZSP"


class _Meta(msgspec.Struct, frozen=True, array_like=True):
    ranges: list[Range]
    #: (table id, rows, bytes) in the order of the body
    tables: list[tuple[int, int, int]]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Meta)


class Spool:
    """Appends and reads batches between the ends that `state` names. The caller commits `state`."""

    def __init__(
        self,
        directory: Path,
        state: SpoolState,
        *,
        quota_bytes: int = DEFAULT_QUOTA_BYTES,
        segment_bytes: int = DEFAULT_SEGMENT_BYTES,
        is_fresh: bool = False,
    ) -> None:
        """Open the spool; with `is_fresh` (`state` is blank) nothing is cut before `adopt` is called."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._state = state
        self._quota_bytes = quota_bytes
        self._segment_bytes = segment_bytes
        self._fd = -1
        self._fd_segment = 0
        if not is_fresh:
            self._remove_strangers()

    @property
    def is_empty(self) -> bool:
        """Whether no batch waits."""
        state = self._state
        return (state.read_segment, state.read_offset) == (state.write_segment, state.write_offset)

    def size_bytes(self) -> int:
        """Bytes of all segments that are still needed."""
        sizes = 0
        for number in range(self._state.read_segment, self._state.write_segment):
            path = self._path(number)
            sizes += path.stat().st_size if path.exists() else 0
        return sizes + self._state.write_offset

    def append(self, batch: Batch) -> bool:
        """Write a batch and force it to disk; it counts once the state is committed.

        Returns False, with nothing changed, if the quota or the disk has no room.
        """
        entry = _encode(batch)
        size = sum(map(len, entry))
        if self.size_bytes() + size > self._quota_bytes:
            return False
        state = self._state
        segment, offset = state.write_segment, state.write_offset
        if offset and offset + size > self._segment_bytes:
            segment, offset = segment + 1, 0
        try:
            self._write(segment, offset, entry)
        except OSError as exc:
            LOGGER.error("the spool cannot be written: %s", exc)
            return False
        state.write_segment, state.write_offset = segment, offset + size
        state.rows = [old + new for old, new in zip(state.rows, batch.counts(), strict=True)]
        return True

    def head(self) -> tuple[Batch, tuple[int, int]] | None:
        """Return the oldest batch and the place behind it; damaged stretches are passed over with an error.

        None if nothing readable is left; then the reading end stands at the writing end.
        """
        state = self._state
        while not self.is_empty:
            limit = state.write_offset if state.read_segment == state.write_segment else None
            found = _read(self._path(state.read_segment), state.read_offset, limit)
            if found is None and limit is None and self._at_end_of_segment():
                state.read_segment, state.read_offset = state.read_segment + 1, 0
                continue
            if found is None:
                self._skip_rest_of_segment()
                continue
            batch, end = found
            return batch, (state.read_segment, end)
        return None

    def advance(self, batch: Batch, place: tuple[int, int]) -> None:
        """Move the reading end behind a batch that is done with. The caller commits, then calls `clean`."""
        self._state.read_segment, self._state.read_offset = place
        self._state.rows = [old - done for old, done in zip(self._state.rows, batch.counts(), strict=True)]
        if self.is_empty and self._state.write_offset:
            # A fresh segment, so that the drained one can go.
            self._state.read_segment = self._state.write_segment = self._state.write_segment + 1
            self._state.read_offset = self._state.write_offset = 0

    def clean(self) -> None:
        """Delete segments that the committed state no longer needs."""
        for path in self._directory.glob("*.seg"):
            if int(path.stem) < self._state.read_segment:
                path.unlink(missing_ok=True)

    def adopt(self) -> list[Range]:
        """Take over whatever readable batches there are, for a recorder that has lost its state."""
        state = self._state
        state.rows = no_rows()
        numbers = sorted(int(path.stem) for path in self._directory.glob("*.seg"))
        ranges: list[Range] = []
        for number in numbers:
            state.write_segment, state.write_offset = number, 0
            while (found := _read(self._path(number), state.write_offset, None)) is not None:
                batch, state.write_offset = found
                ranges.extend(batch.ranges)
                state.rows = [old + new for old, new in zip(state.rows, batch.counts(), strict=True)]
        if numbers:
            state.read_segment, state.read_offset = numbers[0], 0
        self._remove_strangers()
        return ranges

    def close(self) -> None:
        """Close the segment being written."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:010d}.seg"

    def _write(self, segment: int, offset: int, entry: list[bytes]) -> None:
        if self._fd < 0 or self._fd_segment != segment:
            self.close()
            path = self._path(segment)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._fd_segment = segment
            _sync_directory(self._directory)
        try:
            os.lseek(self._fd, offset, os.SEEK_SET)
            with open(os.dup(self._fd), "wb") as file:
                file.writelines(entry)
            os.fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, offset)
            raise

    def _remove_strangers(self) -> None:
        """Cut off what was written but never committed, delete what was drained."""
        self.clean()
        for path in self._directory.glob("*.seg"):
            if int(path.stem) > self._state.write_segment:
                path.unlink()
            elif (
                int(path.stem) == self._state.write_segment and path.stat().st_size > self._state.write_offset
            ):
                os.truncate(path, self._state.write_offset)

    def _at_end_of_segment(self) -> bool:
        path = self._path(self._state.read_segment)
        return path.exists() and path.stat().st_size == self._state.read_offset

    def _skip_rest_of_segment(self) -> None:
        state = self._state
        LOGGER.error(
            "the spool segment %s is damaged from byte %d on: its remaining batches are lost",
            self._path(state.read_segment).name,
            state.read_offset,
        )
        if state.read_segment == state.write_segment:
            state.write_segment, state.write_offset = state.write_segment + 1, 0
        state.read_segment, state.read_offset = state.read_segment + 1, 0


def _encode(batch: Batch) -> list[bytes]:
    tables = [(table, rows, len(lines)) for table, (rows, lines) in batch.tables.items()]
    meta = _ENCODER.encode(_Meta(list(batch.ranges), tables))
    body_crc = 0
    for _, lines in batch.tables.values():
        body_crc = crc32c(lines, body_crc)
    body_bytes = sum(size for _, _, size in tables)
    blank = _HEAD.pack(_MAGIC, 0, len(meta), body_bytes, body_crc)
    head = _HEAD.pack(_MAGIC, crc32c(meta, crc32c(blank)), len(meta), body_bytes, body_crc)
    return [head, meta, *(lines for _, lines in batch.tables.values())]


def _read(path: Path, offset: int, limit: int | None) -> tuple[Batch, int] | None:
    """Return the batch at `offset` and where it ends, None if it is damaged or there is none."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return None
            magic, head_crc, meta_bytes, body_bytes, body_crc = _HEAD.unpack(head)
            end = offset + _HEAD.size + meta_bytes + body_bytes
            if magic != _MAGIC or end > (limit if limit is not None else os.fstat(file.fileno()).st_size):
                return None
            meta = file.read(meta_bytes)
            body = file.read(body_bytes)
    except FileNotFoundError:
        return None
    blank = _HEAD.pack(_MAGIC, 0, meta_bytes, body_bytes, body_crc)
    if crc32c(meta, crc32c(blank)) != head_crc or crc32c(body) != body_crc:
        return None
    parsed = _DECODER.decode(meta)
    tables = {}
    at = 0
    for table, rows, size in parsed.tables:
        tables[table] = (rows, body[at : at + size])
        at += size
    return Batch(parsed.ranges, tables), end


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
