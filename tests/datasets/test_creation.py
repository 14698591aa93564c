"""Tests of `tzproxy.datasets.creation`: what is made of new datapoints, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from datasets.samples import ANSWER_SCHEMA, Opened, answer, chat, said, texts
from tzproxy.errors import RequestError

LOOKUP: dict[str, Any] = {
    "name": "lookup",
    "description": "Look a thing up",
    "parameters": {"type": "object", "properties": {"b": {}, "a": {}}},
}


def call(number: str, raw_name: str, raw_arguments: str, **checked: object) -> dict[str, object]:
    """Return a tool call of a wanted output."""
    raw = {"raw_name": raw_name, "raw_arguments": raw_arguments}
    return {"type": "tool_call", "id": number, **raw, **checked}


async def test_tools(opened: Opened) -> None:
    """The tools of function and request are stored in all forms, and come back as they were asked for."""
    (made,) = await opened.create(
        chat(
            function_name="weather",
            allowed_tools=["humidity", "lookup"],
            additional_tools=[LOOKUP],
            tool_choice={"specific": "humidity"},
            parallel_tool_calls=True,
            provider_tools=[{"tool": {"type": "web_search"}}],
        )
    )
    (row,) = await opened.rows()
    offered = json.loads(row["tool_params"])
    assert [tool["name"] for tool in offered["tools_available"]] == ["temperature", "humidity", "lookup"]
    assert (offered["tool_choice"], offered["parallel_tool_calls"]) == ({"specific": "humidity"}, True)
    assert [json.loads(tool) for tool in row["dynamic_tools"]] == [
        {"type": "function", **LOOKUP, "strict": False}
    ]
    assert row["dynamic_provider_tools"] == ['{"scope":null,"tool":{"type":"web_search"}}']
    assert json.loads(row["allowed_tools"]) == {"tools": ["humidity", "lookup"], "choice": "explicit"}
    assert (row["tool_choice"], row["parallel_tool_calls"]) == ('{"specific":"humidity"}', True)
    found = await opened.one(made)
    assert found["allowed_tools"] == ["humidity", "lookup"]
    assert found["additional_tools"] == [{"type": "function", **LOOKUP, "strict": False}]
    assert found["tool_choice"] == {"specific": "humidity"}
    assert found["parallel_tool_calls"] is True
    assert found["provider_tools"] == [{"scope": None, "tool": {"type": "web_search"}}]


async def test_no_tools(opened: Opened) -> None:
    """Where there is no tool at all, what is said about tools is forgotten."""
    await opened.create(chat(tool_choice="none", parallel_tool_calls=True, allowed_tools=[]))
    (row,) = await opened.rows()
    names = ("tool_params", "dynamic_tools", "dynamic_provider_tools", "allowed_tools", "tool_choice")
    assert [row[name] for name in names] == ["", [], [], None, None]
    assert row["parallel_tool_calls"] is None


async def test_wanted_output_of_a_chat_function(opened: Opened) -> None:
    """Tool calls are checked against the tools, whatever the client says of them; other blocks stay."""
    blocks: list[dict[str, Any]] = [
        *texts("x"),
        {"type": "thought", "text": "hm", "extra_data": {"a": [1]}},
        call("1", "nope", "{}", name="nope", arguments={}),
        call("2", "temperature", '{"city": "Oslo"}'),
        call("3", "temperature", "no JSON", name="n", arguments={"a": 1}),
        {"type": "unknown", "data": {"b": 1, "a": 2}, "model_name": "m"},
    ]
    (made,) = await opened.create(chat(function_name="weather", output=blocks))
    found = (await opened.one(made))["output"]
    assert found[:2] == blocks[:2]
    assert [(block["name"], block["arguments"]) for block in found[2:5]] == [
        (None, None),
        ("temperature", {"city": "Oslo"}),
        ("temperature", None),
    ]
    assert [block["raw_arguments"] for block in found[2:5]] == ["{}", '{"city": "Oslo"}', "no JSON"]
    assert found[5] == blocks[5]


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [('{"answer": "x"}', {"answer": "x"}), ('{"b":1}', None), ("no JSON", None), (None, None)],
)
async def test_wanted_output_of_a_json_function(opened: Opened, raw: str | None, parsed: object) -> None:
    """The text is kept as it is; parsed is what fits the schema."""
    (made,) = await opened.create(answer(raw))
    found = await opened.one(made)
    assert found["output"] == {"raw": raw, "parsed": parsed}
    assert found["output_schema"] == ANSWER_SCHEMA


async def test_a_schema_of_its_own(opened: Opened) -> None:
    """A datapoint may bring its schema, which its output is parsed by."""
    schema = {"type": "object", "properties": {"z": {"type": "integer"}, "a": {}}}
    (made,) = await opened.create(answer('{"z":1}', output_schema=schema))
    found = await opened.one(made)
    assert (found["output_schema"], found["output"]["parsed"]) == (schema, {"z": 1})
    (without,) = await opened.create(answer(output_schema=None) | {"output": None})
    assert "output" not in await opened.one(without)


async def test_files_are_kept(opened: Opened, tmp_path: Any) -> None:
    """The bytes of a file are stored before its row; the datapoint points to them, and may be sent back."""
    block = {"type": "file", "file_type": "base64", "mime_type": "image/png", "data": "aGVsbG8="}
    (made,) = await opened.create(chat(input={"messages": [{"role": "user", "content": [block]}]}))
    found = await opened.one(made)
    (pointer,) = found["input"]["messages"][0]["content"]
    place = pointer["storage_path"]
    assert pointer == {
        "type": "file",
        "file_type": "object_storage_pointer",
        "source_url": None,
        "mime_type": "image/png",
        "storage_path": place,
    }
    assert (tmp_path / "objects" / place["path"]).read_bytes() == b"hello"
    (again,) = await opened.update({"type": "chat", "id": made, "input": found["input"]})
    assert (await opened.one(again))["input"] == found["input"]


@pytest.mark.parametrize(
    ("datapoint", "reason"),
    [
        (chat(function_name="extract"), "Function 'extract' is not configured as a chat function"),
        (answer(function_name="talk"), "Function 'talk' is not configured as a JSON function"),
        (chat(allowed_tools=["nope"]), "Tool not found: nope"),
        (chat(function_name="weather", tool_choice={"specific": "x"}), "Tool not found: x"),
        (
            chat(function_name="weather", additional_tools=[{**LOOKUP, "name": "humidity"}]),
            "Duplicate tool name: humidity. Tool names must be unique.",
        ),
        (
            chat(input={"system": {"a": 1}, "messages": []}),
            "System message has non-string content but there is no template `system` in any variant",
        ),
        (chat(function_name="greet", input={"system": {"nope": 1}}), "JSON Schema validation failed:"),
        (answer(output_schema={"type": "x"}), "Error in compiling client-provided JSON schema: "),
        (
            chat(input={"messages": [{"role": "user", "content": [{"type": "file", "data": "data:,"}]}]}),
            "input.messages[0].content[0]: The `data` field must not contain `data:` prefix.",
        ),
    ],
)
async def test_refusals(opened: Opened, datapoint: dict[str, Any], reason: str) -> None:
    """Whatever is wrong with a datapoint is a 400 that says so."""
    with pytest.raises(RequestError) as caught:
        await opened.create(datapoint)
    start = f"Failed to convert {datapoint['type']} datapoint to database insert: "
    assert caught.value.status == 400
    assert caught.value.message.startswith(start + reason)


async def test_a_bad_episode(opened: Opened) -> None:
    """An episode's id may be any UUID, but has to be one."""
    await opened.create(chat(episode_id="7f9c24e8-3b12-4fef-91e0-000000000000"))
    with pytest.raises(RequestError, match=r"^datapoints\[1\]\.episode_id: UUID parsing failed"):
        await opened.create(chat(), chat(episode_id="x"))


async def test_the_function_of_models(opened: Opened) -> None:
    """The function behind requests that name a model has datapoints too, and takes their tools."""
    (made,) = await opened.create(
        chat(function_name="tensorzero::default", input=said("hi"), additional_tools=[LOOKUP])
    )
    assert (await opened.one(made))["function_name"] == "tensorzero::default"
