"""Tests of `tzproxy.limits.limiter`: what is reserved, what is refused, and how it is settled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limits.builders import Clock, limit, limiter, rule, tag
from tzproxy.config.rate_limits import RateLimitRule
from tzproxy.limits.errors import MissingMaxTokensError, RateLimitExceededError
from tzproxy.limits.limiter import RateLimiter
from tzproxy.limits.rules import Bucket, Rules
from tzproxy.limits.table import BucketTable

NONE: Mapping[str, str] = {}
CALLS = rule(limit("model_inferences", "hour", 10))
TOKENS = rule(limit("tokens", "hour", 100))
COST = rule(limit("cost", "hour", 10))


async def left(table: BucketTable, *rules: RateLimitRule, **tags: str) -> list[int]:
    """Return what the buckets of a request hold."""
    asked: list[tuple[Bucket, int]] = [(bucket, 2**53) for bucket in Rules(rules).active(tags)]
    return await table.take(asked) or []


def refuse() -> int:
    """Be an estimate that nobody may ask for."""
    raise AssertionError("asked")


async def test_a_request_without_a_rule_is_free(table: BucketTable) -> None:
    """Nothing is drawn and nothing has to be settled."""
    only = limiter(table, rule(limit("tokens", "hour", 0), scope=[tag("a", "x")]))
    assert await only.reserve({"a": "y"}, refuse) is None


async def test_every_attempt_counts_as_one(table: BucketTable) -> None:
    """The eleventh of ten is told how many there are."""
    limits = limiter(table, CALLS)
    for _ in range(10):
        assert await limits.reserve(NONE, refuse) is not None
    with pytest.raises(RateLimitExceededError, match="Requested: 1\nAvailable: 0"):
        await limits.reserve(NONE, refuse)


async def test_tokens_and_dollars_are_estimated_first(table: BucketTable) -> None:
    """The estimate is asked once, the cost is the default one."""
    limits = limiter(table, CALLS, TOKENS, COST, default_cost=0.25)
    await limits.reserve(NONE, lambda: 60)
    assert await left(table, CALLS, TOKENS, COST) == [9, 40, 9_750_000_000]


async def test_a_missing_estimate_draws_nothing(table: BucketTable) -> None:
    """Whoever cannot say how much is refused before anything is counted."""

    def unknown() -> int:
        raise MissingMaxTokensError()

    limits = limiter(table, CALLS, TOKENS)
    with pytest.raises(MissingMaxTokensError):
        await limits.reserve(NONE, unknown)
    assert await left(table, CALLS, TOKENS) == [10, 100]


async def test_refusals_are_counted(table: BucketTable) -> None:
    """Each refusal is told by its error code, an attempt that may be made is not."""
    codes: list[str] = []
    limits = RateLimiter(Rules([CALLS, TOKENS]), table, default_cost=Decimal(0), count_refusal=codes.append)
    await limits.reserve(NONE, lambda: 100)
    with pytest.raises(RateLimitExceededError):
        await limits.reserve(NONE, lambda: 1)
    assert codes == ["rate_limit_exceeded"]


async def test_all_that_is_short_is_named_and_nothing_is_drawn(table: BucketTable) -> None:
    """In the order of the rules; what is not short is not named."""
    limits = limiter(table, CALLS, TOKENS, COST, default_cost=11)
    with pytest.raises(RateLimitExceededError) as caught:
        await limits.reserve(NONE, lambda: 101)
    assert [
        (short.bucket.resource, short.requested, short.available) for short in caught.value.shortages
    ] == [
        ("token", 101, 100),
        ("cost", 11_000_000_000, 10_000_000_000),
    ]
    assert await left(table, CALLS, TOKENS, COST) == [10, 100, 10_000_000_000]


@pytest.mark.parametrize(
    ("tokens", "cost", "complete", "after"),
    [
        (10, 0.1, True, [9, 90, 9_900_000_000]),
        (90, 3.5, True, [9, 10, 6_500_000_000]),
        (150, 20.0, True, [9, -50, -10_000_000_000]),
        (None, None, True, [9, 40, 9_000_000_000]),
        (10, None, True, [9, 90, 9_000_000_000]),
        (10, 0.1, False, [9, 40, 9_000_000_000]),
        (90, 3.5, False, [9, 10, 6_500_000_000]),
        (60, 0.1 + 0.2, True, [9, 40, 9_699_999_999]),
    ],
    ids=["less", "more", "far more", "unknown", "half known", "broke off", "broke off late", "rounded up"],
)
async def test_settling(
    table: BucketTable, tokens: int | None, cost: float | None, complete: bool, after: list[int]
) -> None:
    """The estimate of 60 tokens and 1 dollar is replaced by what is known."""
    reservation = await limiter(table, CALLS, TOKENS, COST).reserve(NONE, lambda: 60)
    assert reservation is not None
    reservation.settle(tokens, cost, complete=complete)
    assert await left(table, CALLS, TOKENS, COST) == after


async def test_debts_are_shown_as_nothing(table: BucketTable) -> None:
    """A client is never told of a negative amount."""
    limits = limiter(table, TOKENS)
    reservation = await limits.reserve(NONE, lambda: 60)
    assert reservation is not None
    reservation.settle(150, None)
    with pytest.raises(RateLimitExceededError, match="Requested: 0\nAvailable: 0"):
        await limits.reserve(NONE, lambda: 0)


async def test_each_has_its_own(table: BucketTable, clock: Clock) -> None:
    """One tenant's use is not another's, and passes with time."""
    limits = limiter(
        table, rule(limit("model_inferences", "minute", 1), scope=[tag("t", "tensorzero::each")])
    )
    for tenant in ("one", "two"):
        await limits.reserve({"t": tenant}, refuse)
        with pytest.raises(RateLimitExceededError, match=f'matched: "{tenant}"'):
            await limits.reserve({"t": tenant}, refuse)
    clock.pass_seconds(60)
    await limits.reserve({"t": "one"}, refuse)


async def test_a_hundred_at_once(table: BucketTable) -> None:
    """Of a hundred requests on a limit of ten exactly ten pass."""
    limits = limiter(table, CALLS)
    outcomes = await asyncio.gather(
        *(limits.reserve(NONE, refuse) for _ in range(100)), return_exceptions=True
    )
    assert sum(isinstance(outcome, RateLimitExceededError) for outcome in outcomes) == 90


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(uses=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=12))
async def test_what_is_used_is_what_is_missing(table: BucketTable, uses: list[tuple[int, int]]) -> None:
    """After all reservations are settled, the balance is the capacity less the real usage."""
    name = rule(limit("tokens", "hour", 100, 0), scope=[tag("run", "tensorzero::each")])
    tags = {"run": repr(uses)}
    before = (await left(table, name, **tags))[0]
    limits = limiter(table, name)
    used = 0
    for estimate, real in uses:
        try:
            reservation = await limits.reserve(tags, lambda estimate=estimate: estimate)  # type: ignore[misc]
        except RateLimitExceededError:
            continue
        assert reservation is not None
        reservation.settle(real, None)
        used += real
    assert await left(table, name, **tags) == [before - used]


async def test_closing_lets_go_of_the_buckets(table: BucketTable) -> None:
    """The limiter owns them."""
    closed = []

    class Watched:
        async def take(self, draws: object) -> None:
            return None

        def correct(self, draws: object) -> None:
            pass

        async def close(self) -> None:
            closed.append(True)

    await RateLimiter(Rules([CALLS]), Watched(), default_cost=Decimal(1)).close()
    assert closed == [True]
