"""Tests of `tzproxy.config.requests`."""

from __future__ import annotations

from decimal import Decimal

import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT, MODEL
from tzproxy.config.requests import (
    CostEntry,
    ExtraBodyEntry,
    ExtraHeader,
    NonStreamingTimeouts,
    RetryConfig,
    StreamingTimeouts,
    TimeoutsConfig,
)
from tzproxy.config.variants import ChatCompletionConfig


def test_timeouts_retries_and_extras_are_read(load: Load) -> None:
    """All forms of the tables that shape requests arrive typed; unknown keys of lenient ones are ignored."""
    loaded = load(
        CHAT
        + """
timeouts = { non_streaming = { total_ms = 1 }, streaming = { ttft_ms = 2, total_ms = 3 } }
retries = { num_retries = 2, max_delay_s = 0.1, tries = 9 }
extra_body = [
  { pointer = "/a", value = { b = [1, 2.0, "x"] }, other = 1 },
  { pointer = "/c", delete = true },
  { pointer = "/d", value = 1, delete = true },
  { pointer = "/e", value = 1979-05-27 },
]
extra_headers = [{ name = "x", value = "y" }, { name = "z", delete = true }]
"""
    )
    variant = loaded.config.functions["f"].variants["v"]
    assert isinstance(variant, ChatCompletionConfig)
    assert variant.timeouts == TimeoutsConfig(
        non_streaming=NonStreamingTimeouts(total_ms=1), streaming=StreamingTimeouts(ttft_ms=2, total_ms=3)
    )
    assert variant.retries == RetryConfig(num_retries=2, max_delay_s=0.10000000149011612)
    assert variant.extra_body == (
        ExtraBodyEntry(pointer="/a", value={"b": [1, 2.0, "x"]}),
        ExtraBodyEntry(pointer="/c", delete=True),
        ExtraBodyEntry(pointer="/d", delete=True),
        ExtraBodyEntry(pointer="/e", value={"$__toml_private_datetime": "1979-05-27"}),
    )
    assert variant.extra_headers == (ExtraHeader(name="x", value="y"), ExtraHeader(name="z", delete=True))


def test_defaults(load: Load) -> None:
    """Without the tables there is no deadline, no retry and nothing extra."""
    variant = load(CHAT).config.functions["f"].variants["v"]
    assert isinstance(variant, ChatCompletionConfig)
    assert variant.timeouts == TimeoutsConfig()
    assert variant.retries == RetryConfig(num_retries=0, max_delay_s=10.0)
    assert (variant.extra_body, variant.extra_headers) == ((), ())


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        ('extra_body = [{ pointer = "/a" }]', "extra_body[0]", "no variant of ExtraBodyReplacementKind"),
        ("extra_body = [{ value = 1 }]", "extra_body[0]", "missing field `pointer`"),
        ("extra_body = [{ pointer = 1, value = 1 }]", "extra_body[0].pointer", "expected a string"),
        ('extra_body = [{ pointer = "/a", delete = false }]', "extra_body[0].delete", "must be `true`"),
        ("extra_body = [1]", "extra_body[0]", "expected a map"),
        ("extra_body = {}", "extra_body", "expected a sequence"),
        ('extra_headers = [{ name = "a" }]', "extra_headers[0]", "no variant of ExtraHeaderKind"),
        ('extra_headers = [{ value = "a" }]', "extra_headers[0]", "missing field `name`"),
        ('extra_headers = [{ name = "a", value = 1 }]', "extra_headers[0].value", "expected a string"),
        ("extra_headers = [1]", "extra_headers[0]", "expected a map"),
        ("retries.num_retries = 1.5", "retries.num_retries", "expected u64"),
        ("retries.max_delay_s = inf", "retries.max_delay_s", "expected a finite f32"),
        ("timeouts.foo = 1", "timeouts.foo", "unknown field `foo`, expected `non_streaming` or `streaming`"),
        ("timeouts.streaming.total = 1", "timeouts.streaming.total", "unknown field `total`"),
        ("timeouts.non_streaming.ttft_ms = 1", "timeouts.non_streaming.ttft_ms", "unknown field `ttft_ms`"),
    ],
)
def test_malformed_entries_are_reported(find_problems: FindProblems, line: str, key: str, words: str) -> None:
    """Each entry needs its name and exactly one thing to do."""
    problems = find_problems(CHAT + line)
    assert len(problems) == 1
    assert problems[0].startswith(f"functions.f.variants.v.{key}: ")
    assert words in problems[0]


def test_costs_are_exact_decimals(load: Load) -> None:
    """Prices keep the digits that were written."""
    loaded = load(MODEL + 'cost = [{ pointer = "/a", cost_per_million = -1.1, required = true, note = 1 }]')
    assert loaded.config.models["m"].providers["p"].cost == (
        CostEntry(pointer="/a", cost_per_million=Decimal("-1.1"), required=True),
    )
