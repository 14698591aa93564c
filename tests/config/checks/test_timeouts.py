"""Tests of `tzproxy.config.checks.timeouts`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT, MODEL

BOUND = "gateway.global_outbound_http_timeout_ms = 1000\n"


@pytest.mark.parametrize("key", ["non_streaming.total_ms", "streaming.ttft_ms", "streaming.total_ms"])
@pytest.mark.parametrize(
    ("toml", "path"),
    [
        (MODEL, "models.m.providers.p"),
        (
            '[models.m]\nrouting = ["p"]\n'
            'providers.p = { type = "xai", model_name = "x", api_key_location = "none" }\n',
            "models.m",
        ),
        (CHAT, "functions.f.variants.v"),
    ],
)
def test_no_deadline_beyond_the_bound(
    load: Load, find_problems: FindProblems, toml: str, path: str, key: str
) -> None:
    """Variants, models and providers stay below the bound of all requests; equal is below."""
    problems = find_problems(BOUND + toml + f"timeouts.{key} = 1001")
    assert problems == [
        f"{path}.timeouts.{key}: The `timeouts.{key}` value `1001` is greater than "
        "`gateway.global_outbound_http_timeout_ms`: `1000`"
    ]
    assert load(BOUND + toml + f"timeouts.{key} = 1000").warnings == []


def test_the_default_bound_is_fifteen_minutes(find_problems: FindProblems) -> None:
    """Without a bound of its own a configuration has 900000 ms."""
    assert "`900000`" in find_problems(MODEL + "timeouts.non_streaming.total_ms = 900_001")[0]


def test_the_bound_holds_for_copied_deadlines(find_problems: FindProblems) -> None:
    """`timeout_s` becomes a deadline like any other."""
    toml = CHAT + '[functions.f.variants.b]\ntype = "experimental_best_of_n_sampling"\ncandidates = ["v"]\n'
    problems = find_problems(BOUND + toml + 'timeout_s = 2\nevaluator = { model = "m" }')
    assert [line.split(": ")[0] for line in problems] == [
        "functions.f.variants.v.timeouts.non_streaming.total_ms",
        "functions.f.variants.v.timeouts.streaming.ttft_ms",
    ]


def test_a_last_chunk_before_the_first_is_a_warning(load: Load) -> None:
    """The deadlines are odd but work."""
    warnings = load(MODEL + "timeouts.streaming = { ttft_ms = 2, total_ms = 1 }").warnings
    assert warnings == ["models.m.providers.p.timeouts.streaming: `total_ms` is less than `ttft_ms`"]
