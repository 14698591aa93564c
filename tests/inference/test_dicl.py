"""Tests of `tzproxy.inference.dicl`: from an input to its neighbours to an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from in_process import RunningGateway, StartGateway, answer, completion, streamed
from tzproxy.clickhouse.queries.dicl import LearningExample
from tzproxy.errors import StoreError
from tzproxy.inference.model import ModelCaller
from tzproxy.services import services as services_module

MODELS = """
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "openai"
api_base = "http://up.test/v1/"
model_name = "gpt"
api_key_location = "none"
[embedding_models.e]
routing = ["p"]
[embedding_models.e.providers.p]
type = "openai"
api_base = "http://embed.test/v1/"
model_name = "ada"
api_key_location = "none"
"""
DICL = """
[functions.f.variants.v]
type = "experimental_dynamic_in_context_learning"
model = "m"
embedding_model = "e"
k = 2
"""
CHAT = MODELS + '[functions.f]\ntype = "chat"\n' + DICL
FLAGS = {"include_raw_usage": True, "include_raw_response": True, "include_original_response": True}
INPUT = '{"messages":[{"role":"user","content":[{"type":"text","text":"%s"}]}]}'


def vectors(*found: object) -> bytes:
    """Write an embedding provider's answer."""
    data = [{"index": index, "embedding": vector} for index, vector in enumerate(found)]
    return answer(json.dumps({"data": data, "usage": {"prompt_tokens": 2, "total_tokens": 2}}).encode())


def example(name: str, distance: float | None = 0.1) -> LearningExample:
    """Make an example: the name in, the name's capitals out."""
    return LearningExample(INPUT % name, json.dumps([{"type": "text", "text": name.upper()}]), distance)


class Examples:
    """Examples of a script in place of the store."""

    def __init__(self, *found: LearningExample) -> None:
        self.found = list(found)
        self.asked: list[dict[str, Any]] = []
        self.error: Exception | None = None

    async def nearest(self, vector: Any, **wanted: Any) -> list[LearningExample]:
        """Note what is asked for and return the script's."""
        self.asked.append({"vector": list(vector), **wanted})
        if self.error is not None:
            raise self.error
        return self.found[: wanted["k"]]


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> Examples:
    """Give all gateways of a test the same examples."""
    found = Examples()

    class Caller(ModelCaller):
        def __init__(self, *parts: Any, **options: Any) -> None:
            super().__init__(*parts, **{**options, "examples": found})

    monkeypatch.setattr(services_module, "ModelCaller", Caller)
    return found


def talk_of(gateway: RunningGateway) -> Any:
    """Return the messages that the chat model got."""
    (sent,) = [sent for sent in gateway.sent if sent["model"] == "gpt"]
    return sent["messages"]


async def test_examples_stand_before_the_input(start: StartGateway, examples: Examples) -> None:
    """The nearest first; then the whole input as one text, as it was embedded."""
    examples.found = [example("near"), example("far")]
    gateway = await start(CHAT, [vectors([0.25, 1])], [completion("done")])
    reply = await gateway.infer()
    assert reply.json()["content"] == [{"type": "text", "text": "done"}]
    embedded = gateway.sent[0]
    assert embedded == {"model": "ada", "input": INPUT % "Hello", "encoding_format": "float"}
    assert examples.asked == [{"vector": [0.25, 1.0], "function_name": "f", "variant_name": "v", "k": 2}]
    system, *messages = talk_of(gateway)
    assert system["role"] == "system"
    assert messages == [
        {"role": "user", "content": INPUT % "near"},
        {"role": "assistant", "content": "NEAR"},
        {"role": "user", "content": INPUT % "far"},
        {"role": "assistant", "content": "FAR"},
        {"role": "user", "content": INPUT % "Hello"},
    ]


async def test_the_embedding_is_recorded(start: StartGateway, examples: Examples) -> None:
    """As the first model inference: what was embedded, no output, and its share of the usage."""
    gateway = await start(CHAT, [vectors([1])], [completion()])
    reply = (await gateway.infer(**FLAGS)).json()
    assert reply["usage"] == {"input_tokens": 5, "output_tokens": 5, "cost": None}
    embedding, chat = gateway.model_rows
    assert (embedding["model_name"], embedding["model_provider_name"]) == ("e", "p")
    assert json.loads(embedding["input_messages"]) == [
        {"role": "user", "content": [{"type": "text", "text": INPUT % "Hello"}]}
    ]
    assert (embedding["output"], embedding["system"], embedding["finish_reason"]) == ("[]", None, None)
    assert (embedding["input_tokens"], embedding["output_tokens"]) == (2, None)
    assert json.loads(embedding["raw_request"]) == gateway.sent[0]
    assert [entry["api_type"] for entry in reply["raw_usage"]] == ["embeddings", "chat_completions"]
    assert [entry["model_inference_id"] for entry in reply["raw_response"]] == [embedding["id"], chat["id"]]
    assert reply["original_response"] == chat["raw_response"]


async def test_without_examples_the_model_is_asked_plainly(start: StartGateway, examples: Examples) -> None:
    """The conversation itself, with the instructions in place of its system."""
    toml = CHAT + 'system_instructions = "learn.txt"\n'
    gateway = await start(toml, [vectors([1])], [completion()], files={"learn.txt": "Learn.\n"})
    await gateway.infer(input={"system": "mine", "messages": [{"role": "user", "content": "Hello"}]})
    assert talk_of(gateway) == [
        {"role": "system", "content": "Learn.\n"},
        {"role": "user", "content": "Hello"},
    ]


async def test_examples_too_far_away_are_left_out(start: StartGateway, examples: Examples) -> None:
    """The bound is part of what is near enough; no distance at all is not."""
    examples.found = [example("near", 0.5), example("far", 0.51), example("nowhere", None)]
    toml = CHAT.replace("k = 2", "k = 3\nmax_distance = 0.5")
    gateway = await start(toml, [vectors([1])], [completion()])
    await gateway.infer()
    assert [message["content"] for message in talk_of(gateway)[1:]] == [
        INPUT % "near",
        "NEAR",
        INPUT % "Hello",
    ]


async def test_parameters_of_variant_and_request(start: StartGateway, examples: Examples) -> None:
    """The request's win; headers of the request reach the chat model only."""
    gateway = await start(CHAT + "temperature = 0.5\nmax_tokens = 7\n", [vectors([1])], [completion()])
    params = {"chat_completion": {"temperature": 0.25}}
    await gateway.infer(params=params, extra_headers=[{"name": "x-mine", "value": "1"}])
    assert (gateway.sent[1]["temperature"], gateway.sent[1]["max_completion_tokens"]) == (0.25, 7)
    assert [b"x-mine" in request for request in gateway.network.requests] == [False, True]
    assert gateway.chat_rows[0]["inference_params"] == {
        "chat_completion": {"temperature": 0.25, "max_tokens": 7}
    }


async def test_extra_body_is_refused(start: StartGateway, examples: Examples) -> None:
    """A change of the request's could not tell the two calls apart; it is refused after the embedding."""
    gateway = await start(CHAT, [vectors([1])])
    reply = await gateway.infer(variant_name="v", extra_body=[{"pointer": "/q", "value": 1}])
    assert reply.status == 400
    assert [list(sent) for sent in gateway.sent] == [["model", "input", "encoding_format"]]


async def test_a_stream(start: StartGateway, examples: Examples) -> None:
    """The embedding is told before the first piece, and recorded after the call that streams."""
    examples.found = [example("near")]
    gateway = await start(CHAT, [vectors([1])], [streamed("do", "ne")])
    events = (await gateway.infer(stream=True, **FLAGS)).events()
    assert [entry["api_type"] for entry in events[0]["raw_usage"]] == ["embeddings"]
    assert [entry["api_type"] for entry in events[1]["raw_response"]] == ["embeddings"]
    assert events[-2]["usage"] == {"input_tokens": 5, "output_tokens": 5, "cost": None}
    assert [row["model_name"] for row in gateway.model_rows] == ["m", "e"]


async def test_json_functions(start: StartGateway, examples: Examples) -> None:
    """Examples answer with their raw text; the answer is checked."""
    examples.found = [LearningExample(INPUT % "near", '{"raw":"{\\"n\\": 1}","parsed":{"n":1}}', 0.0)]
    toml = CHAT.replace('type = "chat"', 'type = "json"\noutput_schema = "n.json"', 1) + 'json_mode = "off"\n'
    files = {"n.json": '{"type":"object","required":["n"]}'}
    gateway = await start(toml, [vectors([1])], [completion('{"n":2}')], files=files)
    reply = (await gateway.infer()).json()
    assert reply["output"] == {"raw": '{"n":2}', "parsed": {"n": 2}}
    assert talk_of(gateway)[2] == {"role": "assistant", "content": '{"n": 1}'}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failing_embedding_fails_the_variant(
    start: StartGateway, examples: Examples, stream: bool
) -> None:
    """The chat model is not asked."""
    gateway = await start(CHAT, [answer(b"no", status=500)])
    reply = await gateway.infer(variant_name="v", stream=stream)
    assert (reply.status, reply.error) == (
        500,
        "All model providers failed to infer with errors: p: Error from openai server: no",
    )


@pytest.mark.parametrize("body", [vectors(), vectors([1], [2]), vectors("QUJD"), vectors(["x"])])
async def test_a_strange_embedding_fails_the_variant(
    start: StartGateway, examples: Examples, body: bytes
) -> None:
    """One text has one vector of numbers."""
    gateway = await start(CHAT, [body])
    assert (await gateway.infer(variant_name="v")).status == 500
    assert examples.asked == []


async def test_a_failing_store_fails_the_variant(start: StartGateway, examples: Examples) -> None:
    """Its own words are the answer."""
    examples.error = StoreError("sizes differ")
    gateway = await start(CHAT, [vectors([1])])
    reply = await gateway.infer(variant_name="v")
    assert (reply.status, reply.error) == (500, "sizes differ")


async def test_no_store_at_all(start: StartGateway) -> None:
    """The variant says what it needs."""
    gateway = await start(CHAT, [vectors([1])])
    reply = await gateway.infer(variant_name="v")
    assert (reply.status, reply.error) == (
        503,
        "Dynamic in-context learning needs a store, and there is none",
    )


async def test_the_embedding_comes_from_the_cache(start: StartGateway, examples: Examples) -> None:
    """A second request embeds nothing; its row says so."""
    gateway = await start(CHAT, [vectors([1])], [completion()])
    for _ in range(2):
        assert (await gateway.infer(cache_options={"enabled": "on"})).status == 200
    assert len(gateway.sent) == 2
    assert [row["cached"] for row in gateway.model_rows] == [False, False, True, True]
    assert examples.asked[0] == examples.asked[1]


async def test_a_timeout_covers_the_embedding(start: StartGateway, examples: Examples) -> None:
    """Everything the variant does has the variant's time."""
    gateway = await start(CHAT + "timeouts.non_streaming.total_ms = 50\n", [[]])
    reply = await gateway.infer(variant_name="v")
    assert (reply.status, reply.error) == (
        408,
        "Variant `v` timed out due to configured `non_streaming.total_ms` timeout (50ms)",
    )


async def test_retries_ask_the_chat_model_again(start: StartGateway, examples: Examples) -> None:
    """The examples are found once."""
    toml = CHAT + "retries = { num_retries = 1, max_delay_s = 1 }\n"
    gateway = await start(toml, [vectors([1])], [answer(b"no", status=500), completion("yes")])
    reply = await gateway.infer()
    assert reply.json()["content"][0]["text"] == "yes"
    assert [sent["model"] for sent in gateway.sent] == ["ada", "gpt", "gpt"]
