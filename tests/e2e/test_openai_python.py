"""The published `openai` Python client against a real gateway, and the rows of its calls."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from e2e.processes import Gateway

pytestmark = pytest.mark.e2e
HELLO = [{"role": "user", "content": "Hi"}]
FUNCTION = "tensorzero::function_name::hello"


@pytest.fixture
def client(gateway: Gateway) -> Any:
    """The synchronous client, as anyone would make it."""
    with OpenAI(base_url=gateway.openai_url, api_key="not-used", max_retries=0) as made:
        yield made


def test_a_completion_and_its_rows(gateway: Gateway, client: Any) -> None:
    """A plain call is answered, and both its rows can be read back by the answer's id."""
    answer = client.chat.completions.create(model=FUNCTION, messages=HELLO, temperature=0.5)
    text = answer.choices[0].message.content
    assert "built into tzproxy" in text
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model.startswith(f"{FUNCTION}::variant_name::")
    (row,) = gateway.rows_of(answer.id)
    assert (row["function_name"], str(row["episode_id"])) == ("hello", answer.episode_id)
    assert json.loads(row["output"]) == [{"type": "text", "text": text}]
    assert json.loads(row["inference_params"])["chat_completion"]["temperature"] == 0.5
    (call,) = gateway.rows_of(answer.id, "ModelInference")
    assert (call["input_tokens"], call["output_tokens"]) == (
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
    )
    assert (call["model_name"], call["model_provider_name"]) == ("mock", "builtin")


def test_extras_of_the_gateway(gateway: Gateway, client: Any) -> None:
    """Variant, episode and tags travel in `extra_body` and arrive in the row."""
    first = client.chat.completions.create(model=FUNCTION, messages=HELLO)
    answer = client.chat.completions.create(
        model=FUNCTION,
        messages=HELLO,
        extra_body={
            "tensorzero::variant_name": "brief",
            "tensorzero::episode_id": first.episode_id,
            "tensorzero::tags": {"tenant": "acme"},
        },
    )
    assert answer.episode_id == first.episode_id
    (row,) = gateway.rows_of(answer.id)
    assert (row["variant_name"], row["tags"]["tenant"]) == ("brief", "acme")


def test_a_stream_and_its_rows(gateway: Gateway, client: Any) -> None:
    """A stream arrives in pieces with usage at its end, and is stored whole."""
    with client.chat.completions.create(
        model=FUNCTION, messages=HELLO, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    text = "".join(piece for piece in pieces if piece)
    assert len(pieces) > 10
    assert chunks[-1].usage.completion_tokens > 10
    (row,) = gateway.rows_of(chunks[0].id)
    assert json.loads(row["output"]) == [{"type": "text", "text": text}]
    assert row["ttft_ms"] is not None
    assert len(gateway.rows_of(chunks[0].id, "ModelInference")) == 1


def test_a_tool_call_and_its_result(gateway: Gateway, client: Any) -> None:
    """A tool of the function is called, and its result leads to an answer in the same episode."""
    asked = [{"role": "user", "content": "How warm is it?"}]
    first = client.chat.completions.create(model="tensorzero::function_name::weather", messages=asked)
    (call,) = first.choices[0].message.tool_calls
    assert (first.choices[0].finish_reason, call.function.name) == ("tool_calls", "get_temperature")
    assert set(json.loads(call.function.arguments)) == {"location", "unit"}
    (row,) = gateway.rows_of(first.id)
    assert json.loads(row["output"])[0]["name"] == "get_temperature"

    told = [*asked, first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "21"}]
    second = client.chat.completions.create(
        model="tensorzero::function_name::weather",
        messages=told,
        extra_body={"tensorzero::episode_id": first.episode_id},
    )
    # As in the original: on this route the content of a tool's message is passed on as JSON.
    assert second.choices[0].message.content == 'tool said: "21"'
    (row,) = gateway.rows_of(second.id)
    assert str(row["episode_id"]) == first.episode_id


def test_a_tool_of_the_request_in_a_stream(gateway: Gateway, client: Any) -> None:
    """A tool that only the request knows is called in a stream, piece by piece."""
    tool = {
        "type": "function",
        "function": {
            "name": "look_up",
            "parameters": {
                "type": "object",
                "properties": {"word": {"type": "string"}},
                "required": ["word"],
            },
        },
    }
    with client.chat.completions.create(
        model="tensorzero::model_name::mock-tools", messages=HELLO, tools=[tool], stream=True
    ) as stream:
        chunks = list(stream)
    parts = [part for chunk in chunks for choice in chunk.choices for part in choice.delta.tool_calls or []]
    assert "".join(part.function.name or "" for part in parts) == "look_up"
    assert "word" in json.loads("".join(part.function.arguments or "" for part in parts))
    (row,) = gateway.rows_of(chunks[0].id)
    assert (row["function_name"], row["variant_name"]) == ("tensorzero::default", "mock-tools")


def test_a_json_function(gateway: Gateway, client: Any) -> None:
    """A JSON function answers with text that fits its schema, stored as JSON."""
    message = {"role": "user", "content": [{"type": "text", "tensorzero::arguments": {"text": "I am Ada"}}]}
    answer = client.chat.completions.create(
        model="tensorzero::function_name::extract_contact", messages=[message]
    )
    contact = json.loads(answer.choices[0].message.content)
    assert set(contact) == {"name", "email"}
    (row,) = gateway.rows_of(answer.id, "JsonInference")
    assert json.loads(row["output"])["parsed"] == contact


def test_errors_become_the_clients_exceptions(client: Any) -> None:
    """An unknown function is the client's `NotFoundError`, an unknown model its `BadRequestError`."""
    with pytest.raises(openai.NotFoundError, match="Unknown function: nobody"):
        client.chat.completions.create(model="tensorzero::function_name::nobody", messages=HELLO)
    with pytest.raises(openai.BadRequestError, match="nobody"):
        client.chat.completions.create(model="tensorzero::model_name::nobody", messages=HELLO)


async def test_the_asynchronous_client(gateway: Gateway) -> None:
    """The asynchronous client gets plain and streamed answers, and both are stored."""
    async with AsyncOpenAI(base_url=gateway.openai_url, api_key="not-used", max_retries=0) as client:
        create: Any = client.chat.completions.create
        plain = await create(model=FUNCTION, messages=HELLO)
        stream = await create(model=FUNCTION, messages=HELLO, stream=True)
        chunks = [chunk async for chunk in stream]
    text = plain.choices[0].message.content
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
    for inference in (plain.id, chunks[0].id):
        (row,) = gateway.rows_of(inference)
        assert json.loads(row["output"])[0]["text"] == text
