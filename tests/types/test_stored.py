"""Tests of `tzproxy.types.stored`: stored columns of all ages are read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tzproxy.types.content import StoredInput
from tzproxy.types.stored import (
    RequestedTools,
    ToolColumns,
    brought_tools,
    choice_text,
    provider_tools,
    read_stored_input,
    read_stored_tools,
)
from tzproxy.types.tools import SpecificTool

PLACE = {"kind": {"type": "disabled"}, "path": "observability/files/ab.png"}


def read(*blocks: object, role: str = "user") -> list[Any]:
    """Read the blocks of an input of one message, and write them again."""
    text = json.dumps({"messages": [{"role": role, "content": list(blocks)}]})
    (message,) = read_stored_input(text).messages
    return json.loads(msgspec.json.encode(message.content))  # type: ignore[no-any-return]


def test_todays_blocks_stay_as_they_are() -> None:
    """What is written today is read as what it is, unknown keys left out."""
    blocks: list[dict[str, Any]] = [
        {"type": "text", "text": '"value":'},
        {"type": "raw_text", "value": "v"},
        {"type": "template", "name": "t", "arguments": {"b": 1, "a": [None, 1.5]}},
        {"type": "tool_call", "id": "1", "name": "n", "arguments": "{}"},
        {"type": "tool_result", "name": "n", "result": "r", "id": "1"},
        {"type": "thought", "text": None, "provider_type": "anthropic", "extra_data": {"b": [1]}},
        {"type": "file", "source_url": None, "mime_type": "image/png", "storage_path": PLACE},
        {"type": "unknown", "data": {"x": 1}, "model_name": "m"},
    ]
    assert read(*[{**block, "later": 1} for block in blocks]) == blocks


@pytest.mark.parametrize(
    ("older", "today"),
    [
        ({"type": "text", "value": "s"}, {"type": "text", "text": "s"}),
        (
            {"type": "text", "value": {"a": 1}},
            {"type": "template", "name": "assistant", "arguments": {"a": 1}},
        ),
        (
            {
                "type": "image",
                "image": {"url": "http://x/y.png", "mime_type": "image/png"},
                "storage_path": PLACE,
            },
            {
                "type": "file",
                "source_url": "http://x/y.png",
                "mime_type": "image/png",
                "storage_path": PLACE,
            },
        ),
        (
            {"type": "file", "file": {"source_url": None, "mime_type": "image/png"}, "storage_path": PLACE},
            {"type": "file", "source_url": None, "mime_type": "image/png", "storage_path": PLACE},
        ),
        (
            {"type": "thought", "text": "t", "_internal_provider_type": "p"},
            {"type": "thought", "text": "t", "provider_type": "p"},
        ),
        (
            {
                "type": "unknown",
                "data": 1,
                "model_provider_name": "tensorzero::model_name::a::b::provider_name::p",
            },
            {"type": "unknown", "data": 1, "model_name": "a::b", "provider_name": "p"},
        ),
    ],
)
def test_older_blocks(older: dict[str, Any], today: dict[str, Any]) -> None:
    """Each form of older gateways becomes the one of today."""
    assert read(older, role="assistant") == [today]


def test_older_content_as_text() -> None:
    """A message whose content is no list has one text; the system stays."""
    text = '{"system":{"a":1},"messages":[{"role":"user","content":"hi"}]}'
    stored = read_stored_input(text)
    assert stored.system == {"a": 1}
    assert json.loads(msgspec.json.encode(stored.messages[0].content)) == [{"type": "text", "text": "hi"}]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"messages":[1]}', '{"messages":[{"role":"x","content":[]}]}']
)
def test_no_input(text: str) -> None:
    """Anything else is refused, not guessed at."""
    with pytest.raises(msgspec.DecodeError):
        read_stored_input(text)


def test_no_messages() -> None:
    """An input without messages is one."""
    assert read_stored_input('{"messages":[]}') == StoredInput([])


def test_no_tools() -> None:
    """A row without tools says so."""
    assert read_stored_tools(ToolColumns()) is None


def test_the_older_form_of_tools() -> None:
    """Only what the older form tells is told: the tools themselves are those of the function."""
    columns = ToolColumns(
        tool_params='{"tools_available":[{"name":"x"}],"tool_choice":{"specific":"x"},"parallel_tool_calls":true}'
    )
    assert read_stored_tools(columns) == RequestedTools(
        tool_choice=SpecificTool("x"), parallel_tool_calls=True
    )


def test_the_full_form_of_tools() -> None:
    """Tools, restriction and choice come back as they were asked for; the older column is not looked at."""
    tool = '{"type":"client_side_function","description":"d","parameters":{"b":1,"a":2},"name":"n"}'
    columns = ToolColumns(
        tool_params="no JSON",
        dynamic_tools=[tool],
        dynamic_provider_tools=['{"scope":null,"tool":{"type":"web_search"}}'],
        allowed_tools='{"tools":["n"],"choice":"dynamic_allowed_tools"}',
        tool_choice="required",
        parallel_tool_calls=False,
    )
    tools = read_stored_tools(columns)
    assert tools is not None
    assert json.loads(msgspec.json.encode(tools)) == {
        "allowed_tools": ["n"],
        "additional_tools": [
            {
                "type": "function",
                "description": "d",
                "parameters": {"b": 1, "a": 2},
                "name": "n",
            }
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "provider_tools": [{"scope": None, "tool": {"type": "web_search"}}],
    }
    assert [brought.name for brought in brought_tools(tools)] == ["n"]
    assert [bytes(provided.tool) for provided in provider_tools(tools)] == [b'{"type":"web_search"}']


def test_the_functions_own_tools() -> None:
    """A row whose request restricted nothing names no restriction."""
    columns = ToolColumns(allowed_tools='{"tools":["n"],"choice":"function_default"}', tool_choice="auto")
    assert read_stored_tools(columns) == RequestedTools(tool_choice="auto")


def test_choices_come_back() -> None:
    """A choice is written as its column has it and read back the same."""
    for choice, text in (("none", "none"), (SpecificTool("a b"), '{"specific":"a b"}')):
        assert choice_text(choice) == text  # type: ignore[arg-type]
        tools = read_stored_tools(ToolColumns(tool_choice=text))
        assert tools is not None
        assert tools.tool_choice == choice
