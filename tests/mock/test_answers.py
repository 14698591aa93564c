"""What the mock says."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.mock.answers import Answer, ChatRequest, ToolCall, compose_answer, count_prompt_tokens
from tzproxy.mock.behaviour import parse_behaviour
from tzproxy.mock.options import MockOptions

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": "first", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "second"}},
]
ASK = {"role": "user", "content": "How are you"}


def _answer(model: str, *, messages: list[dict[str, Any]] | None = None, **fields: Any) -> Answer:
    request = msgspec.convert({"model": model, "messages": messages or [ASK], **fields}, ChatRequest)
    return compose_answer(parse_behaviour(model, MockOptions()), request)


def test_echo_takes_the_last_user_message() -> None:
    """Echo repeats the last user message, its text parts joined, cut into words."""
    parts = {
        "role": "user",
        "content": [{"type": "text", "text": "a b"}, {"type": "image_url"}, {"type": "text", "text": "c"}],
    }
    answer = _answer("echo", messages=[ASK, parts, {"role": "assistant", "content": "no"}])
    assert answer == Answer(pieces=("echo:", " a", " b", " c"))
    assert answer.tokens == 4


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, ["first"]),
        ({"tool_choice": "none"}, []),
        ({"tool_choice": "required"}, ["first"]),
        ({"tool_choice": {"type": "function", "function": {"name": "second"}}}, ["second"]),
        ({"messages": [ASK, {"role": "tool", "content": "5C"}]}, []),
    ],
)
def test_tool_model_calls_what_it_may(fields: dict[str, Any], names: list[str]) -> None:
    """The tool model calls the first or the forced tool, and none when told so or after a result."""
    answer = _answer("tool", tools=TOOLS, **fields)
    assert [call.name for call in answer.calls] == names
    assert answer.finish_reason == ("tool_calls" if names else "stop")


def test_arguments_satisfy_the_schema() -> None:
    """A call's arguments are JSON that the tool's schema accepts."""
    (call,) = _answer("tool", tools=TOOLS).calls
    jsonschema_rs.validate(SCHEMA, msgspec.json.decode(call.arguments))


def test_parallel_calls_and_forced_calls_of_other_models() -> None:
    """Two calls in parallel, of one tool if there is but one; every model obeys a forced choice only."""
    assert [call.name for call in _answer("tools-parallel", tools=TOOLS).calls] == ["first", "second"]
    assert [call.name for call in _answer("tools-parallel", tools=TOOLS[1:]).calls] == ["second", "second"]
    assert _answer("echo", tools=TOOLS).calls == ()
    assert _answer("echo", tools=TOOLS[1:], tool_choice="required").calls == (
        ToolCall("second", '"example"'),
    )


def test_result_of_a_tool_is_told() -> None:
    """After a tool's result the text says what the tool said."""
    answer = _answer("tool", tools=TOOLS, messages=[ASK, {"role": "tool", "content": "5C"}])
    assert "".join(answer.pieces) == "tool said: 5C"


@pytest.mark.parametrize("model", ["echo", "demo", "json", "gpt-9"])
def test_json_schema_format_is_satisfied(model: str) -> None:
    """Any model with a text of its own answers a wanted schema with a fitting object."""
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    text = "".join(_answer(model, response_format=wanted).pieces)
    jsonschema_rs.validate(SCHEMA, msgspec.json.decode(text))


def test_json_object_format_gives_an_object() -> None:
    """JSON mode without a schema gives an object."""
    text = "".join(_answer("echo", response_format={"type": "json_object"}).pieces)
    assert msgspec.json.decode(text) == {"answer": "How are you"}


def test_fixed_empty_length_reasoning_demo() -> None:
    """The remaining kinds say what the README promises."""
    assert "".join(_answer("fixed-one two").pieces) == "one two"
    assert _answer("empty") == Answer()
    assert _answer("fixed-a b c d+length") == Answer(pieces=("a", " b"), finish_reason="length")
    assert "How are you" in _answer("reasoning").reasoning
    demo = "".join(_answer("demo").pieces)
    assert "mock" in demo
    assert "How are you" in demo


@given(st.integers(0, 60), st.integers(0, 300))
def test_filler_has_the_asked_size(tokens: int, size: int) -> None:
    """Filler has exactly the asked bytes and, where the bytes suffice, exactly the asked pieces."""
    pieces = _answer(f"tokens-{tokens}+bytes-{size}").pieces if tokens or size else ()
    if size:
        assert len("".join(pieces)) == size
    if tokens:
        assert len(pieces) == (min(tokens, size) if size else tokens)
    assert all(pieces)


@given(st.text())
def test_pieces_join_to_the_text(text: str) -> None:
    """Cutting into words loses nothing of the text."""
    answer = _answer("echo", messages=[{"role": "user", "content": text}])
    assert "".join(answer.pieces) == f"echo: {text}"


def test_prompt_tokens_are_words() -> None:
    """Prompt tokens count the words of all messages and are never zero."""
    request = msgspec.convert({"model": "x", "messages": [ASK, ASK]}, ChatRequest)
    assert count_prompt_tokens(request) == 6
    assert count_prompt_tokens(msgspec.convert({"model": "x", "messages": []}, ChatRequest)) == 1
