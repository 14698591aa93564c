"""Tests of `tzproxy.datasets.changes`: what a change keeps, clears and replaces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from datasets.samples import ANSWER_SCHEMA, Opened, answer, chat, texts
from tzproxy.errors import RequestError

EXTRA = {"name": "extra", "description": "d", "parameters": {"type": "object"}}


async def changed(opened: Opened, datapoint: dict[str, Any], **fields: object) -> Any:
    """Make a datapoint, change it, and return it as changed."""
    (made,) = await opened.create(datapoint)
    (new,) = await opened.update({"type": datapoint["type"], "id": made, **fields})
    return await opened.one(new)


async def test_absent_keeps_and_null_clears(opened: Opened) -> None:
    """Null clears output, name and the choice of tools, and keeps everything else."""
    made = chat(
        function_name="weather",
        output=texts("x"),
        name="n",
        tags={"a": "b"},
        allowed_tools=["humidity"],
        additional_tools=[EXTRA],
        tool_choice="required",
        parallel_tool_calls=True,
        provider_tools=[{"tool": {}}],
    )
    kept = await changed(opened, made)
    assert kept["output"] == texts("x")
    assert (kept["name"], kept["tags"], kept["allowed_tools"]) == ("n", {"a": "b"}, ["humidity"])
    nulls = dict.fromkeys(
        (
            "input",
            "output",
            "name",
            "tags",
            "allowed_tools",
            "additional_tools",
            "tool_choice",
            "parallel_tool_calls",
            "provider_tools",
        )
    )
    cleared = await changed(opened, made, **nulls)
    assert not {"output", "name", "allowed_tools", "parallel_tool_calls"} & cleared.keys()
    assert cleared["tool_choice"] == "auto"
    assert [tool["name"] for tool in cleared["additional_tools"]] == ["extra"]
    assert cleared["provider_tools"] == [{"scope": None, "tool": {}}]
    assert (cleared["tags"], cleared["input"]) == ({"a": "b"}, kept["input"])


async def test_more_tools(opened: Opened) -> None:
    """Other tools do not touch the restriction; the list of all that are offered is made anew."""
    made = chat(function_name="weather", allowed_tools=["humidity"], tool_choice="required")
    found = await changed(opened, made, additional_tools=[EXTRA])
    assert (found["allowed_tools"], found["tool_choice"]) == (["humidity"], "required")
    row = (await opened.rows())[-1]
    offered = [tool["name"] for tool in json.loads(row["tool_params"])["tools_available"]]
    assert offered == ["temperature", "humidity", "extra"]


async def test_a_chat_output_is_kept_as_given(opened: Opened) -> None:
    """The output of a change is not checked again: its tool calls are what the client says of them."""
    block = {"type": "tool_call", "id": "1", "raw_name": "temperature", "raw_arguments": '{"city":"Oslo"}'}
    found = await changed(
        opened, chat(function_name="weather"), output=[block, {**block, "name": "x", "arguments": [1]}]
    )
    assert found["output"] == [
        {**block, "name": None, "arguments": None},
        {**block, "name": "x", "arguments": [1]},
    ]


async def test_json_outputs(opened: Opened) -> None:
    """A new output is parsed by the schema in force; a new schema alone leaves the output as it is."""
    schema = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
    found = await changed(opened, answer(), output={"raw": '{"answer":"new"}'})
    assert found["output"] == {"raw": '{"answer":"new"}', "parsed": {"answer": "new"}}
    found = await changed(opened, answer(), output={"raw": '{"b":"c"}'}, output_schema=schema)
    assert (found["output"]["parsed"], found["output_schema"]) == ({"b": "c"}, schema)
    found = await changed(opened, answer(), output_schema=schema)
    assert (found["output"]["parsed"], found["output_schema"]) == ({"answer": "x"}, schema)
    found = await changed(opened, answer(output_schema=schema), output={"raw": '{"answer":"x"}'})
    assert found["output"] == {"raw": '{"answer":"x"}', "parsed": None}
    found = await changed(opened, answer(), output=None, output_schema=None)
    assert "output" not in found
    assert found["output_schema"] == ANSWER_SCHEMA


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "json"}, "Datapoint {id} is a chat datapoint but a JSON update was provided"),
        (
            {"type": "chat", "input": {"system": {"a": 1}, "messages": []}},
            "System message has non-string content but there is no template `system` in any variant",
        ),
        ({"type": "chat", "allowed_tools": ["nope"]}, "Tool not found: nope"),
    ],
)
async def test_refusals(opened: Opened, change: dict[str, Any], message: str) -> None:
    """A change that does not fit is refused in plain words, and the datapoint stays live."""
    (made,) = await opened.create(chat())
    with pytest.raises(RequestError) as caught:
        await opened.update({**change, "id": made})
    assert (caught.value.status, caught.value.message) == (400, message.format(id=made))
    assert [found["id"] for found in await opened.page()] == [made]


async def test_the_other_kind(opened: Opened) -> None:
    """A JSON datapoint takes no change for chats, nor a schema that is none."""
    (made,) = await opened.create(answer())
    with pytest.raises(RequestError, match=f"^Datapoint {made} is a JSON datapoint but a chat update"):
        await opened.update({"type": "chat", "id": made})
    with pytest.raises(RequestError, match="^Error in compiling client-provided JSON schema"):
        await opened.update({"type": "json", "id": made, "output_schema": {"type": "x"}})
