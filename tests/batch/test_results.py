"""Tests of `tzproxy.batch.results`: what was handed over, joined with what came back."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tzproxy.batch.results import Restorer, read_back
from tzproxy.clickhouse.queries.batches import StoredBatch, StoredElement, StoredResult
from tzproxy.providers.batches import BatchResult
from tzproxy.types.content import ModelOutput, Text, Thought, ToolCall
from tzproxy.types.model import ProviderResponse
from tzproxy.types.usage import Usage

BATCH = StoredBatch(
    batch_id="b",
    params="{}",
    model_name="m",
    model_provider_name="p",
    status="pending",
    function_name="f",
    variant_name="v",
    snapshot_hash="7",
)
SCHEMA = '{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}'
TOOLS = (
    '{"tools_available":[{"description":"d","parameters":' + SCHEMA + ',"name":"look","strict":false}],'
    '"tool_choice":"auto","parallel_tool_calls":null}'
)


def element(**fields: Any) -> StoredElement:
    """An inference as it was handed over."""
    usual = {
        "inference_id": "i",
        "episode_id": "e",
        "input": '{"messages":[]}',
        "input_messages": "[]",
        "system": "s",
        "tool_params": None,
        "inference_params": '{"chat_completion":{}}',
        "raw_request": "asked",
        "output_schema": None,
        "tags": {"k": "v"},
        "dynamic_tools": [],
        "dynamic_provider_tools": [],
        "allowed_tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
        "snapshot_hash": "7",
    }
    return StoredElement(**{**usual, **fields})


def result(*output: ModelOutput) -> BatchResult:
    """A result."""
    response = ProviderResponse(output=list(output), usage=Usage(3, 0), finish_reason="stop")
    return BatchResult(inference_id="i", response=response, raw_response='{"usage":{"t":2}}')


def restorer(kind: Any = "chat") -> Restorer:
    """What joins them."""
    return Restorer(BATCH, kind, prices=(), snapshot_hash=9)


def answered(kind: Any, element: StoredElement, *output: ModelOutput) -> Any:
    """The answer to a client."""
    return json.loads(msgspec.json.encode(restorer(kind).finish(element, result(*output)).answer))


def test_chat_rows() -> None:
    """Both rows say what was asked and what came; a count of zero is stored as unknown."""
    done = restorer().finish(element(), result(Text("hi")))
    row = json.loads(done.inference_row)
    assert row == {
        "id": "i",
        "function_name": "f",
        "variant_name": "v",
        "episode_id": "e",
        "input": '{"messages":[]}',
        "output": '[{"type":"text","text":"hi"}]',
        "inference_params": '{"chat_completion":{}}',
        "processing_time_ms": None,
        "ttft_ms": None,
        "tags": {"k": "v"},
        "extra_body": "[]",
        "snapshot_hash": "9",
    }
    call = json.loads(done.model_row)
    assert (call["inference_id"], call["system"], call["raw_request"]) == ("i", "s", "asked")
    assert (call["input_tokens"], call["output_tokens"], call["response_time_ms"]) == (3, None, None)
    assert (done.answer.usage.input_tokens, done.answer.usage.output_tokens) == (3, 0)


def test_tool_calls_are_checked() -> None:
    """A call is held against the stored tools: wrong arguments and unknown names are null."""
    stored = element(
        tool_params=TOOLS,
        dynamic_tools=['{"type":"openai_custom","name":"free","description":"d"}'],
        allowed_tools='{"tools":["look"],"choice":"function_default"}',
        tool_choice="auto",
        parallel_tool_calls=False,
    )
    calls = [ToolCall("1", "look", '{"x": 1}'), ToolCall("2", "look", "{}"), ToolCall("3", "other", "{}")]
    answer = answered("chat", stored, *calls, ToolCall("4", "free", "text"))
    assert [(call["name"], call["arguments"]) for call in answer["content"]] == [
        ("look", {"x": 1}),
        ("look", None),
        (None, None),
        ("free", None),
    ]
    row = json.loads(restorer().finish(stored, result()).inference_row)
    assert (row["tool_params"], row["tool_choice"], row["parallel_tool_calls"]) == (TOOLS, "auto", False)
    assert row["dynamic_tools"] == stored.dynamic_tools
    assert "dynamic_provider_tools" not in row


def test_json_mode_tool_of_a_chat_function() -> None:
    """The forced tool's arguments are the text that they stand for."""
    stored = element(inference_params='{"chat_completion":{"json_mode":"tool"}}')
    assert answered("chat", stored, ToolCall("1", "respond", "{}"))["content"] == [
        {"type": "text", "text": "{}"}
    ]


@pytest.mark.parametrize(
    ("schema", "raw", "parsed"),
    [
        (SCHEMA, '{"x": 1}', {"x": 1}),
        (SCHEMA, '{"x": "1"}', None),
        (SCHEMA, "no json", None),
        ('{"type":"nonsense"}', '{"x": 1}', None),
        (None, '{"x": 1}', None),
    ],
)
def test_json_output(schema: str | None, raw: str, parsed: object) -> None:
    """The output is parsed when it fits the stored schema, also one that is none."""
    answer = answered("json", element(output_schema=schema), Text(raw))
    assert answer["output"] == {"raw": raw, "parsed": parsed}
    assert "content" not in answer


def test_json_rows() -> None:
    """The schema and the other blocks are kept."""
    done = restorer("json").finish(element(output_schema=SCHEMA), result(Thought("hm"), Text('{"x":1}')))
    row = json.loads(done.inference_row)
    assert json.loads(row["output"]) == {"raw": '{"x":1}', "parsed": {"x": 1}}
    assert json.loads(row["auxiliary_content"]) == [{"type": "thought", "text": "hm"}]
    assert row["output_schema"] == SCHEMA


@pytest.mark.parametrize(
    "stored",
    [
        element(inference_params="{"),
        element(tool_params="[]"),
        element(dynamic_tools=["1"]),
    ],
)
def test_what_cannot_be_restored(stored: StoredElement) -> None:
    """Columns that cannot be read are an error of this inference."""
    with pytest.raises(msgspec.MsgspecError):
        restorer().finish(stored, result(Text("hi")))


def test_a_tool_whose_schema_is_none() -> None:
    """As in a single inference no arguments fit it; the answer, which was paid for, is there."""
    stored = element(tool_params=TOOLS.replace('"object"', '"nonsense"'))
    answer = answered("chat", stored, Text("hi"), ToolCall("1", "look", '{"x":1}'))
    text, call = answer["content"]
    assert text["text"] == "hi"
    assert (call["name"], call["raw_arguments"], call["arguments"]) == ("look", '{"x":1}', None)


@pytest.mark.parametrize("kind", ["chat", "json"])
def test_read_back(kind: Any) -> None:
    """A stored output is passed on as it is; what is unknown is null."""
    stored = StoredResult(
        inference_id="i",
        episode_id="e",
        output='[{"a": 1}]',
        input_tokens=1,
        output_tokens=None,
        cache_read=2,
        cache_write=None,
        cost=None,
        finish_reason=None,
    )
    assert json.loads(msgspec.json.encode(read_back(BATCH, kind, stored))) == {
        "inference_id": "i",
        "episode_id": "e",
        "variant_name": "v",
        "content" if kind == "chat" else "output": [{"a": 1}],
        "usage": {
            "input_tokens": 1,
            "output_tokens": None,
            "provider_cache_read_input_tokens": 2,
            "cost": None,
        },
    }
