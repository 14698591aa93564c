"""Ring files: creating, locking, retiring and opening them. Cold; the bytes belong to `_speedups.ring`.

A producer holds an advisory lock on its file as long as it lives, so two workers never share a ring. A file
from before a reboot or with another capacity is retired: renamed, drained by the recorder, then deleted.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import time
import uuid
from pathlib import Path

from tzproxy._speedups.ring import HEADER_BYTES, RingConsumer, RingCorruptError, RingProducer, build_header
from tzproxy.errors import StoreError

LOGGER = logging.getLogger(__name__)

DEFAULT_CAPACITY_BYTES = 32 * 1024 * 1024
RING_SUFFIX = ".ring"
RETIRED_SUFFIX = ".retired.ring"
MAX_WORKERS = 256
#: How much a producer writes between two calls of `ProducerRing.let_go`, in bytes.
RESIDENT_BYTES = 4 * 1024 * 1024
_ZEROS_BYTES = 256 * 1024
_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


class RingBusyError(StoreError):
    """Another living process writes to this ring."""

    code = "ring_busy"


class ProducerRing:
    """An open ring with its lock: what a worker holds."""

    def __init__(self, path: Path, memory: mmap.mmap, lock_fd: int) -> None:
        self.path = path
        self.producer = RingProducer(memory)
        self._memory = memory
        self._lock_fd = lock_fd

    def let_go(self) -> None:
        """Take the ring out of this process's memory: what was written belongs to the file and its reader.

        What is touched next comes back by itself, a page at a time.
        """
        self._memory.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Give up the lock and the mapping; what was appended stays in the file."""
        if self._lock_fd >= 0:
            self.producer.close()
            self._memory.close()
            os.close(self._lock_fd)
            self._lock_fd = -1


def open_producer(path: Path, capacity_bytes: int = DEFAULT_CAPACITY_BYTES) -> ProducerRing:
    """Open the ring at `path` for writing, going on where a dead producer stopped; create it if need be.

    Raises: RingBusyError if a living process holds it, OSError if the disk has no room for it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    capacity = -(-capacity_bytes // 8) * 8
    with _DirectoryLock(path.parent):
        ring = _open_existing(path, capacity)
        return ring or _create(path, capacity)


def open_worker_ring(rings_dir: Path, capacity_bytes: int = DEFAULT_CAPACITY_BYTES) -> ProducerRing:
    """Open the first `worker-N.ring` that no living process holds.

    Raises: RingBusyError if all are taken.
    """
    for number in range(MAX_WORKERS):
        try:
            return open_producer(rings_dir / f"worker-{number}{RING_SUFFIX}", capacity_bytes)
        except RingBusyError:
            continue
    raise RingBusyError(f"{MAX_WORKERS} workers hold a ring in {rings_dir} already")


def open_consumer(path: Path) -> RingConsumer:
    """Map a ring for reading.

    Raises: RingCorruptError if the file is no ring or contradicts itself.
    """
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return RingConsumer(_map(fd))
    finally:
        os.close(fd)


def is_held(path: Path) -> bool:
    """Whether a living producer holds the ring at `path`."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(fd)
    finally:
        os.close(fd)


def read_boot_id() -> bytes:
    """Return the id of this boot of the machine (16 bytes)."""
    return uuid.UUID(_BOOT_ID_FILE.read_text().strip()).bytes


def _open_existing(path: Path, capacity: int) -> ProducerRing | None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if not _try_lock(fd):
        os.close(fd)
        raise RingBusyError(f"another process writes to {path}")
    try:
        ring = ProducerRing(path, _map(fd), fd)
    except RingCorruptError as exc:
        aside = path.with_name(f"{path.name}.bad-{time.time_ns()}")
        path.rename(aside)
        os.close(fd)
        LOGGER.error("%s is damaged (%s): set aside as %s, a new ring is made", path, exc, aside.name)
        return None
    producer = ring.producer
    if producer.boot_id != read_boot_id() or producer.capacity != capacity:
        # After a reboot the file may have lost its newest pages: going on in it could reuse positions, and
        # with them the tokens by which the store recognises repetitions. A new ring has a new id.
        path.rename(
            path.with_name(f"{path.name[: -len(RING_SUFFIX)]}.{producer.ring_id.hex()}{RETIRED_SUFFIX}")
        )
        ring.close()
        return None
    return ring


def _create(path: Path, capacity: int) -> ProducerRing:
    draft = path.with_name(f".{path.name}.new")
    fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        # Disk space is taken now: a full disk must fail here, not kill the worker with SIGBUS at a later
        # store.
        os.posix_fallocate(fd, 0, HEADER_BYTES + capacity)
        _write_zeros(fd, HEADER_BYTES + capacity)
        os.pwrite(fd, build_header(uuid.uuid4().bytes, read_boot_id(), capacity), 0)
        _try_lock(fd)
        ring = ProducerRing(path, _map(fd), fd)
        draft.rename(path)
    except BaseException:
        os.close(fd)
        draft.unlink(missing_ok=True)
        raise
    return ring


def _write_zeros(fd: int, size: int) -> None:
    # PERF: the system keeps a file in pieces as large as its writes, and a page that a producer touches comes
    # back with its whole piece: 0.9 us less for a record of 5 kB than with a file that was never written to
    # (test_sink_accept_to_file).
    zeros = bytes(_ZEROS_BYTES)
    for offset in range(0, size, _ZEROS_BYTES):
        os.pwrite(fd, zeros[: size - offset], offset)


def _map(fd: int) -> mmap.mmap:
    size = os.fstat(fd).st_size
    if size < HEADER_BYTES:
        raise RingCorruptError("the ring file is shorter than its header", 0)
    return mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _DirectoryLock:
    """Hold the lock of a ring directory while a ring in it is opened, created or renamed."""

    def __init__(self, directory: Path) -> None:
        self._fd = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
