"""`[rate_limiting]`: how much of what may be used in which time, and by whom.

Must not: count anything. Cold.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from tzproxy.config.decode import INVALID, Context, Reads, unknown_variant, wrong_type
from tzproxy.config.problems import Path, list_names, suggest
from tzproxy.config.scalars import read_decimal

Resource = Literal["model_inferences", "tokens", "cost"]
Interval = Literal["second", "minute", "hour", "day", "week", "month"]
RESOURCES: dict[str, Resource] = {"model_inferences": "model_inferences", "tokens": "tokens", "cost": "cost"}
INTERVALS: dict[str, Interval] = {
    "second": "second",
    "minute": "minute",
    "hour": "hour",
    "day": "day",
    "week": "week",
    "month": "month",
}
_EACH = "tensorzero::each"
_TOTAL = "tensorzero::total"
_PUBLIC_ID_LENGTH = 12


class RateLimit(msgspec.Struct, frozen=True):
    """`RESOURCE_per_INTERVAL = N` or `{ capacity, refill_rate }`: one token bucket.

    Attributes:
        resource: what is counted.
        interval: how often the bucket is refilled.
        capacity: most that can be used at once; dollars for cost.
        refill_rate: added every interval; dollars for cost.
    """

    resource: Resource
    interval: Interval
    capacity: Decimal
    refill_rate: Decimal


class TagScope(msgspec.Struct, frozen=True):
    """`{ tag_key, tag_value }`: requests that carry the tag.

    Attributes:
        tag_key: name of the tag.
        tag_value: its value; `tensorzero::each` is a bucket for each value, `tensorzero::total` one for all.
    """

    tag_key: str
    tag_value: str


class ApiKeyScope(msgspec.Struct, frozen=True):
    """`{ api_key_public_id }`: requests that were made with the key.

    Attributes:
        api_key_public_id: 12 characters, or `tensorzero::each` for a bucket for each key.
    """

    api_key_public_id: str


Scope = TagScope | ApiKeyScope


class RateLimitRule(msgspec.Struct, frozen=True):
    """One of `[[rate_limiting.rules]]`.

    Attributes:
        limits: the buckets.
        priority: rules of the highest matching priority apply; None when `always`.
        always: the rule applies whenever it matches.
        scope: all must match; empty matches every request.
    """

    limits: tuple[RateLimit, ...]
    priority: int | None
    always: bool
    scope: tuple[Scope, ...]


def _read_amount(value: object, resource: str, path: Path, context: Context) -> Decimal | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or (resource != "cost" and not isinstance(value, int)) or value < 0:  # type: ignore[operator]
        kind = "number" if resource == "cost" else "integer"
        context.problems.add(
            path,
            f"Rate limit value must either be a nonnegative {kind} or {{ capacity = .., refill_rate = .. }}, "
            f"got {'a map' if isinstance(value, dict) else repr(value)}",
        )
        return None
    amount = read_decimal(value, path, context)
    return amount if isinstance(amount, Decimal) else None


def _read_limit(name: str, value: object, path: Path, context: Context) -> RateLimit | None:
    resource_name, _, interval_name = name.rpartition("_per_")
    if resource_name not in RESOURCES:
        context.problems.add(
            path,
            f"Unknown resource: {resource_name}, expected {list_names(RESOURCES)}"
            f"{suggest(resource_name, RESOURCES)}",
        )
        return None
    if interval_name not in INTERVALS:
        context.problems.add(path, unknown_variant(interval_name, list(INTERVALS)))
        return None
    resource, interval = RESOURCES[resource_name], INTERVALS[interval_name]
    if isinstance(value, dict) and value.keys() == {"capacity", "refill_rate"}:
        capacity = _read_amount(value["capacity"], resource, (*path, "capacity"), context)
        refill = _read_amount(value["refill_rate"], resource, (*path, "refill_rate"), context)
    else:
        capacity = refill = _read_amount(value, resource, path, context)
    return None if capacity is None or refill is None else RateLimit(resource, interval, capacity, refill)


def _read_scope(value: object, path: Path, context: Context) -> Scope | None:
    match value:
        case {"tag_key": str() as key, "tag_value": str() as text}:
            if text.startswith("tensorzero::") and text not in (_EACH, _TOTAL):
                context.problems.add(
                    (*path, "tag_value"),
                    f"Tag values in rate limiting scopes besides {_EACH} and {_TOTAL} may not "
                    f'start with "tensorzero::", got {text}',
                )
                return None
            return TagScope(key, text)
        case {"api_key_public_id": str() as public_id}:
            if public_id != _EACH and len(public_id.encode()) != _PUBLIC_ID_LENGTH:
                context.problems.add(
                    (*path, "api_key_public_id"),
                    f"API key public ID `{public_id}` must be 12 characters long or `{_EACH}`",
                )
                return None
            return ApiKeyScope(public_id)
    _explain_scope(value, path, context)
    return None


def _explain_scope(value: object, path: Path, context: Context) -> None:
    """Report which key of a scope is missing or of the wrong type, as far as the scope can be guessed."""
    if not isinstance(value, dict):
        context.problems.add(path, wrong_type(value, "a map"))
        return
    for keys in (("api_key_public_id",), ("tag_key", "tag_value")):
        if not any(key in value for key in keys):
            continue
        for key in keys:
            if key not in value:
                context.problems.add(path, f"missing field `{key}`")
            elif not isinstance(value[key], str):
                context.problems.add((*path, key), wrong_type(value[key], "a string"))
        return
    context.problems.add(path, "data did not match any known scope structure")


def _read_scopes(value: object, path: Path, context: Context) -> tuple[Scope, ...] | None:
    if not isinstance(value, list):
        context.problems.add(path, wrong_type(value, "a sequence"))
        return None
    scopes = [_read_scope(entry, (*path, index), context) for index, entry in enumerate(value)]
    found = [scope for scope in scopes if scope is not None]
    if len(set(found)) < len(found):
        context.problems.add(path, "duplicate scopes are not allowed in the same rule")
        return None
    return tuple(found) if len(found) == len(scopes) else None


def _read_priority(value: dict[str, object], path: Path, context: Context) -> tuple[int | None, bool] | None:
    always, priority = value.get("always"), value.get("priority")
    prefix = "Error parsing rate limit scope and priority: "
    if always is not None and not isinstance(always, bool):
        reason = wrong_type(always, "a boolean")
    elif priority is not None and (
        isinstance(priority, bool) or not isinstance(priority, int) or priority < 0
    ):
        reason = wrong_type(priority, "a nonnegative integer")
    elif always and priority is not None:
        reason = "cannot specify both `always` and `priority` fields"
    elif not always and priority is None:
        reason = "the `priority` field is required when `always` is not true"
    else:
        return (None if always else priority), bool(always)
    context.problems.add(path, prefix + reason)
    return None


def read_rule(value: object, path: Path, context: Context) -> object:
    """Read one rule; keys without `_per_` that it does not know are ignored."""
    if not isinstance(value, dict):
        return context.reject(path, wrong_type(value, "a map"))
    limits = [
        _read_limit(key, entry, (*path, key), context) for key, entry in value.items() if "_per_" in key
    ]
    scope = _read_scopes(value.get("scope", []), (*path, "scope"), context)
    order = _read_priority(value, path, context)
    if scope is None or order is None or None in limits:
        return INVALID
    priority, always = order
    return RateLimitRule(
        limits=tuple(limit for limit in limits if limit is not None),
        priority=priority,
        always=always,
        scope=scope,
    )


def _read_default_cost(value: object, path: Path, context: Context) -> object:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number:
        return context.reject(path, wrong_type(value, "a number"))
    if not math.isfinite(value) or value < 0:  # type: ignore[arg-type, operator]
        return context.reject(path, f"`default_cost` must be a finite non-negative number, got {value}")
    return read_decimal(value, path, context)


class RateLimitingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[rate_limiting]`.

    Attributes:
        enabled: default true.
        backend: where counts live in the original; default `auto`.
        default_cost: dollars assumed for a request before its price is known; default 1.
        rules: default none.
    """

    enabled: bool = True
    backend: Literal["auto", "postgres", "valkey"] = "auto"
    default_cost: Annotated[Decimal, Reads(_read_default_cost)] = Decimal(1)
    rules: tuple[Annotated[RateLimitRule, Reads(read_rule)], ...] = ()
