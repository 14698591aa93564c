"""The published `anthropic` client on a real gateway, and the rows of its calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic

from e2e.processes import EXTRA_MODELS, Gateway

pytestmark = pytest.mark.e2e
MODELS = (
    EXTRA_MODELS
    + """
[models.thinker]
routing = ["builtin"]
[models.thinker.providers.builtin]
type = "vllm"
api_base = "http://127.0.0.1:4010/v1/"
model_name = "reasoning"
api_key_location = "none"

[models.signed]
routing = ["builtin"]
[models.signed.providers.builtin]
type = "dummy"
model_name = "reasoner_with_signature"

[models.cut]
routing = ["builtin"]
[models.cut.providers.builtin]
type = "openai"
api_base = "http://127.0.0.1:4010/v1/"
model_name = "tokens-20+length"
api_key_location = "none"

[models.breaking]
routing = ["builtin"]
[models.breaking.providers.builtin]
type = "openai"
api_base = "http://127.0.0.1:4010/v1/"
model_name = "tokens-20+error-midstream"
api_key_location = "none"
"""
)
HELLO: list[Any] = [{"role": "user", "content": "Hi"}]
LOOK_UP: dict[str, Any] = {
    "name": "look_up",
    "description": "Look a word up.",
    "input_schema": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    "cache_control": {"type": "ephemeral"},
}


def type_of(error: anthropic.APIStatusError) -> str:
    """Return the type of the error that the gateway wrote."""
    body: Any = error.body
    assert body["type"] == "error"
    return str(body["error"]["type"])


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Run a gateway with models for agents."""
    dummy = {"TZPROXY_ENABLE_DUMMY_PROVIDER": "1"}
    with Gateway(tmp_path_factory.mktemp("messages"), extra_config=MODELS, environ=dummy) as running:
        yield running


@pytest.fixture
def client(agents: Gateway) -> Iterator[Any]:
    """The synchronous client, as anyone would make it."""
    with Anthropic(base_url=f"{agents.url}/anthropic", api_key="not-used", max_retries=0) as made:
        yield made


def test_a_message_and_its_row(agents: Gateway, client: Any) -> None:
    """A function under its bare name answers; metadata are tags of the row with the message's id."""
    message = client.messages.create(
        model="hello",
        max_tokens=64,
        system=[{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        messages=HELLO,
        metadata={"user_id": "ada"},
        stop_sequences=["END"],
    )
    (block,) = message.content
    assert "built into tzproxy" in block.text
    assert (message.stop_reason, message.model, message.role) == ("end_turn", "hello", "assistant")
    assert message.usage.input_tokens > 0
    (row,) = agents.rows_of(message.id)
    assert (row["function_name"], row["tags"]["user_id"]) == ("hello", "ada")
    assert json.loads(row["input"])["system"] == "Be kind."
    params = json.loads(row["inference_params"])["chat_completion"]
    assert (params["max_tokens"], params["stop_sequences"]) == (64, ["END"])


def test_a_stream_adds_up(agents: Gateway, client: Any) -> None:
    """The client's accumulator comes to the message that is stored."""
    with client.messages.stream(model="hello", max_tokens=64, messages=HELLO) as stream:
        texts = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(texts) > 5
    assert final.content[0].text == "".join(texts)
    assert (final.stop_reason, final.usage.input_tokens > 0, final.usage.output_tokens > 0) == (
        "end_turn",
        True,
        True,
    )
    (row,) = agents.rows_of(final.id)
    assert json.loads(row["output"])[0]["text"] == "".join(texts)


def test_the_sequence_of_events(client: Any) -> None:
    """Raw events come in Anthropic's order."""
    kinds = [
        event.type
        for event in client.messages.create(model="hello", max_tokens=64, messages=HELLO, stream=True)
    ]
    assert kinds[:3] == ["message_start", "content_block_start", "content_block_delta"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_round_trip_of_tools(client: Any, streamed: bool) -> None:
    """A call comes as a `tool_use` block; sent back with its result it leads to an answer."""
    request = {"model": "mock-tools", "max_tokens": 64, "tools": [LOOK_UP]}
    asked: list[Any] = [{"role": "user", "content": "What is a lark?"}]
    if streamed:
        with client.messages.stream(**request, messages=asked) as stream:
            first = stream.get_final_message()
    else:
        first = client.messages.create(**request, messages=asked)
    (call,) = first.content
    assert (first.stop_reason, call.type, call.name) == ("tool_use", "tool_use", "look_up")
    assert call.input.keys() == {"word"}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "a bird"}]}
    told = [
        *asked,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    second = client.messages.create(**request, messages=told)
    assert second.content[0].text == "tool said: a bird"
    told[-1]["content"][0]["is_error"] = True
    third = client.messages.create(**request, messages=told)
    assert third.content[0].text == "tool said: Error: a bird"


def test_a_forced_tool(client: Any) -> None:
    """A demanded call is a `tool_use` ending, whatever reason the provider gives."""
    message = client.messages.create(
        model="mock",
        max_tokens=64,
        messages=HELLO,
        tools=[LOOK_UP],
        tool_choice={"type": "tool", "name": "look_up", "disable_parallel_tool_use": True},
    )
    assert (message.stop_reason, message.content[0].name) == ("tool_use", "look_up")


def test_thinking_goes_out_and_comes_back(agents: Gateway, client: Any) -> None:
    """Thoughts are thinking blocks with something for a signature, and return as they were."""
    request = {
        "model": "thinker",
        "max_tokens": 4096,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    with client.messages.stream(**request, messages=HELLO) as stream:
        first = stream.get_final_message()
    thought, text = first.content
    assert (thought.type, text.type) == ("thinking", "text")
    assert thought.thinking and thought.signature
    told = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": "And?"}]
    second = client.messages.create(**request, messages=told)
    assert [block.type for block in second.content] == ["thinking", "text"]
    (row,) = agents.rows_of(second.id)
    (sent, _) = json.loads(row["input"])["messages"][1]["content"]
    assert (sent["type"], sent["text"], "signature" in sent) == ("thought", thought.thinking, False)
    assert json.loads(row["inference_params"])["chat_completion"]["thinking_budget_tokens"] == 1024


def test_a_providers_signature_is_untouched(agents: Gateway, client: Any) -> None:
    """A signature that needs nothing beside it reaches the client as the provider wrote it, and back."""
    first = client.messages.create(model="signed", max_tokens=64, messages=HELLO)
    assert (first.content[0].thinking, first.content[0].signature) == ("hmmm", "my_signature")
    told = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": "And?"}]
    second = client.messages.create(model="signed", max_tokens=64, messages=told)
    (row,) = agents.rows_of(second.id)
    sent = json.loads(row["input"])["messages"][1]["content"][0]
    assert sent == {"type": "thought", "text": "hmmm", "signature": "my_signature"}


def test_ends_of_other_kinds(client: Any) -> None:
    """A cut answer ends with `max_tokens`; a stream that breaks raises the client's error."""
    cut = client.messages.create(model="cut", max_tokens=5, messages=HELLO)
    assert cut.stop_reason == "max_tokens"
    with pytest.raises(anthropic.APIStatusError) as broken:
        list(client.messages.create(model="breaking", max_tokens=5, messages=HELLO, stream=True))
    assert type_of(broken.value) == "api_error"


def test_errors_before_the_first_byte(client: Any) -> None:
    """Errors have Anthropic's shape and their own status, in streams too."""
    with pytest.raises(anthropic.NotFoundError) as unknown:
        client.messages.create(model="nobody", max_tokens=5, messages=HELLO)
    assert type_of(unknown.value) == "not_found_error"
    with pytest.raises(anthropic.BadRequestError, match="unknown type `sound`"):
        client.messages.create(
            model="hello", max_tokens=5, messages=[{"role": "user", "content": [{"type": "sound"}]}]
        )
    with pytest.raises(anthropic.InternalServerError) as refused:
        client.messages.create(model="refusing", max_tokens=5, messages=HELLO, stream=True)
    assert (refused.value.status_code, type_of(refused.value)) == (502, "api_error")
    with pytest.raises(anthropic.InternalServerError, match="not supported") as counting:
        client.messages.count_tokens(model="hello", messages=HELLO)
    assert counting.value.status_code == 501


def test_extras(agents: Gateway, client: Any) -> None:
    """A pinned variant travels in `extra_body` and arrives in the row."""
    message = client.messages.create(
        model="tensorzero::function_name::hello",
        max_tokens=64,
        messages=HELLO,
        extra_body={"tensorzero::variant_name": "brief"},
    )
    (row,) = agents.rows_of(message.id)
    assert (row["variant_name"], "tensorzero::variant_pinned" in row["tags"]) == ("brief", True)


def test_the_list_of_models(client: Any) -> None:
    """The bare names of functions and models are listed, and can be looked up."""
    listed = [model.id for model in client.models.list()]
    assert {"hello", "thinker"} <= set(listed)
    assert client.models.retrieve("hello").display_name == "hello"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("nobody")


async def test_the_asynchronous_client(agents: Gateway) -> None:
    """The asynchronous client gets plain and streamed messages."""
    url = f"{agents.url}/anthropic"
    async with AsyncAnthropic(base_url=url, api_key="not-used", max_retries=0) as client:
        plain: Any = await client.messages.create(model="mock", max_tokens=64, messages=HELLO)
        async with client.messages.stream(model="mock", max_tokens=64, messages=HELLO) as stream:
            final: Any = await stream.get_final_message()
    assert final.content[0].text == plain.content[0].text
