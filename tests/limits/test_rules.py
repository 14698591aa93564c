"""Tests of `tzproxy.limits.rules`: who falls under which rule, and whose buckets are whose."""

from __future__ import annotations

from decimal import Decimal

import pytest

from limits.builders import api_key, limit, rule, tag
from tzproxy.config.rate_limits import RateLimitRule
from tzproxy.limits.bucket import LARGEST
from tzproxy.limits.rules import API_KEY_TAG, Bucket, Rules, nano_dollars

ONE = limit("model_inferences", "minute", 1)
KEY = "abcdefghijkl"


def active(rules: list[RateLimitRule], **tags: str) -> list[Bucket]:
    """Return what a request with these tags draws from."""
    return Rules(rules).active(tags)


@pytest.mark.parametrize(
    ("value", "given", "scope"),
    [
        ("x", {"a": "x"}, 'tag_key="a", tag_value="x"'),
        ("x", {"a": "y"}, None),
        ("x", {}, None),
        ("tensorzero::total", {"a": "y"}, 'tag_key="a", tag_value="tensorzero::total"'),
        ("tensorzero::total", {"b": "y"}, None),
        ("tensorzero::each", {"a": 'q"q'}, 'tag_key="a", tag_value="tensorzero::each" (matched: "q"q")'),
        ("tensorzero::each", {}, None),
    ],
)
def test_a_tag_decides(value: str, given: dict[str, str], scope: str | None) -> None:
    """A rule is for requests whose tag has the value, or any value; it says so in the original's words."""
    found = active([rule(ONE, scope=[tag("a", value)])], **given)
    assert [bucket.scope for bucket in found] == ([] if scope is None else [scope])


def test_an_api_key_decides() -> None:
    """By its public id, which comes as a tag."""
    rules = Rules([rule(ONE, scope=[api_key("tensorzero::each")]), rule(ONE, scope=[api_key(KEY)])])
    assert rules.active({}) == []
    each, one = rules.active({API_KEY_TAG: KEY})
    assert each.scope == f'api_key_public_id="tensorzero::each" (matched: "{KEY}")'
    assert one.scope == f'api_key_public_id="{KEY}"'
    (other,) = rules.active({API_KEY_TAG: "lkjihgfedcba"})
    assert other.key != each.key


def test_all_of_a_scope_must_match() -> None:
    """It is told in the order of the tags, whatever the order of the configuration; keys come last."""
    scope = [api_key(KEY), tag("b", "tensorzero::each"), tag("a", "tensorzero::total")]
    rules = Rules([rule(ONE, scope=scope)])
    assert rules.active({"a": "1", "b": "2"}) == []
    (found,) = rules.active({"a": "1", "b": "2", API_KEY_TAG: KEY})
    assert found.scope == (
        'tag_key="a", tag_value="tensorzero::total", '
        'tag_key="b", tag_value="tensorzero::each" (matched: "2"), '
        f'api_key_public_id="{KEY}"'
    )
    other = Rules([rule(ONE, scope=scope[::-1])])
    assert other.active({"a": "3", "b": "2", API_KEY_TAG: KEY})[0].key == found.key


def test_the_highest_priority_counts_and_always_counts() -> None:
    """Of the rules that match; they stay in the order of the configuration."""
    rules = [
        rule(limit("cost", "day", 1), scope=[tag("c", "tensorzero::each")]),
        rule(limit("tokens", "day", 1), priority=0),
        rule(limit("tokens", "day", 2), scope=[tag("a", "x")], priority=2),
        rule(limit("tokens", "day", 3), scope=[tag("a", "tensorzero::each")], priority=2),
        rule(limit("tokens", "day", 4), scope=[tag("b", "x")], priority=3),
        rule(ONE, scope=[tag("a", "tensorzero::total")]),
    ]

    def capacities(**tags: str) -> list[int]:
        return [bucket.limit.capacity for bucket in active(rules, **tags)]

    assert capacities() == [1]
    assert capacities(a="x") == [2, 3, 1]
    assert capacities(a="y") == [3, 1]
    assert capacities(a="x", b="x") == [4, 1]
    assert capacities(c="x") == [1_000_000_000, 1]


def test_every_limit_is_a_bucket_of_its_own() -> None:
    """Also two limits of one rule on the same resource, and the same tag value under two kinds of scope."""
    rules = [
        rule(limit("tokens", "minute", 5), limit("tokens", "hour", 50), ONE),
        rule(ONE, scope=[tag("a", "x")]),
        rule(ONE, scope=[tag("a", "tensorzero::each")]),
        rule(ONE, scope=[tag("a", "tensorzero::total")]),
    ]
    assert len({bucket.key for bucket in active(rules, a="x")}) == 6


def test_values_cannot_be_confused() -> None:
    """No choice of tags leads into the bucket of another choice."""
    rules = Rules([rule(ONE, scope=[tag("a", "tensorzero::each"), tag("b", "tensorzero::each")])])
    tags = [{"a": "x", "b": "y"}, {"a": "y", "b": "x"}, {"a": 'x","y', "b": ""}, {"a": "", "b": 'x","y'}]
    assert len({rules.active(given)[0].key for given in tags}) == 4


def test_dollars_become_nano_dollars() -> None:
    """Rounded up, and no more than every store can hold."""
    assert nano_dollars(Decimal("0.0000000011")) == 2
    assert nano_dollars(Decimal("1e30")) == LARGEST
    (found,) = active([rule(limit("cost", "month", 0.5, 1e-10))])
    assert (found.limit.capacity, found.limit.refill) == (500_000_000, 1)
    assert found.limit.interval_us == 30 * 86_400 * 10**6
    (huge,) = active([rule(limit("tokens", "second", 10**30))])
    assert huge.limit.capacity == LARGEST
