"""The recorder's memory between lives: journal, positions and counters, committed as one.

Owns `recorder.state`: two slots written in turn, each with generation and checksum; the newest valid one
counts, so a recorder killed in mid-write leaves the state before. Must not: know rings, spool files or the
store.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import msgspec

from tzproxy.errors import StoreError
from tzproxy.recording.tables import no_rows

STATE_FILE = "recorder.state"

_SLOT_BYTES = 256 * 1024
# magic, checksum of what follows, generation, payload bytes
_HEAD = struct.Struct("<4sIQI")
_MAGIC = b"TZST"


class Range(msgspec.Struct, frozen=True, array_like=True):
    """A piece of one ring between two positions."""

    ring_id: str
    start: int
    end: int


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """Rows `low` to `high` of a batch's table that the store refused as one statement."""

    table: int
    low: int
    high: int
    #: Why the rows are given up; empty while their halves may still pass.
    verdict: str = ""


class RingState(msgspec.Struct):
    """How far one ring has been taken over."""

    acked: int = 0
    #: Rows per table that have left the ring: stored, refused by the store, spooled or found damaged.
    taken: list[int] = msgspec.field(default_factory=no_rows)


class SpoolState(msgspec.Struct):
    """Where the spool begins and ends, and what is in between."""

    read_segment: int = 1
    read_offset: int = 0
    write_segment: int = 1
    write_offset: int = 0
    rows: list[int] = msgspec.field(default_factory=no_rows)


class RecorderState(msgspec.Struct):
    """Everything a new recorder must know. Mutable: it is the recorder's working copy between commits."""

    rings: dict[str, RingState] = msgspec.field(default_factory=dict)
    spool: SpoolState = msgspec.field(default_factory=SpoolState)
    #: The journal: ranges of the batch being sent out of the rings; empty if there is none.
    sending: list[Range] = msgspec.field(default_factory=list)
    #: What the store has refused of the batch being sent (from the rings, or the spool's oldest).
    refusals: list[Refusal] = msgspec.field(default_factory=list)
    stored: list[int] = msgspec.field(default_factory=no_rows)
    #: Rows that the store refuses for what they hold, set aside in `rejected/`.
    rejected: list[int] = msgspec.field(default_factory=no_rows)
    #: Rows whose bytes in ring or spool were damaged.
    damaged: list[int] = msgspec.field(default_factory=no_rows)
    #: Rows that producers accepted or refused in rings which have since been retired and deleted.
    retired_accepted: list[int] = msgspec.field(default_factory=no_rows)
    retired_refused: list[int] = msgspec.field(default_factory=no_rows)
    #: Ids of rings counted in the two lists above whose file may still be there.
    folded: list[str] = msgspec.field(default_factory=list)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(RecorderState)


class StateFile:
    """Reads and commits the state. At most one writer (the recorder's lock sees to it)."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # A full disk must not stop a commit later.
        os.posix_fallocate(self._fd, 0, 2 * _SLOT_BYTES)
        self._generation, payload = _newest(self._fd)
        self.state = _DECODER.decode(payload) if payload else RecorderState()
        #: Whether there was a valid state to go on from.
        self.found = payload is not None

    def commit(self, *, durable: bool = False) -> None:
        """Make this the state that a new recorder will find; `durable` survives a power failure."""
        payload = _ENCODER.encode(self.state)
        if len(payload) + _HEAD.size > _SLOT_BYTES:
            raise StoreError("the recorder's state has outgrown its file")
        generation = self._generation + 1
        checksum = zlib.crc32(payload, generation & 0xFFFFFFFF)
        head = _HEAD.pack(_MAGIC, checksum, generation, len(payload))
        os.pwrite(self._fd, head + payload, (generation & 1) * _SLOT_BYTES)
        if durable:
            os.fdatasync(self._fd)
        self._generation = generation

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def read_state(path: Path) -> RecorderState | None:
    """Return the last committed state, None if there is none. Safe while a recorder writes."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        payload = _newest(fd)[1]
    finally:
        os.close(fd)
    return _DECODER.decode(payload) if payload else None


def _newest(fd: int) -> tuple[int, bytes | None]:
    best: tuple[int, bytes | None] = (0, None)
    for slot in (0, 1):
        raw = os.pread(fd, _SLOT_BYTES, slot * _SLOT_BYTES)
        if len(raw) < _HEAD.size:
            continue
        magic, checksum, generation, size = _HEAD.unpack_from(raw)
        payload = raw[_HEAD.size : _HEAD.size + size]
        if (
            magic != _MAGIC
            or len(payload) != size
            or zlib.crc32(payload, generation & 0xFFFFFFFF) != checksum
        ):
            continue
        if generation > best[0]:
            best = (generation, payload)
    return best
