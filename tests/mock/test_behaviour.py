"""Behaviours from model names."""

from __future__ import annotations

from typing import Any

import pytest

from tzproxy.mock.behaviour import Behaviour, parse_behaviour
from tzproxy.mock.options import MockOptions


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("echo", {}),
        ("gpt-4o-mini", {}),
        ("provider/tool", {"kind": "tool"}),
        ("fixed-hi there", {"kind": "fixed", "text": "hi there"}),
        ("fixed-tool+tool", {"kind": "fixed", "text": "tool"}),
        ("tool+json", {"kind": "tool"}),
        ("slow-50ms+json", {"kind": "json", "delay_s": 0.05}),
        ("stream-20ms", {"interval_s": 0.02}),
        ("slow-50", {}),
        ("tokens-5", {"kind": "filler", "tokens": 5}),
        ("bytes-9+drop", {"kind": "filler", "answer_bytes": 9, "ending": "drop"}),
        ("error-429", {"error_status": 429}),
        ("error-200", {}),
        ("flaky-3", {"failures": 3, "error_status": 500}),
        ("flaky-3+error-429", {"failures": 3, "error_status": 429}),
        ("length+stall", {"is_length": True, "ending": "stall"}),
        ("error-midstream", {"ending": "error"}),
    ],
)
def test_name_says_behaviour(model: str, expected: dict[str, Any]) -> None:
    """Each documented word means what the README says, alone and joined."""
    assert parse_behaviour(model, MockOptions()) == Behaviour(**expected)


def test_name_wins_over_options() -> None:
    """Options fill in what the name leaves open, and only that."""
    options = MockOptions(latency_ms=10, token_interval_ms=5, tokens=3)
    assert parse_behaviour("slow-20ms", options) == Behaviour(
        kind="filler", tokens=3, delay_s=0.02, interval_s=0.005
    )
    assert parse_behaviour("tool", options).kind == "tool"
