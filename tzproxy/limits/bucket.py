"""The arithmetic of one token bucket. Hot. Keeps nothing: who stores balances calls this.

A bucket begins full. Each whole interval adds the refill, up to the capacity. A full bucket has no memory:
its next interval begins with the next use. So no interval, wherever it begins, sees more than capacity plus
refill, and a store may forget a full bucket.

Units: integers of the resource (inferences, tokens, nano-dollars); microseconds of the Unix clock.
"""

from __future__ import annotations

from msgspec import Struct

LARGEST = 2**53 - 1
"""The most that an amount can be: what every store's numbers hold exactly."""
NEVER = 2**62


class Limit(Struct, frozen=True):
    """What a bucket holds and how it fills."""

    capacity: int
    refill: int
    interval_us: int

    def refilled(self, balance: int, since_us: int, now_us: int) -> tuple[int, int]:
        """Return the balance of now, and since when its current interval runs.

        A clock that went back adds nothing until it has caught up.
        """
        if balance < self.capacity and now_us > since_us:
            intervals = (now_us - since_us) // self.interval_us
            balance += intervals * self.refill
            since_us += intervals * self.interval_us
        if balance >= self.capacity:
            return self.capacity, now_us
        return balance, since_us

    def full_at_us(self, balance: int, since_us: int) -> int:
        """Return when the bucket is full again if nobody draws from it; `NEVER` without a refill."""
        missing = self.capacity - balance
        if missing <= 0:
            return since_us
        if not self.refill:
            return NEVER
        return min(since_us - (-missing // self.refill) * self.interval_us, NEVER)
