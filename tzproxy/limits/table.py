"""Buckets of all workers of one machine: a table in a file that they all map into their memory. Hot.

A request takes the file's lock (some microseconds, released by the kernel when its holder dies), reads and
writes its slots in place, and lets go. The file outlives the gateway, and so do the balances.

    header   magic, and the secret under which names are hashed: clients choose tags, but not slots
    sets     16 slots each: 16 hashes of names, 16 balances, 16 beginnings of intervals, 16 times of fullness

A name's hash says its set. A full bucket needs no slot: the slot of one that has filled up is free again.
When all 16 are in use, the bucket that is nearest in time to being full is forgotten, which counts as full.
With 524,288 slots this is to be expected from about 250,000 buckets in use at a time.
"""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

from tzproxy.limits.bucket import NEVER
from tzproxy.limits.limiter import Draw
from tzproxy.limits.rules import Bucket
from tzproxy.limits.table_file import HEADER_WORDS, WORD_BYTES, TableFile

logger = logging.getLogger(__name__)
WAYS = 16
SET_WORDS = 4 * WAYS
SETS = 2**15


def now_us() -> int:
    """Return the Unix time in microseconds: the workers' clocks must agree, and so after a restart."""
    return time.time_ns() // 1000


class BucketTable:
    """The table as one process sees it. Everything happens before `take` and `correct` return."""

    def __init__(self, path: Path, *, clock: Callable[[], int] = now_us, sets: int = SETS) -> None:
        """Map the file, and make it if it is not there.

        Raises:
            OSError: when it cannot be made or mapped.
            TableDamagedError: when it is something else.
        """
        self._clock = clock
        self._sets = sets
        self._warned = False
        self._file = TableFile(path, HEADER_WORDS + sets * SET_WORDS)
        self._fd = self._file.fd
        self._words = self._file.words
        self._hash = blake2b(digest_size=WORD_BYTES, key=self._file.secret)

    async def take(self, draws: Sequence[Draw]) -> list[int] | None:
        """Draw from all buckets, or from none and return what each of them holds."""
        names = [self._name(bucket) for bucket, _ in draws]
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            now = self._clock()
            states = [self._state(name, bucket, now) for name, (bucket, _) in zip(names, draws, strict=True)]
            for (_, balance, _), (_, amount) in zip(states, draws, strict=True):
                if balance < amount:
                    return [balance for _, balance, _ in states]
            self._write(names, states, draws, now)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        return None

    def correct(self, draws: Sequence[Draw]) -> None:
        """Draw or give back, whatever the buckets hold."""
        names = [self._name(bucket) for bucket, _ in draws]
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            now = self._clock()
            states = [self._state(name, bucket, now) for name, (bucket, _) in zip(names, draws, strict=True)]
            self._write(names, states, draws, now)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    async def close(self) -> None:
        """Let go of the file."""
        self.close_now()

    def close_now(self) -> None:
        """Let go of the file, outside of a loop."""
        self._file.close()

    def _name(self, bucket: Bucket) -> int:
        digest = self._hash.copy()
        digest.update(bucket.key)
        return int.from_bytes(digest.digest(), "little", signed=True) or 1

    def _set_of(self, name: int) -> int:
        return HEADER_WORDS + name % self._sets * SET_WORDS

    def _state(self, name: int, bucket: Bucket, now: int) -> tuple[int, int, int]:
        """Return where a bucket is (0: nowhere yet), what it holds, and since when its interval runs."""
        words, base = self._words, self._set_of(name)
        hashes = words[base : base + WAYS].tolist()
        if name not in hashes:
            return 0, bucket.limit.capacity, now
        slot = base + hashes.index(name)
        balance, since = bucket.limit.refilled(words[slot + WAYS], words[slot + 2 * WAYS], now)
        return slot, balance, since

    def _write(
        self,
        names: Sequence[int],
        states: Sequence[tuple[int, int, int]],
        draws: Sequence[Draw],
        now: int,
    ) -> None:
        words = self._words
        for name, (slot, balance, since), (bucket, amount) in zip(names, states, draws, strict=True):
            limit = bucket.limit
            left = max(min(balance - amount, limit.capacity), -NEVER)
            slot = slot or self._free_slot(name, now)
            # The name comes last: whoever dies in between leaves an odd balance, never a slot without one.
            words[slot + WAYS] = left
            words[slot + 2 * WAYS] = since
            words[slot + 3 * WAYS] = limit.full_at_us(left, since)
            words[slot] = name

    def _free_slot(self, name: int, now: int) -> int:
        words, base = self._words, self._set_of(name)
        hashes = words[base : base + WAYS].tolist()
        if 0 in hashes:
            return base + hashes.index(0)
        full_at: list[int] = words[base + 3 * WAYS : base + 4 * WAYS].tolist()
        nearest = min(full_at)
        if nearest > now and not self._warned:
            self._warned = True
            logger.warning(
                "more rate limit buckets are in use than the table holds: some are forgotten early; "
                "TENSORZERO_VALKEY_URL names a store without this bound"
            )
        return base + full_at.index(nearest)
