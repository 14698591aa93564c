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
from tzproxy.limits.table_file import HEADER_WORDS, WORD_BYTES, TableFile

logger = logging.getLogger(__name__)
WAYS = 16
SET_WORDS = 4 * WAYS
SETS = 2**15
NOWHERE = 0
"""In place of a slot: the word there begins the header, and is no name."""
PLACES_KEPT = 65_536


def now_us() -> int:
    """Return the Unix time in microseconds: the workers' clocks must agree, and so after a restart."""
    return time.time_ns() // 1000


class _Place:
    """Where a bucket is kept: the hash of its name, its set, and the slot that it had when last seen."""

    __slots__ = ("base", "name", "slot")

    def __init__(self, name: int, base: int) -> None:
        self.name = name
        self.base = base
        self.slot = NOWHERE


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
        self._places: dict[bytes, _Place] = {}

    async def take(self, draws: Sequence[Draw]) -> list[int] | None:
        """Draw from all buckets, or from none and return what each of them holds."""
        places = [self._place(bucket.key) for bucket, _ in draws]
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            now = self._clock()
            states = self._states(places, draws, now)
            for (balance, _), (_, amount) in zip(states, draws, strict=True):
                if balance < amount:
                    return [balance for balance, _ in states]
            self._write(places, states, draws, now)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        return None

    def correct(self, draws: Sequence[Draw]) -> None:
        """Draw or give back, whatever the buckets hold; once closed, let reservations stand."""
        if self._fd < 0:
            return
        places = [self._place(bucket.key) for bucket, _ in draws]
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            now = self._clock()
            self._write(places, self._states(places, draws, now), draws, now)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    async def close(self) -> None:
        """Let go of the file."""
        self.close_now()

    def close_now(self) -> None:
        """Let go of the file, outside of a loop."""
        self._fd = -1
        self._file.close()

    def _place(self, key: bytes) -> _Place:
        place = self._places.get(key)
        if place is None:
            digest = self._hash.copy()
            digest.update(key)
            name = int.from_bytes(digest.digest(), "little", signed=True) or 1
            place = _Place(name, HEADER_WORDS + name % self._sets * SET_WORDS)
            if len(self._places) >= PLACES_KEPT:
                self._places.clear()
            self._places[key] = place
        return place

    def _states(self, places: Sequence[_Place], draws: Sequence[Draw], now: int) -> list[tuple[int, int]]:
        """Return what each bucket holds and since when its interval runs; note in the places where it is."""
        words = self._words
        states: list[tuple[int, int]] = []
        for place, (bucket, _) in zip(places, draws, strict=True):
            slot = place.slot
            # PERF: where it was last time is where it is, unless it was forgotten (test_1000_attempts).
            if words[slot] != place.name:
                hashes = words[place.base : place.base + WAYS].tolist()
                slot = place.slot = place.base + hashes.index(place.name) if place.name in hashes else NOWHERE
            if slot == NOWHERE:
                states.append((bucket.limit.capacity, now))
            else:
                states.append(bucket.limit.refilled(words[slot + WAYS], words[slot + 2 * WAYS], now))
        return states

    def _write(
        self,
        places: Sequence[_Place],
        states: Sequence[tuple[int, int]],
        draws: Sequence[Draw],
        now: int,
    ) -> None:
        words = self._words
        for place, (balance, since), (bucket, amount) in zip(places, states, draws, strict=True):
            limit = bucket.limit
            left = max(min(balance - amount, limit.capacity), -NEVER)
            slot = place.slot
            if slot == NOWHERE:
                slot = place.slot = self._free_slot(place.base, now)
            # The name comes last: whoever dies in between leaves an odd balance, never a slot without one.
            words[slot + WAYS] = left
            words[slot + 2 * WAYS] = since
            words[slot + 3 * WAYS] = limit.full_at_us(left, since)
            words[slot] = place.name

    def _free_slot(self, base: int, now: int) -> int:
        words = self._words
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
