"""Tests of `tzproxy.evaluations.scorers`."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from msgspec import Raw

from evaluations.samples import call, chat_outcome, json_outcome
from tzproxy.config.evaluators import ExactMatchConfig, RegexConfig, ToolUseConfig, TypescriptConfig
from tzproxy.evaluations.errors import ScoreError
from tzproxy.evaluations.scorers import scorer_of
from tzproxy.types.content import Text, Thought

EXACT = scorer_of(ExactMatchConfig())
HI = {"type": "text", "text": "hi"}


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        (None, None),
        ([HI], False),
        ([HI, {"type": "text", "text": "there"}], True),
        ([{"type": "text", "text": "there"}, HI], False),
        ([], False),
    ],
)
def test_exact_match_of_blocks(reference: Any, value: bool | None) -> None:
    """All blocks have to be equal, in order; without a reference there is nothing to say."""
    assert EXACT(chat_outcome([Text("hi"), Text("there")], reference)) is value


def test_exact_match_of_calls_and_thoughts() -> None:
    """A call's id counts, a null field that is not written does not."""
    reference = {"type": "tool_call", "raw_name": "t", "raw_arguments": "{}", "name": "t", "arguments": {}}
    assert EXACT(chat_outcome([call("t")], [{**reference, "id": "1"}])) is True
    assert EXACT(chat_outcome([call("t")], [{**reference, "id": "2"}])) is False
    assert EXACT(chat_outcome([Thought(None, "s")], [{"type": "thought", "signature": "s"}])) is True


@pytest.mark.parametrize(
    ("parsed", "reference", "value"),
    [
        (b'{"b":2,"a":1}', {"raw": "x", "parsed": {"a": 1, "b": 2}}, True),
        (b'{"a":1.0}', {"raw": "x", "parsed": {"a": 1}}, False),
        (b'{"a":true}', {"raw": "x", "parsed": {"a": 1}}, False),
        (None, {"raw": "x", "parsed": {"a": 1}}, False),
        (b"{}", {"raw": "x", "parsed": None}, None),
        (b"{}", None, None),
    ],
)
def test_exact_match_of_json(parsed: bytes | None, reference: Any, value: bool | None) -> None:
    """What was parsed counts, not how it was written."""
    assert EXACT(json_outcome("y", parsed, reference)) is value


def test_kinds_that_do_not_match() -> None:
    """Blocks cannot be compared with JSON."""
    for outcome in (chat_outcome([], {"raw": "", "parsed": None}), json_outcome("{}", b"{}", [HI])):
        with pytest.raises(ScoreError, match="^Datapoint and inference response types do not match$"):
            EXACT(outcome)


@pytest.mark.parametrize(
    ("must", "must_not", "value"),
    [("o w", None, True), ("x", None, False), (None, "x", True), (None, "o", False), ("o", "w", False)],
)
def test_regex(must: str | None, must_not: str | None, value: bool) -> None:
    """Both patterns count, over all texts put together."""
    scorer = scorer_of(RegexConfig(must_match=must, must_not_match=must_not))
    assert scorer(chat_outcome([Text("hello"), call("x"), Text(" world")])) is value
    assert scorer(json_outcome("hello world", None)) is value


def test_regex_without_text() -> None:
    """Where there is no text nothing can be found in it."""
    assert scorer_of(RegexConfig(must_match=""))(json_outcome(None, None)) is False
    assert scorer_of(RegexConfig(must_not_match=""))(json_outcome(None, None)) is True


Behavior = Literal["none", "any", "none_of", "any_of", "all_of"]


@pytest.mark.parametrize(
    ("behavior", "tools", "called", "value"),
    [
        ("none", (), (), True),
        ("none", (), ("a",), False),
        ("any", (), (), False),
        ("any", (), ("a",), True),
        ("none_of", ("a", "b"), ("c",), True),
        ("none_of", ("a", "b"), ("c", "b"), False),
        ("any_of", ("a", "b"), ("c", "b"), True),
        ("any_of", ("a", "b"), ("c",), False),
        ("all_of", ("a", "b"), ("b", "c", "a"), True),
        ("all_of", ("a", "b"), ("a",), False),
        ("all_of", ("a", "a"), ("a",), False),
        ("all_of", ("a", "a"), ("a", "a"), True),
    ],
)
def test_tool_use(behavior: Behavior, tools: tuple[str, ...], called: tuple[str, ...], value: bool) -> None:
    """Calls count by the name that the model used."""
    scorer = scorer_of(ToolUseConfig(behavior=behavior, tools=tools))
    assert scorer(chat_outcome([Text("t"), *(call(name) for name in called)])) is value


def test_tool_use_of_json() -> None:
    """JSON functions call no tools."""
    with pytest.raises(ScoreError, match="tool calls only exist in chat inferences"):
        scorer_of(ToolUseConfig(behavior="none"))(json_outcome("{}", Raw(b"{}")))


def test_typescript() -> None:
    """Programs are not run, and say so."""
    scorer = scorer_of(TypescriptConfig(typescript_file="", output_type="float", optimize="max"))
    with pytest.raises(ScoreError, match="TypeScript"):
        scorer(chat_outcome([]))
