"""Rules, buckets and a clock for tests of rate limits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tzproxy.config.rate_limits import (
    ApiKeyScope,
    Interval,
    RateLimit,
    RateLimitRule,
    Resource,
    Scope,
    TagScope,
)
from tzproxy.limits.bucket import Limit
from tzproxy.limits.limiter import RateLimiter
from tzproxy.limits.rules import Bucket, Rules
from tzproxy.limits.table import BucketTable

SECOND_US = 1_000_000
START_US = 1_700_000_000 * SECOND_US


class Clock:
    """Microseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self) -> int:
        """Tell the time."""
        return self.now_us

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.now_us += int(seconds * SECOND_US)


def bucket(name: str = "b", *, capacity: int = 10, refill: int = 10, seconds: int = 60) -> Bucket:
    """Make a bucket of model inferences."""
    return Bucket(name.encode(), "model_inference", Limit(capacity, refill, seconds * SECOND_US), "")


def limit(resource: Resource, interval: Interval, capacity: float, refill: float | None = None) -> RateLimit:
    """Make one limit of a rule."""
    rate = capacity if refill is None else refill
    return RateLimit(resource, interval, Decimal(str(capacity)), Decimal(str(rate)))


def rule(*limits: RateLimit, scope: Sequence[Scope] = (), priority: int | None = None) -> RateLimitRule:
    """Make a rule; without a priority it always applies."""
    return RateLimitRule(limits=limits, priority=priority, always=priority is None, scope=tuple(scope))


def tag(key: str, value: str) -> TagScope:
    """Make a scope of a tag."""
    return TagScope(key, value)


def api_key(public_id: str) -> ApiKeyScope:
    """Make a scope of an API key."""
    return ApiKeyScope(public_id)


def limiter(table: BucketTable, *rules: RateLimitRule, default_cost: float = 1) -> RateLimiter:
    """Make a limiter over a table."""
    return RateLimiter(Rules(rules), table, default_cost=Decimal(str(default_cost)))
