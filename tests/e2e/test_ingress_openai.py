"""The published `openai` client on the Responses API of a real gateway, and the rows of its calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

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
LOOK_UP: dict[str, Any] = {
    "type": "function",
    "name": "look_up",
    "description": "Look a word up.",
    "parameters": {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
        "additionalProperties": False,
    },
    "strict": True,
}


class City(BaseModel):
    """A structured answer."""

    name: str
    inhabitants: int


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Run a gateway with models for agents."""
    with Gateway(tmp_path_factory.mktemp("responses"), extra_config=MODELS) as running:
        yield running


@pytest.fixture
def client(agents: Gateway) -> Iterator[Any]:
    """The synchronous client, as anyone would make it."""
    with OpenAI(base_url=agents.openai_url, api_key="not-used", max_retries=0) as made:
        yield made


def test_a_response_and_its_row(agents: Gateway, client: Any) -> None:
    """A function under its bare name answers; metadata are tags of the row with the response's id."""
    response = client.responses.create(
        model="hello", input="Hi", instructions="Be kind.", metadata={"tenant": "acme"}, max_output_tokens=50
    )
    assert "built into tzproxy" in response.output_text
    assert (response.status, response.model) == ("completed", "hello")
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    (row,) = agents.rows_of(response.id)
    assert (row["function_name"], row["tags"]["tenant"]) == ("hello", "acme")
    assert json.loads(row["inference_params"])["chat_completion"]["max_tokens"] == 50
    assert json.loads(row["input"])["system"] == "Be kind."


def test_a_stream_tells_the_whole_sequence(agents: Gateway, client: Any) -> None:
    """Events come in the order and with the fields that the client's own accumulator demands."""
    with client.responses.stream(model="hello", input="Hi") as stream:
        events = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) > 5
    assert "".join(deltas) == final.output_text
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert final.usage.output_tokens > 0
    (row,) = agents.rows_of(final.id)
    assert json.loads(row["output"])[0]["text"] == final.output_text


def test_a_round_trip_of_tools(client: Any) -> None:
    """A call comes as an item; sent back with its result it leads to an answer."""
    asked: list[Any] = [{"role": "user", "content": "What is a lark?"}]
    first = client.responses.create(model="mock-tools", input=asked, tools=[LOOK_UP])
    (call,) = first.output
    assert (call.type, call.name) == ("function_call", "look_up")
    assert "word" in json.loads(call.arguments)
    told = [
        *asked,
        *first.output,
        {"type": "function_call_output", "call_id": call.call_id, "output": "a bird"},
    ]
    second = client.responses.create(model="mock-tools", input=told, tools=[LOOK_UP])
    assert second.output_text == "tool said: a bird"


def test_a_streamed_call(client: Any) -> None:
    """The pieces of a call's arguments add up to the call of the final response."""
    with client.responses.stream(model="mock-tools", input="Hi", tools=[LOOK_UP]) as stream:
        events = list(stream)
        final = stream.get_final_response()
    pieces = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    (call,) = final.output
    assert "".join(pieces) == call.arguments
    assert json.loads(call.arguments).keys() == {"word"}
    assert call.parsed_arguments == json.loads(call.arguments)


def test_structured_output(client: Any) -> None:
    """`parse` gets an object of the demanded shape."""
    response = client.responses.parse(model="mock", input="The largest city?", text_format=City)
    assert isinstance(response.output_parsed, City)


def test_reasoning_goes_out_and_comes_back(agents: Gateway, client: Any) -> None:
    """Thoughts are summaries of a reasoning item, and return as the thoughts that they were."""
    with client.responses.stream(model="thinker", input="Hi") as stream:
        events = list(stream)
        first = stream.get_final_response()
    thought, message = first.output
    pieces = [event.delta for event in events if event.type == "response.reasoning_summary_text.delta"]
    assert (thought.type, message.type) == ("reasoning", "message")
    assert "".join(pieces) == thought.summary[0].text != ""
    again = [
        {"role": "user", "content": "Hi"},
        *(item.to_dict() for item in first.output),
        {"role": "user", "content": "And?"},
    ]
    second = client.responses.create(model="thinker", input=again)
    (row,) = agents.rows_of(second.id)
    sent = json.loads(row["input"])["messages"][1]["content"]
    assert sent[0]["type"] == "thought"
    assert sent[0]["text"] == thought.summary[0].text


def test_ends_of_other_kinds(client: Any) -> None:
    """A cut answer is incomplete, a broken stream failed."""
    cut = client.responses.create(model="cut", input="Hi")
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    last = list(client.responses.create(model="cut", input="Hi", stream=True))[-1]
    assert (last.type, last.response.status) == ("response.incomplete", "incomplete")
    last = list(client.responses.create(model="breaking", input="Hi", stream=True))[-1]
    assert (last.type, last.response.error.code) == ("response.failed", "server_error")


def test_errors_before_the_first_byte(client: Any) -> None:
    """Unknown names, kept state and refusals of providers have their own status, in streams too."""
    with pytest.raises(openai.NotFoundError, match="nobody"):
        client.responses.create(model="nobody", input="Hi")
    with pytest.raises(openai.BadRequestError, match="previous_response_id"):
        client.responses.create(model="hello", input="Hi", previous_response_id="resp_1")
    with pytest.raises(openai.APIStatusError) as refused:
        client.responses.create(model="refusing", input="Hi", stream=True)
    assert refused.value.status_code == 502


def test_extras(agents: Gateway, client: Any) -> None:
    """A pinned variant and an episode travel in `extra_body`; a dry run leaves no row."""
    pinned = client.responses.create(
        model="tensorzero::function_name::hello",
        input="Hi",
        extra_body={"tensorzero::variant_name": "brief", "tensorzero::tags": {"a": "b"}},
    )
    assert pinned.model == "tensorzero::function_name::hello::variant_name::brief"
    (row,) = agents.rows_of(pinned.id)
    assert (row["variant_name"], row["tags"]["a"]) == ("brief", "b")
    dry = client.responses.create(
        model="hello",
        input="Hi",
        extra_body={"tensorzero::dryrun": True, "tensorzero::episode_id": pinned.episode_id},
    )
    after = client.responses.create(model="hello", input="Hi")
    agents.rows_of(after.id)
    assert agents.rows("SELECT id FROM ChatInference WHERE id = {id:UUID}", id=dry.id) == []


def test_the_list_of_models(client: Any) -> None:
    """Each listed name is understood; bare ones and shorthands can be looked up."""
    listed = [model.id for model in client.models.list()]
    assert {"tensorzero::function_name::hello", "tensorzero::model_name::thinker"} <= set(listed)
    assert client.models.retrieve("openai::gpt-4o-mini").id == "openai::gpt-4o-mini"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


async def test_the_asynchronous_client(agents: Gateway) -> None:
    """The asynchronous client gets plain and streamed responses."""
    async with AsyncOpenAI(base_url=agents.openai_url, api_key="not-used", max_retries=0) as client:
        create: Any = client.responses.create
        plain = await create(model="mock", input="Hi")
        stream = await create(model="mock", input="Hi", stream=True)
        events = [event async for event in stream]
    assert events[-1].response.output_text == plain.output_text
