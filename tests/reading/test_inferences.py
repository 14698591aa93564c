"""Tests of `tzproxy.reading.inferences`: rows in the API's form."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tzproxy.clickhouse.queries.inferences import StoredInferenceRow
from tzproxy.errors import NotFoundError, StoreError
from tzproxy.reading.inferences import InferenceReader, api_inference
from tzproxy.types.listing import InferenceIds, InferenceListing, InferenceSelection

ROW: dict[str, Any] = {
    "type": "chat",
    "id": "i",
    "function_name": "f",
    "variant_name": "v",
    "episode_id": "e",
    "timestamp": "2026-01-01T00:00:00Z",
    "input": '{"messages":[{"role":"user","content":[{"type":"text","value":"old"}]}]}',
    "output": '[{"type":"text","text":"Hi"}]',
    "inference_params": '{"chat_completion":{}}',
    "processing_time_ms": 5,
    "ttft_ms": None,
    "tags": {"a": "b"},
    "extra_body": "[]",
    "snapshot_hash": str(0x00_0A_0B),
    "tool_params": "",
    "dynamic_tools": [],
    "dynamic_provider_tools": [],
    "allowed_tools": None,
    "tool_choice": None,
    "parallel_tool_calls": None,
    "output_schema": "",
}
WRITTEN: dict[str, Any] = {
    "type": "chat",
    "function_name": "f",
    "variant_name": "v",
    "input": {"messages": [{"role": "user", "content": [{"type": "text", "text": "old"}]}]},
    "output": [{"type": "text", "text": "Hi"}],
    "dispreferred_outputs": [],
    "timestamp": "2026-01-01T00:00:00Z",
    "episode_id": "e",
    "inference_id": "i",
    "provider_tools": [],
    "tags": {"a": "b"},
    "extra_body": [],
    "inference_params": {"chat_completion": {}},
    "processing_time_ms": 5,
    "ttft_ms": None,
    "snapshot_hash": "0a0b",
}


def written(**changes: object) -> dict[str, Any]:
    """Write a row as clients get it."""
    row = StoredInferenceRow(**{**ROW, **changes})
    return json.loads(msgspec.json.encode(api_inference(row)))  # type: ignore[no-any-return]


def test_a_chat_inference() -> None:
    """A row without tools has no tool keys but `provider_tools`, and its hash has no leading zero bytes."""
    assert written() == WRITTEN


def test_tools() -> None:
    """Tool columns become the keys of a request."""
    tool = {"type": "function", "description": "d", "parameters": {}, "name": "n", "strict": False}
    own = {"scope": None, "tool": {"type": "web_search"}}
    given = written(
        dynamic_tools=[json.dumps(tool)],
        dynamic_provider_tools=[json.dumps(own)],
        allowed_tools='{"tools":["n"],"choice":"explicit"}',
        tool_choice="required",
        parallel_tool_calls=False,
    )
    tools = {
        "allowed_tools": ["n"],
        "additional_tools": [tool],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "provider_tools": [own],
    }
    assert given == {**WRITTEN, **tools}


def test_a_json_inference() -> None:
    """A row of a JSON function has a schema and no tool keys; a missing output is left out."""
    given = written(type="json", output_schema='{"b":1,"a":2}', output=None)
    chat_only = ("output", "provider_tools")
    expected = {key: value for key, value in WRITTEN.items() if key not in chat_only}
    assert given == {**expected, "type": "json", "output_schema": {"b": 1, "a": 2}}


def test_a_demonstration_and_old_columns() -> None:
    """The model's own output stands beside a demonstration; columns that are NULL or empty are left out."""
    given = written(
        dispreferred_output='[{"type":"text","text":"no"}]',
        extra_body=None,
        snapshot_hash=None,
        inference_params="",
    )
    assert given["dispreferred_outputs"] == [[{"type": "text", "text": "no"}]]
    assert not {"extra_body", "snapshot_hash", "inference_params"} & set(given)
    assert written(snapshot_hash="0")["snapshot_hash"] == "00"


@pytest.mark.parametrize(
    "damaged", [{"input": "{"}, {"input": "[]"}, {"output": "{"}, {"allowed_tools": "1"}, {"extra_body": "x"}]
)
def test_a_damaged_row(damaged: dict[str, object]) -> None:
    """A column that cannot be read is the store's failure, and names the inference."""
    with pytest.raises(StoreError, match="inference i: "):
        written(**damaged)


async def test_without_a_store() -> None:
    """Without a store the request is checked all the same, and then there is nothing to read."""
    reader = InferenceReader(None, {"f": "chat"})
    with pytest.raises(NotFoundError, match="^Unknown function: g$"):
        reader.page(InferenceListing(function_name="g"))
    with pytest.raises(NotFoundError, match="^Unknown function: g$"):
        reader.get(InferenceIds(ids=[], function_name="g"))
    with pytest.raises(StoreError, match="there is none"):
        await anext(reader.page(InferenceListing()))
    with pytest.raises(StoreError, match="there is none"):
        await reader.count(InferenceSelection())
