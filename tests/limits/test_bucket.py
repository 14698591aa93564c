"""Tests of `tzproxy.limits.bucket`: when a bucket fills, how far, and when it is full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.limits.bucket import NEVER, Limit

LIMIT = Limit(capacity=10, refill=3, interval_us=100)
amounts = st.integers(0, 1000)


@pytest.mark.parametrize(
    ("balance", "since", "now", "after"),
    [
        (4, 0, 99, (4, 0)),
        (4, 0, 100, (7, 100)),
        (4, 0, 199, (7, 100)),
        (4, 0, 250, (10, 250)),
        (-5, 0, 450, (7, 400)),
        (10, 0, 450, (10, 450)),
        (12, 0, 5, (10, 5)),
        (4, 500, 100, (4, 500)),
    ],
    ids=["before", "at", "between", "full", "debt", "was full", "capacity shrank", "clock went back"],
)
def test_whole_intervals_add_the_refill(balance: int, since: int, now: int, after: tuple[int, int]) -> None:
    """Up to the capacity; the interval goes on from its own beginning, a full bucket's begins now."""
    assert LIMIT.refilled(balance, since, now) == after


@given(balance=st.integers(-1000, 1000), capacity=amounts, refill=amounts, elapsed=st.integers(0, 10**6))
def test_a_bucket_never_holds_more_than_its_capacity(
    balance: int, capacity: int, refill: int, elapsed: int
) -> None:
    """However much time passes."""
    after, since = Limit(capacity, refill, 100).refilled(balance, 0, elapsed)
    assert after <= capacity
    assert 0 <= since <= elapsed


@given(balance=st.integers(-1000, 1000), capacity=amounts, refill=st.integers(1, 1000))
def test_fullness_is_foretold(balance: int, capacity: int, refill: int) -> None:
    """At that time it is full, a microsecond before it is not."""
    limit = Limit(capacity, refill, 100)
    at = limit.full_at_us(balance, 0)
    assert limit.refilled(balance, 0, at)[0] == capacity
    if at > 0:
        assert limit.refilled(balance, 0, at - 1)[0] < capacity


def test_without_a_refill_it_stays_as_it_is() -> None:
    """Such a bucket never fills."""
    limit = Limit(10, 0, 100)
    assert limit.refilled(4, 0, 10**12) == (4, 10**12)
    assert limit.full_at_us(4, 0) == NEVER
