"""The published `tensorzero` client in HTTP mode against a real gateway, and the rows of its calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tensorzero import (
    AsyncTensorZeroGateway,
    ChatInferenceResponse,
    JsonInferenceResponse,
    TensorZeroError,
    TensorZeroGateway,
    TextChunk,
    ToolCall,
)

from e2e.processes import Gateway, wait_until

pytestmark = pytest.mark.e2e
HELLO: Any = {"messages": [{"role": "user", "content": "Hi"}]}
CONTACT: Any = {
    "messages": [
        {
            "role": "user",
            "content": [{"type": "template", "name": "user", "arguments": {"text": "I am Ada"}}],
        }
    ]
}


@pytest.fixture
def client(gateway: Gateway) -> Iterator[TensorZeroGateway]:
    """The synchronous client, as anyone would make it."""
    with TensorZeroGateway.build_http(gateway_url=gateway.url, timeout=30) as made:
        yield made


def test_a_chat_function_and_its_rows(gateway: Gateway, client: TensorZeroGateway) -> None:
    """A chat inference comes back as the client's type, and its rows tell the same."""
    answer: Any = client.inference(
        function_name="hello",
        input={"system": "Be brief.", **HELLO},
        variant_name="brief",
        tags={"tenant": "acme"},
        params={"chat_completion": {"temperature": 0.5}},
    )
    assert isinstance(answer, ChatInferenceResponse)
    block: Any = answer.content[0]
    text = block.text
    assert "built into tzproxy" in text
    (row,) = gateway.rows_of(str(answer.inference_id))
    assert str(row["episode_id"]) == str(answer.episode_id)
    assert (row["variant_name"], row["tags"]["tenant"]) == ("brief", "acme")
    assert json.loads(row["input"])["system"] == "Be brief."
    assert json.loads(row["output"])[0]["text"] == text
    (call,) = gateway.rows_of(str(answer.inference_id), "ModelInference")
    assert call["output_tokens"] == answer.usage.output_tokens


def test_a_json_function_and_its_rows(gateway: Gateway, client: TensorZeroGateway) -> None:
    """A JSON function called with a template's arguments gives parsed output."""
    answer = client.inference(function_name="extract_contact", input=CONTACT)
    assert isinstance(answer, JsonInferenceResponse)
    assert set(answer.output.parsed or {}) == {"name", "email"}
    (row,) = gateway.rows_of(str(answer.inference_id), "JsonInference")
    assert json.loads(row["output"])["parsed"] == answer.output.parsed


def test_a_stream_and_its_rows(gateway: Gateway, client: TensorZeroGateway) -> None:
    """A stream yields the client's chunks and ends with usage and finish reason."""
    chunks: list[Any] = list(client.inference(function_name="hello", input=HELLO, stream=True))  # type: ignore[arg-type]
    parts = [part for chunk in chunks for part in chunk.content]
    assert all(isinstance(part, TextChunk) for part in parts)
    assert len(parts) > 10
    assert chunks[-1].usage.output_tokens > 10
    assert chunks[-1].finish_reason.value == "stop"
    (row,) = gateway.rows_of(str(chunks[0].inference_id))
    assert json.loads(row["output"])[0]["text"] == "".join(part.text for part in parts)


def test_a_stream_of_a_json_function(gateway: Gateway, client: TensorZeroGateway) -> None:
    """A streamed JSON function yields raw text that adds up to the stored object."""
    chunks: list[Any] = list(client.inference(function_name="extract_contact", input=CONTACT, stream=True))  # type: ignore[arg-type]
    raw = "".join(chunk.raw for chunk in chunks)
    (row,) = gateway.rows_of(str(chunks[0].inference_id), "JsonInference")
    assert json.loads(row["output"])["parsed"] == json.loads(raw)


def test_tools_in_two_turns(gateway: Gateway, client: TensorZeroGateway) -> None:
    """A tool is called, and its result goes back in the same episode."""
    asked: Any = {"role": "user", "content": "How warm is it?"}
    first: Any = client.inference(function_name="weather", input={"messages": [asked]})
    (call,) = first.content
    assert isinstance(call, ToolCall)
    assert (call.name, set(call.arguments or {})) == ("get_temperature", {"location", "unit"})
    result = {"type": "tool_result", "id": call.id, "name": call.name, "result": "21"}
    history: Any = [
        asked,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    second: Any = client.inference(
        function_name="weather", input={"messages": history}, episode_id=first.episode_id
    )
    assert second.content[0].text == "tool said: 21"
    (row,) = gateway.rows_of(str(second.inference_id))
    assert row["episode_id"] == gateway.rows_of(str(first.inference_id))[0]["episode_id"]
    assert json.loads(row["input"])["messages"][2]["content"][0]["result"] == "21"


def test_feedback_and_its_row(gateway: Gateway, client: TensorZeroGateway) -> None:
    """A rating of an answer just given is taken and stored."""
    answer: Any = client.inference(function_name="hello", input=HELLO)
    rating = client.feedback(metric_name="helpful", inference_id=answer.inference_id, value=True)
    sql = "SELECT * FROM BooleanMetricFeedback WHERE id = {id:UUID}"
    (row,) = wait_until(lambda: gateway.rows(sql, id=str(rating.feedback_id)), "the rating's row")
    assert (row["metric_name"], row["value"]) == ("helpful", True)
    assert str(row["target_id"]) == str(answer.inference_id)


def test_a_model_without_a_function(gateway: Gateway, client: TensorZeroGateway) -> None:
    """A model is called by its name alone, and an answer not to be stored is not."""
    answer: Any = client.inference(model_name="short", input=HELLO, dryrun=True)
    kept: Any = client.inference(model_name="short", input=HELLO)
    assert len(answer.content[0].text.split()) == 20
    gateway.rows_of(str(kept.inference_id))
    assert not gateway.rows("SELECT id FROM ChatInference WHERE id = {id:UUID}", id=str(answer.inference_id))


def test_errors_become_the_clients_exceptions(client: TensorZeroGateway) -> None:
    """Status and body of a refusal reach `TensorZeroError` unchanged."""
    with pytest.raises(TensorZeroError) as unknown:
        client.inference(function_name="nobody", input=HELLO)
    assert (unknown.value.status_code, unknown.value.text) == (404, '{"error":"Unknown function: nobody"}')
    with pytest.raises(TensorZeroError) as invalid:
        client.inference(function_name="extract_contact", input=HELLO)
    assert invalid.value.status_code == 400
    with pytest.raises(TensorZeroError) as upstream:
        client.inference(model_name="refusing", input=HELLO)
    assert upstream.value.status_code == 502
    assert "All model providers failed" in str(upstream.value.text)


async def test_the_asynchronous_client(gateway: Gateway) -> None:
    """The asynchronous client gets plain, streamed and refused answers."""
    building: Any = AsyncTensorZeroGateway.build_http(gateway_url=gateway.url, timeout=30)
    async with await building as client:
        plain = await client.inference(function_name="hello", input=HELLO)
        stream = await client.inference(function_name="hello", input=HELLO, stream=True)
        chunks = [chunk async for chunk in stream]
        with pytest.raises(TensorZeroError):
            await client.inference(function_name="nobody", input=HELLO)
    text = plain.content[0].text
    assert "".join(part.text for chunk in chunks for part in chunk.content) == text
    for inference in (plain.inference_id, chunks[0].inference_id):
        (row,) = gateway.rows_of(str(inference))
        assert json.loads(row["output"])[0]["text"] == text
