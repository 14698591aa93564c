"""Configured rules, compiled: which of them a request falls under, and which buckets those are. Hot.

Source: `[rate_limiting]` of TensorZero 2026.6: all `always` rules that match count, and of the others those
of the highest priority that matches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec import Struct

from tzproxy.config.rate_limits import ApiKeyScope, RateLimit, RateLimitRule, Scope
from tzproxy.limits.bucket import LARGEST, Limit

API_KEY_TAG = "tensorzero::api_key_public_id"
"""The tag that says with which API key a request came."""

EACH = "tensorzero::each"
TOTAL = "tensorzero::total"
NANO = Decimal(1_000_000_000)
_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US
INTERVALS_US = {
    "second": _SECOND_US,
    "minute": 60 * _SECOND_US,
    "hour": 3_600 * _SECOND_US,
    "day": _DAY_US,
    "week": 7 * _DAY_US,
    "month": 30 * _DAY_US,
}
VALUES_KEPT = 4096

Resource = Literal["model_inference", "token", "cost"]
_RESOURCES: dict[str, Resource] = {"model_inferences": "model_inference", "tokens": "token", "cost": "cost"}


class Bucket(Struct, frozen=True):
    """One bucket that a request draws from. `key` is its name in every store, `scope` says whose it is."""

    key: bytes
    resource: Resource
    limit: Limit
    scope: str


class _Condition(Struct, frozen=True):
    """What one entry of a scope asks of a request. `wanted` None: any value of the tag will do."""

    tag: str
    wanted: str | None
    is_each: bool
    shown: str


class Rule:
    """One rule. Buckets of recent values are kept."""

    __slots__ = ("_buckets", "_conditions", "_has_each", "_limits", "_names", "priority")

    def __init__(self, config: RateLimitRule) -> None:
        scopes = sorted(config.scope, key=_order)
        self.priority = None if config.always else config.priority
        self._conditions = tuple(_condition(scope) for scope in scopes)
        self._has_each = any(condition.is_each for condition in self._conditions)
        self._names = [list(_order(scope)) for scope in scopes]
        self._limits = [
            (_RESOURCES[limit.resource], limit.interval, _limit_of(limit)) for limit in config.limits
        ]
        self._buckets = lru_cache(VALUES_KEPT)(self._make)

    def buckets(self, tags: Mapping[str, str]) -> Sequence[Bucket] | None:
        """Return the buckets for a request with these tags, None when the rule is not for it."""
        for condition in self._conditions:
            value = tags.get(condition.tag)
            if value is None or (condition.wanted is not None and value != condition.wanted):
                return None
        if not self._has_each:
            return self._buckets(())
        values = [tags[condition.tag] for condition in self._conditions if condition.is_each]
        return self._buckets(tuple(values))

    def _make(self, values: tuple[str, ...]) -> Sequence[Bucket]:
        rest = iter(values)
        shown = [
            f'{condition.shown} (matched: "{next(rest)}")' if condition.is_each else condition.shown
            for condition in self._conditions
        ]
        return [
            Bucket(
                # The interval is part of the name: two limits of one rule on one resource are two buckets.
                msgspec.json.encode([resource, interval, self._names, values]),
                resource,
                limit,
                ", ".join(shown),
            )
            for resource, interval, limit in self._limits
        ]


class Rules:
    """All rules of a configuration."""

    __slots__ = ("_rules",)

    def __init__(self, configs: Sequence[RateLimitRule]) -> None:
        self._rules = [Rule(config) for config in configs]

    def active(self, tags: Mapping[str, str]) -> list[Bucket]:
        """Return the buckets that a request with these tags draws from, in the order of the rules."""
        matching = [
            (rule.priority, buckets) for rule in self._rules if (buckets := rule.buckets(tags)) is not None
        ]
        highest = max((priority for priority, _ in matching if priority is not None), default=None)
        return [
            bucket
            for priority, buckets in matching
            if priority is None or priority == highest
            for bucket in buckets
        ]


def nano_dollars(dollars: Decimal) -> int:
    """Return dollars in the unit of cost buckets, rounded up."""
    nano = (min(dollars, LARGEST / NANO) * NANO).to_integral_value(ROUND_CEILING)
    return min(int(nano), LARGEST)


def _limit_of(config: RateLimit) -> Limit:
    amounts = [
        nano_dollars(amount) if config.resource == "cost" else min(int(amount), LARGEST)
        for amount in (config.capacity, config.refill_rate)
    ]
    return Limit(amounts[0], amounts[1], INTERVALS_US[config.interval])


def _order(scope: Scope) -> tuple[str, str, str]:
    if isinstance(scope, ApiKeyScope):
        return "~api_key", scope.api_key_public_id, ""
    return "tag", scope.tag_key, scope.tag_value


def _condition(scope: Scope) -> _Condition:
    if isinstance(scope, ApiKeyScope):
        tag, wanted = API_KEY_TAG, scope.api_key_public_id
        shown = f'api_key_public_id="{wanted}"'
    else:
        tag, wanted = scope.tag_key, scope.tag_value
        shown = f'tag_key="{tag}", tag_value="{wanted}"'
    return _Condition(tag, None if wanted in (EACH, TOTAL) else wanted, wanted == EACH, shown)
