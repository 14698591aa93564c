"""What rate limits cost an attempt: the rules' choice, reserving and settling in the table of buckets.

Run: pytest benchmarks/test_limits.py --benchmark-only
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy.config.rate_limits import Interval, RateLimit, RateLimitRule, Resource, TagScope
from tzproxy.limits.limiter import RateLimiter
from tzproxy.limits.rules import Rules
from tzproxy.limits.table import BucketTable

ATTEMPTS = 1000


def _limit(resource: Resource, interval: Interval) -> RateLimit:
    return RateLimit(resource, interval, Decimal(10**12), Decimal(10**12))


CALLS = RateLimitRule((_limit("model_inferences", "minute"),), None, True, ())
EACH = RateLimitRule(
    (_limit("model_inferences", "minute"), _limit("tokens", "hour"), _limit("cost", "day")),
    0,
    False,
    (TagScope("user", "tensorzero::each"),),
)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[BucketTable]:
    """A new table."""
    made = BucketTable(tmp_path / "rate-limits.table")
    yield made
    made.close_now()


@pytest.mark.parametrize(
    ("rules", "users"),
    [([CALLS], 1), ([CALLS, EACH], 1), ([CALLS, EACH], 20_000)],
    ids=["1", "4", "4-of-many"],
)
def test_1000_attempts(
    benchmark: BenchmarkFixture, table: BucketTable, rules: list[RateLimitRule], users: int
) -> None:
    """A thousand attempts in turn that draw from one bucket, from four, from four of 20,000 users' each."""
    limiter = RateLimiter(Rules(rules), table, default_cost=Decimal(1))
    tags: list[Mapping[str, str]] = [{"user": f"user-{number}"} for number in range(users)]
    turn = 0

    async def attempts() -> None:
        nonlocal turn
        for _ in range(ATTEMPTS):
            turn += 7919
            reservation = await limiter.reserve(tags[turn % users], lambda: 500)
            assert reservation is not None
            reservation.settle(120, None)

    loop = asyncio.new_event_loop()
    benchmark(lambda: loop.run_until_complete(attempts()))
    loop.close()
