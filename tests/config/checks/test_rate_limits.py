"""Tests of `tzproxy.config.checks.rate_limits`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load

RULE = "[[rate_limiting.rules]]\nalways = true\ntokens_per_day = 1\n"
A = '{ tag_key = "a", tag_value = "1" }'
B = '{ tag_key = "b", tag_value = "1" }'
KEY = '{ api_key_public_id = "123456789012" }'


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        ("", "", "[]"),
        (A, A, "[a=1]"),
        (f"{A}, {B}", f"{B}, {A}", "[b=1, a=1]"),
        (KEY, KEY, "[api_key=123456789012]"),
    ],
)
def test_two_rules_for_the_same_requests(
    find_problems: FindProblems, first: str, second: str, shown: str
) -> None:
    """Rules of one scope would share their buckets, in whatever order it is written."""
    problems = find_problems(f"{RULE}scope = [{first}]\n{RULE}scope = [{second}]")
    assert problems == [
        f"rate_limiting.rules[1]: Duplicate rate limiting config scope: {shown}. "
        "Rate limiting config scopes must be unique."
    ]


def test_different_scopes(load: Load) -> None:
    """A narrower rule is another rule; a rule may have several intervals of one resource."""
    toml = f"{RULE}tokens_per_hour = 1\n{RULE}scope = [{A}]\n{RULE}scope = [{A}, {B}]"
    assert load(toml).warnings == []


def test_rules_that_are_switched_off(load: Load) -> None:
    """They load with a reminder."""
    assert load("rate_limiting.enabled = false\n" + RULE).warnings == [
        "rate_limiting.enabled: rules are configured and switched off"
    ]
