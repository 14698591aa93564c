"""Tests of `tzproxy.config.rate_limits`."""

from __future__ import annotations

from decimal import Decimal

import pytest

from config.conftest import FindProblems, Load
from tzproxy.config.rate_limits import ApiKeyScope, RateLimit, RateLimitRule, TagScope


def test_rules_are_read(load: Load) -> None:
    """Buckets, scope and order of a rule arrive typed; other keys are ignored."""
    loaded = load(
        """
[rate_limiting]
default_cost = 0.25
unknown = 1
[[rate_limiting.rules]]
priority = 0
model_inferences_per_minute = 60
tokens_per_hour = { capacity = 200_000, refill_rate = 100_000 }
cost_per_month = 0.1
comment = "x"
scope = [{ tag_key = "u", tag_value = "tensorzero::each" }, { api_key_public_id = "123456789012" }]
[[rate_limiting.rules]]
always = true
tokens_per_second = 0
scope = [{ tag_key = "u", tag_value = "tensorzero::total" }]
"""
    )
    limiting = loaded.config.rate_limiting
    assert limiting.default_cost == Decimal("0.25")
    assert limiting.rules == (
        RateLimitRule(
            limits=(
                RateLimit("model_inferences", "minute", Decimal(60), Decimal(60)),
                RateLimit("tokens", "hour", Decimal(200_000), Decimal(100_000)),
                RateLimit("cost", "month", Decimal("0.1"), Decimal("0.1")),
            ),
            priority=0,
            always=False,
            scope=(TagScope("u", "tensorzero::each"), ApiKeyScope("123456789012")),
        ),
        RateLimitRule(
            limits=(RateLimit("tokens", "second", Decimal(0), Decimal(0)),),
            priority=None,
            always=True,
            scope=(TagScope("u", "tensorzero::total"),),
        ),
    )


def test_defaults(load: Load) -> None:
    """Without a table, limiting is on and has no rules."""
    limiting = load("").config.rate_limiting
    assert (limiting.enabled, limiting.backend, limiting.default_cost, limiting.rules) == (
        True,
        "auto",
        Decimal(1),
        (),
    )


@pytest.mark.parametrize(
    ("lines", "path", "words"),
    [
        ("priority = 1\nfoo_per_day = 1", "foo_per_day", "Unknown resource: foo"),
        (
            "priority = 1\ntokens_per_year = 1",
            "tokens_per_year",
            "unknown variant `year`, expected one of `second`",
        ),
        ("priority = 1\ntokens_per_day = -1", "tokens_per_day", "nonnegative integer or { capacity"),
        ("priority = 1\ntokens_per_day = 1.5", "tokens_per_day", "nonnegative integer"),
        ("priority = 1\ntokens_per_day = true", "tokens_per_day", "nonnegative integer"),
        ("priority = 1\ntokens_per_day = { capacity = 1 }", "tokens_per_day", "got a map"),
        (
            "priority = 1\ntokens_per_day = { capacity = 1, refill_rate = 1, refil = 2 }",
            "tokens_per_day",
            "got a map",
        ),
        (
            "priority = 1\ntokens_per_day = { capacity = 1, refill_rate = -1 }",
            "tokens_per_day.refill_rate",
            "nonnegative integer",
        ),
        ("priority = 1\ncost_per_day = -0.5", "cost_per_day", "nonnegative number"),
        ("tokens_per_day = 1", "", "the `priority` field is required when `always` is not true"),
        ("always = false", "", "the `priority` field is required when `always` is not true"),
        ("always = true\npriority = 1", "", "cannot specify both `always` and `priority` fields"),
        ("priority = -1", "", "expected a nonnegative integer"),
        ('always = "yes"', "", "expected a boolean"),
        ('priority = 1\nscope = [{ tag_key = "a" }]', "scope[0]", "missing field `tag_value`"),
        ('priority = 1\nscope = [{ tag_key = 1, tag_value = "a" }]', "scope[0].tag_key", "expected a string"),
        (
            "priority = 1\nscope = [{ api_key_public_id = [] }]",
            "scope[0].api_key_public_id",
            "expected a string",
        ),
        (
            'priority = 1\nscope = [{ api_key_public_id = "äbcdefghijkl" }]',
            "scope[0].api_key_public_id",
            "must be 12 characters",
        ),
        ("priority = 1\nscope = [1]", "scope[0]", "expected a map"),
        ("priority = 1\nscope = [{}]", "scope[0]", "did not match any known scope structure"),
        ('priority = 1\nscope = "a"', "scope", "expected a sequence"),
        (
            'priority = 1\nscope = [{ api_key_public_id = "x" }]',
            "scope[0].api_key_public_id",
            "API key public ID `x` must be 12 characters long",
        ),
        (
            'priority = 1\nscope = [{ tag_key = "a", tag_value = "tensorzero::some" }]',
            "scope[0].tag_value",
            "may not start with",
        ),
        (
            'priority = 1\nscope = [{ tag_key = "a", tag_value = "b" }, { tag_key = "a", tag_value = "b" }]',
            "scope",
            "duplicate scopes are not allowed in the same rule",
        ),
    ],
)
def test_malformed_rules_are_reported(find_problems: FindProblems, lines: str, path: str, words: str) -> None:
    """Resources, intervals, amounts, order and scopes each have their message."""
    problems = find_problems(f"[[rate_limiting.rules]]\n{lines}")
    assert len(problems) == 1
    place = f"rate_limiting.rules[0].{path}" if path else "rate_limiting.rules[0]"
    assert problems[0].startswith(f"{place}: ")
    assert words in problems[0]


@pytest.mark.parametrize("value", ["-1", "inf", "nan", '"1"', "true"])
def test_the_default_cost_is_a_price(find_problems: FindProblems, value: str) -> None:
    """It is finite and not negative."""
    problems = find_problems(f"rate_limiting.default_cost = {value}")
    assert len(problems) == 1
    assert problems[0].startswith("rate_limiting.default_cost: ")


def test_rules_must_be_tables(find_problems: FindProblems) -> None:
    """A rule that is no table is reported as such."""
    expected = ["rate_limiting.rules[0]: invalid type: integer `1`, expected a map"]
    assert find_problems("rate_limiting.rules = [1]") == expected
