"""Tests of `tzproxy.inference.demonstrations`: what fits, the stored form, the tools of stored rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.clickhouse.queries.feedback import StoredTools
from tzproxy.errors import TzproxyError
from tzproxy.inference.demonstration_blocks import DemonstrationError
from tzproxy.inference.demonstrations import (
    chat_demonstration,
    json_demonstration,
    stored_output_schema,
    stored_schemas,
)
from tzproxy.inference.tools import FunctionTools, Tool
from tzproxy.prompts import JsonSchema
from tzproxy.types.tools import FunctionTool

NUMBER = '{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}'
SCHEMAS = {"tool": JsonSchema(NUMBER, key="k"), "custom": None}


def call(name: str = "tool", arguments: object = None) -> dict[str, object]:
    """A call block."""
    return {"type": "tool_call", "id": "c", "name": name, "arguments": arguments or {"a": 1}}


def configured(*keys: str) -> FunctionTools:
    """The tools of a function that has `keys` of the three configured ones."""
    schema = JsonSchema(NUMBER, key="k")
    tools = {
        key: Tool(key, FunctionTool("d", Raw(schema.raw), name), schema)
        for key, name in {"static": "static", "key": "shown", "other": "other"}.items()
    }
    return FunctionTools(keys, tools, tool_choice="auto", parallel_tool_calls=None)


def stored(**fields: Any) -> StoredTools:
    """The tool columns of a row."""
    empty: dict[str, Any] = {
        "tool_params": "",
        "dynamic_tools": [],
        "allowed_tools": None,
        "tool_choice": None,
    }
    return StoredTools(**{**empty, **fields})


def dynamic(name: str) -> str:
    """A tool of a request as its row has it."""
    return json.dumps(
        {
            "type": "function",
            "description": "d",
            "parameters": json.loads(NUMBER),
            "name": name,
            "strict": True,
        }
    )


# ---- chat


def test_text() -> None:
    """A string stands for one text block."""
    assert chat_demonstration('é "x"', {}) == '[{"type":"text","text":"é \\"x\\""}]'
    assert chat_demonstration([], {}) == "[]"


def test_blocks() -> None:
    """Calls get all five keys of a stored call, their arguments as text and as JSON."""
    value = [{"type": "text", "text": "t"}, call(arguments={"a": 1.0, "b": [100.0, None]})]
    assert chat_demonstration(value, SCHEMAS) == (
        '[{"type":"text","text":"t"},{"type":"tool_call","id":"c","raw_name":"tool",'
        '"raw_arguments":"{\\"a\\":1.0,\\"b\\":[100.0,null]}","name":"tool",'
        '"arguments":{"a":1.0,"b":[100.0,null]}}]'
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "Demonstration must be a string or an array of content blocks"),
        (None, "Demonstration must be a string or an array of content blocks"),
        ({"type": "text", "text": "x"}, "Demonstration must be a string or an array of content blocks"),
        ([call("zz")], "Demonstration contains invalid tool name"),
        ([call(arguments={"a": "1"})], "Demonstration contains invalid tool call arguments"),
        ([call(arguments='{"a":1}')], "Demonstration contains invalid tool call arguments"),
        ([call("custom")], "Demonstration contains invalid tool call arguments"),
        ([call("zz"), {"type": "text"}], "Invalid demonstration content block: missing field `text`"),
    ],
)
def test_what_does_not_fit(value: object, message: str) -> None:
    """Shape is checked before tools, for all blocks."""
    with pytest.raises(DemonstrationError) as caught:
        chat_demonstration(value, SCHEMAS)
    assert caught.value.message == message


# ---- JSON


def test_json() -> None:
    """The value is stored compactly, as text and as JSON, keys in their order."""
    assert json_demonstration({"z": "é", "a": 1.0}, JsonSchema(NUMBER, key="k")) == (
        '{"raw":"{\\"z\\":\\"é\\",\\"a\\":1.0}","parsed":{"z":"é","a":1.0}}'
    )


def test_json_that_does_not_fit() -> None:
    """The refusal names the finding and the schema."""
    with pytest.raises(DemonstrationError) as caught:
        json_demonstration({"a": "x"}, JsonSchema(NUMBER, key="k"))
    assert caught.value.message == (
        "Demonstration does not fit function output schema: JSON Schema validation failed:\n"
        f'"x" is not of type "number"\n\nSchema:\n{NUMBER}'
    )


@pytest.mark.parametrize("score", ["number", "boolean"])
def test_old_judges(score: str) -> None:
    """A judge's schema that demanded reasoning demands only the score, and takes the reasoning too."""
    old = json.dumps(
        {
            "type": "object",
            "properties": {"thinking": {"type": "string"}, "score": {"type": score}},
            "required": ["thinking", "score"],
            "additionalProperties": False,
        }
    )
    value = {"score": 1.5 if score == "number" else True}
    judge = stored_output_schema(old, "tensorzero::llm_judge::e::v")
    assert judge.is_valid(value)
    assert judge.is_valid({**value, "thinking": "x"})
    assert not judge.is_valid({"thinking": "x"})
    assert not judge.is_valid({"score": "x"})
    assert not stored_output_schema(old, "other").is_valid(value)


def test_schema_that_is_none() -> None:
    """A request may have brought a schema that does not compile: the demonstration cannot help it."""
    with pytest.raises(TzproxyError, match="^Failed to compile JSON Schema: ") as raised:
        stored_output_schema('{"type":"nonsense"}', "f")
    assert raised.value.status == 500


# ---- the tools of stored inferences


@pytest.mark.parametrize(
    ("keys", "columns", "names"),
    [
        ((), {}, []),
        # A row from before the function had tools.
        (("static",), {}, []),
        (("static", "key"), {"tool_choice": "auto"}, ["static", "shown"]),
        (
            ("static",),
            {"allowed_tools": '{"tools":["static","own"],"choice":"function_default"}'}
            | {"dynamic_tools": [dynamic("own")]},
            ["static", "own"],
        ),
        # Explicitly allowed tools need not be the function's.
        (
            ("static",),
            {"allowed_tools": '{"tools":["other","own"],"choice":"explicit"}'}
            | {"dynamic_tools": [dynamic("own")]},
            ["static", "other", "own"],
        ),
        (("static",), {"tool_choice": '{"specific":"gone"}'}, ["static"]),
        # The older form: everything that was offered.
        (
            ("static",),
            {
                "tool_params": json.dumps(
                    {"tools_available": [json.loads(dynamic("own"))], "tool_choice": "auto"}
                )
            },
            ["static", "own"],
        ),
        (
            ("key",),
            {"tool_params": json.dumps({"tools_available": [json.loads(dynamic("shown"))]})},
            ["shown"],
        ),
    ],
)
def test_tools_of_stored_inferences(keys: tuple[str, ...], columns: dict[str, Any], names: list[str]) -> None:
    """The function's tools and those of the request are known, whichever form the row has."""
    schemas = stored_schemas(stored(**columns), configured(*keys))
    assert list(schemas) == names
    for schema in schemas.values():
        assert schema is not None
        assert schema.is_valid({"a": 1})
        assert not schema.is_valid({})


def test_custom_tools() -> None:
    """A tool that takes text is known, and no JSON arguments fit it."""
    custom = '{"type":"openai_custom","name":"c","format":{"type":"text"}}'
    schemas = stored_schemas(stored(tool_choice="auto", dynamic_tools=[custom]), configured())
    assert schemas == {"c": None}
