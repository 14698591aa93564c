"""Tests of `tzproxy.evaluations.outcome`."""

from __future__ import annotations

from evaluations.samples import chat_outcome, json_outcome
from tzproxy.evaluations.outcome import same
from tzproxy.types.content import Text


def test_stored_output() -> None:
    """An answer is written as the store has it: people's scores are found by these bytes."""
    assert chat_outcome([Text("é")]).stored_output == '[{"type":"text","text":"é"}]'
    assert json_outcome("{ }", b"{}").stored_output == '{"raw":"{ }","parsed":{}}'


def test_same() -> None:
    """Objects are compared without regard to order, numbers and booleans by kind."""
    assert same({"a": 1, "b": [1, {"c": None}]}, {"b": [1, {"c": None}], "a": 1})
    assert not same(1, 1.0)
    assert not same(1, True)
    assert not same([1, 2], [2, 1])
