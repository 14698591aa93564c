"""Tests of `tzproxy.evaluations.outcome`."""

from __future__ import annotations

from typing import Any

import pytest

from evaluations.samples import STORED, chat_outcome, json_outcome
from tzproxy.evaluations.errors import ScoreError
from tzproxy.evaluations.outcome import Outcome, same
from tzproxy.evaluations.scorers import exact_match
from tzproxy.types.content import Text
from tzproxy.types.datapoints import ChatDatapointRow


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


@pytest.mark.parametrize("reference", [{"a": 1}, [1, 2], "text"])
def test_references_that_are_none(reference: Any) -> None:
    """An output of another kind, or of no kind at all, is no reason to end a run: its scores say so."""
    with pytest.raises(ScoreError, match="types do not match"):
        exact_match(chat_outcome([Text("x")], reference))


def test_a_reference_that_is_no_json() -> None:
    """It is told why it cannot be read."""
    row = ChatDatapointRow(dataset_name="d", function_name="f", id="p", input="", output="no")
    with pytest.raises(ScoreError, match="cannot be read"):
        exact_match(Outcome(row, STORED, chat_outcome([Text("x")]).answer))
