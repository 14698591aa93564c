"""Tests of `tzproxy.datasets.from_inferences`, on the embedded engine."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from datasets.samples import UNKNOWN, Opened, texts
from tzproxy._speedups.ids import new_uuid7
from tzproxy.datasets import from_inferences
from tzproxy.datasets.errors import InferenceNotFoundError
from tzproxy.errors import NotFoundError, RequestError, StoreError

EXTRA = '{"type":"function","description":"d","parameters":{"type":"object"},"name":"extra","strict":false}'


async def one(opened: Opened, inference_id: str, **fields: object) -> Any:
    """Make a datapoint of one inference, and return it."""
    (made,) = await opened.take(type="inference_ids", inference_ids=[inference_id], **fields)
    return await opened.one(made)


async def test_a_chat_inference(opened: Opened) -> None:
    """A datapoint has the inference's input, output, tags and episode, and names where it is from."""
    inference_id = await opened.infer()
    found = await one(opened, inference_id)
    assert found["input"] == {"messages": [{"role": "user", "content": texts("asked")}]}
    assert (found["output"], found["tags"]) == (texts("said"), {"set": opened.name})
    assert (found["is_custom"], found["source_inference_id"]) == (False, inference_id)
    assert found["episode_id"]
    assert "name" not in found
    (row,) = await opened.rows()
    assert json.loads(row["tool_params"]) == {
        "tools_available": [],
        "tool_choice": "auto",
        "parallel_tool_calls": None,
    }
    assert row["allowed_tools"] == '{"tools":[],"choice":"function_default"}'
    assert (found["tool_choice"], row["snapshot_hash"] is None) == ("auto", False)


async def test_a_json_inference(opened: Opened) -> None:
    """The schema that was in force then is the datapoint's; its function need not exist any more."""
    for fields in ({}, {"function_name": "gone"}):
        found = await one(opened, await opened.infer("extract", **fields))
        assert (found["output"], found["output_schema"]) == ({"raw": "x", "parsed": None}, {"b": 1, "a": 2})


async def test_whose_output(opened: Opened) -> None:
    """The output is the model's, nobody's, or the newest demonstration's."""
    inference_id = await opened.infer()
    assert "output" not in await one(opened, inference_id, output_source="none")
    with pytest.raises(InferenceNotFoundError) as caught:
        await one(opened, inference_id, output_source="demonstration")
    assert (caught.value.status, caught.value.message) == (400, f"Inference {inference_id} not found")
    for text in ("older", "newer"):
        await opened.demonstrate(inference_id, texts(text))
    found = await one(opened, inference_id, output_source="demonstration")
    assert found["output"] == texts("newer")


async def test_ids(opened: Opened) -> None:
    """All named inferences have to be there; the answer is in the order of their list, newest first."""
    first, second = await opened.infer(), await opened.infer("extract")
    ids = await opened.take(type="inference_ids", inference_ids=[first, second.upper(), first])
    assert ids == sorted(ids)
    sources = [found["source_inference_id"] for found in await opened.get(*ids)]
    assert sources == [first, second]
    assert await opened.take(type="inference_ids", inference_ids=[]) == []
    with pytest.raises(InferenceNotFoundError, match=f"^Inference {UNKNOWN} not found$"):
        await opened.take(type="inference_ids", inference_ids=[first, UNKNOWN])
    assert len(await opened.page()) == 2
    with pytest.raises(RequestError, match=r"^inference_ids\[0\]: UUID parsing failed"):
        await opened.take(type="inference_ids", inference_ids=["x"])


async def test_a_query(opened: Opened) -> None:
    """A list of inferences gives its datapoints, all of it unless it has a limit; twice gives twice."""
    kept = [await opened.infer() for _ in range(25)]
    mine = {"type": "tag", "key": "set", "value": opened.name, "comparison_operator": "="}
    assert len(await opened.take(type="inference_query", filters=mine)) == 25
    ascending = [{"by": "timestamp", "direction": "ascending"}]
    (made,) = await opened.take(
        type="inference_query", function_name="talk", filters=mine, limit=1, order_by=ascending
    )
    assert (await opened.one(made))["source_inference_id"] in kept
    assert await opened.datasets.count(opened.name, None) == 26
    assert await opened.take(type="inference_query", variant_name="nope", filters=mine) == []
    with pytest.raises(NotFoundError, match="^Unknown function: nope$"):
        await opened.take(type="inference_query", function_name="nope")
    with pytest.raises(RequestError, match="^Invalid metric name: m$"):
        metric = {"type": "boolean_metric", "metric_name": "m", "value": True}
        await opened.take(type="inference_query", filters=metric)


@pytest.mark.parametrize(
    ("columns", "offered", "expected"),
    [
        ({"tool_params": ""}, ["temperature", "humidity"], {"tool_choice": "auto"}),
        (
            {"tool_params": '{"tools_available":[],"tool_choice":"required","parallel_tool_calls":true}'},
            ["temperature", "humidity"],
            {"tool_choice": "required", "parallel_tool_calls": True},
        ),
        (
            {
                "allowed_tools": '{"tools":["humidity","extra"],"choice":"explicit"}',
                "tool_choice": "none",
                "dynamic_tools": [EXTRA],
            },
            ["temperature", "humidity", "extra"],
            {
                "allowed_tools": ["humidity", "extra"],
                "additional_tools": [json.loads(EXTRA)],
                "tool_choice": "none",
            },
        ),
    ],
)
async def test_tools(
    opened: Opened, columns: dict[str, object], offered: list[str], expected: dict[str, object]
) -> None:
    """Tools of any age are assembled with what the function has today."""
    found = await one(opened, await opened.infer("weather", **columns))
    names = ("allowed_tools", "additional_tools", "tool_choice", "parallel_tool_calls")
    assert {name: found[name] for name in names if name in found} == expected
    (row,) = await opened.rows()
    assert [tool["name"] for tool in json.loads(row["tool_params"])["tools_available"]] == offered


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        ({"function_name": "gone"}, NotFoundError, "Unknown function: gone"),
        (
            {"allowed_tools": '{"tools":["nope"],"choice":"explicit"}', "tool_choice": "auto"},
            RequestError,
            "Tool not found: nope",
        ),
        ({"tool_params": "x"}, StoreError, "the tools of inference"),
        ({"output": "x"}, StoreError, "inference"),
        ({"input": "x"}, StoreError, "inference"),
    ],
)
async def test_one_that_cannot_be_taken(
    opened: Opened, fields: dict[str, object], kind: type[Exception], message: str
) -> None:
    """When one inference cannot become a datapoint, none does."""
    ids = [await opened.infer(), await opened.infer("talk", **fields)]
    with pytest.raises(kind, match=f"^{message}"):
        await opened.take(type="inference_ids", inference_ids=ids)
    assert await opened.rows() == []


async def test_a_row_on_its_way(opened: Opened) -> None:
    """An inference that was just answered is waited for a moment: its row is written after the answer."""
    fresh = new_uuid7()

    async def write_later() -> None:
        await asyncio.sleep(0.1)
        await opened.infer(id=fresh)

    writing = asyncio.ensure_future(write_later())
    assert (await one(opened, fresh))["source_inference_id"] == fresh
    await writing


async def test_too_much_at_once(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit into memory is refused, with what to do instead; nothing is written."""
    monkeypatch.setattr(from_inferences, "LARGEST_BYTES", 250)
    ids = [await opened.infer() for _ in range(3)]
    with pytest.raises(RequestError, match="make datapoints of them in parts, with `limit` and `before`$"):
        await opened.take(type="inference_ids", inference_ids=ids)
    assert await opened.rows() == []


async def test_older_inputs(opened: Opened) -> None:
    """Inputs of older gateways become those of today."""
    older = '{"messages":[{"role":"user","content":[{"type":"text","value":"old"}]}]}'
    await one(opened, await opened.infer(input=older))
    (row,) = await opened.rows()
    assert row["input"] == '{"messages":[{"role":"user","content":[{"type":"text","text":"old"}]}]}'
