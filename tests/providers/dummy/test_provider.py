from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from msgspec import Raw

from tzproxy.config.credentials import Credential, DynamicCredential, NoCredential
from tzproxy.errors import NotSupportedError, RateLimitError
from tzproxy.providers.dummy.answers import CANNED, RAW_RESPONSE, TEXT
from tzproxy.providers.dummy.provider import CallCounts, DummyProvider
from tzproxy.providers.errors import FatalStreamError, ProviderError
from tzproxy.providers.protocol import NO_EXTRAS, LocalEvent, LocalExtras
from tzproxy.types.content import Text, TextChunk, Thought, ThoughtChunk, ToolCall, ToolCallChunk
from tzproxy.types.model import ProviderChunk
from tzproxy.types.usage import Usage

from ..samples import ask, user

CELSIUS = '{"location":"Brooklyn","units":"celsius"}'


class Clock:
    """Takes the place of sleeping and adds up what was slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Note the nap, take none."""
        self.slept.append(seconds)


def dummy(name: str, credential: Credential | None = None, **changes: Any) -> DummyProvider:
    """Build a dummy that does not sleep and counts for itself."""
    changes.setdefault("sleep", Clock().sleep)
    changes.setdefault("counts", CallCounts())
    return DummyProvider(name, credential or NoCredential(), **changes)


async def _events(provider: DummyProvider) -> list[LocalEvent]:
    stream = await provider.stream(ask(), {})
    assert stream.raw_request == "raw request"
    return [item async for item in stream.events]


async def test_default() -> None:
    """A name that means nothing gives the usual answer."""
    response, raw_request, raw_response = await dummy("good").infer(ask(), {})
    assert response.output == [Text(TEXT)]
    assert response.usage == Usage(10, 1)
    assert (response.finish_reason, response.raw_usage) == ("stop", None)
    assert (raw_request, raw_response) == ("raw request", RAW_RESPONSE)


@pytest.mark.parametrize("name", CANNED)
async def test_canned(name: str) -> None:
    """Each canned name gives its blocks, counts them, and ends as its name says."""
    response, _, raw_response = await dummy(name).infer(ask(), {})
    assert tuple(response.output) == CANNED[name].output
    assert response.usage == Usage(10, len(CANNED[name].output))
    assert response.finish_reason == ("tool_call" if "tool" in name else "stop")
    assert raw_response == CANNED[name].raw


async def test_some_answers_to_the_letter() -> None:
    """Answers that published tests rely on are as they expect them."""
    assert (await dummy("tool").infer(ask(), {})).response.output == [
        ToolCall("0", "get_temperature", CELSIUS)
    ]
    assert (await dummy("reasoner_with_signature").infer(ask(), {})).response.output == [
        Thought("hmmm", "my_signature"),
        Text(TEXT),
    ]
    assert (await dummy("best_of_n_big").infer(ask(), {})).response.output == [
        Text('{"thinking": "hmmm", "answer_choice": 100}')
    ]


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("input_tokens_zero", Usage(0, 1)),
        ("output_tokens_zero", Usage(10, 0)),
        ("input_tokens_output_tokens_zero", Usage(0, 0)),
        ("input_five_output_six", Usage(5, 6)),
    ],
)
async def test_usage(name: str, usage: Usage) -> None:
    """Some names report other counts."""
    assert (await dummy(name).infer(ask(), {})).response.usage == usage


async def test_computed() -> None:
    """Some answers are made from the request."""

    async def said(name: str, extras: LocalExtras = NO_EXTRAS) -> str:
        request = ask(user(Text("a"), Text("b")), system="S")
        block = (await dummy(name).infer(request, {}, extras)).response.output[0]
        assert isinstance(block, Text)
        return block.text

    assert await said("echo") == "a"
    assert await said("multiple-text-blocks") == TEXT
    assert await said("extract_images") == "[]"
    assert json.loads(await said("echo_request_messages")) == {
        "system": "S",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
        ],
    }
    extras = LocalExtras(body=Raw(b'{"a":1}'), headers=(("x", "y"),))
    assert (
        await said("echo_injected_data", extras) == '{"injected_body":{"a":1},"injected_headers":[["x","y"]]}'
    )
    assert UUID(json.loads(await said("random_answer"))["answer"]).version == 7
    with pytest.raises(ProviderError, match="PDF must be provided"):
        await said("require_pdf")
    with pytest.raises(NotSupportedError, match="echo_extra_info"):
        await said("echo_extra_info")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("error", "Error sending request to Dummy provider for model 'error'."),
        ("error_json", "Error sending request to Dummy provider for model 'error_json'."),
        ("llm_judge::error", "Dummy error in inference"),
    ],
)
async def test_errors(name: str, message: str) -> None:
    """Names that begin with `error` fail, streaming or not."""
    for call in (dummy(name).infer, dummy(name).stream):
        with pytest.raises(ProviderError) as raised:
            await call(ask(), {})
        assert raised.value.message == f"Error from dummy client: {message}"


async def test_error_with_raw_response() -> None:
    """One error has a status and texts of its own."""
    for call in (dummy("error_with_raw_response").infer, dummy("error_with_raw_response").stream):
        with pytest.raises(ProviderError) as raised:
            await call(ask(), {})
        error = raised.value
        assert error.message == (
            "Error 500 Internal Server Error from dummy client: Error from Dummy provider with raw response"
        )
        assert (error.raw_request, error.raw_response) == (
            "dummy error raw request",
            "dummy error raw response",
        )


async def test_flaky() -> None:
    """Every second call of one name fails, counted over all its providers, streams included."""
    counts = CallCounts()
    await dummy("flaky_model", counts=counts).infer(ask(), {})
    with pytest.raises(ProviderError) as raised:
        await dummy("flaky_model", counts=counts).stream(ask(), {})
    assert (
        raised.value.message == "Error from dummy client: Flaky model 'flaky_model' failed on call number 2"
    )
    assert raised.value.raw_response is None
    await dummy("flaky_model", counts=counts).infer(ask(), {})
    await dummy("flaky_other", counts=counts).infer(ask(), {})


async def test_flaky_kinds() -> None:
    """The name says what kind of failure it is."""
    raw = dummy("flaky_with_raw_response")
    await raw.infer(ask(), {})
    with pytest.raises(ProviderError) as raised:
        await raw.infer(ask(), {})
    assert raised.value.raw_response == "dummy flaky error raw response"
    limited = dummy("flaky_rate_limit")
    await limited.infer(ask(), {})
    with pytest.raises(RateLimitError):
        await limited.infer(ask(), {})
    judge = dummy("flaky_best_of_n_judge")
    assert (await judge.infer(ask(), {})).response.output == list(CANNED["best_of_n_0"].output)


async def test_key() -> None:
    """One name wants a dynamic key, and the right one."""
    keyed = dummy("test_key", DynamicCredential("k"))
    assert (await keyed.infer(ask(), {"k": "good_key"})).response.output == [Text(TEXT)]
    for provider, given, message in (
        (keyed, {"k": "bad_key"}, "Error from dummy client: Invalid API key for Dummy provider"),
        (keyed, {}, "API key missing for provider Dummy: Dynamic api key `k` is missing"),
        (dummy("test_key"), {}, "Error from dummy client: Invalid API key for Dummy provider"),
    ):
        with pytest.raises(ProviderError) as raised:
            await provider.infer(ask(), given)
        assert raised.value.message == message
    assert (await keyed.stream(ask(), {})).raw_request == "raw request"


async def test_stream() -> None:
    """The usual stream is sixteen pieces of one sentence and a closing chunk, with claimed latencies."""
    events = await _events(dummy("good"))
    pieces = [event for event in events[:-1] if isinstance(event.chunk, ProviderChunk)]
    assert len(pieces) == 16
    assert "".join(event.raw for event in pieces) == (
        "Wally, the golden retriever, wagged his tail excitedly as he devoured a slice of cheese pizza."
    )
    assert pieces[0] == LocalEvent(ProviderChunk(content=[TextChunk("0", "Wally,")]), "Wally,", 60)
    assert pieces[15].latency_ms == 210
    assert events[-1] == LocalEvent(
        ProviderChunk(content=[], usage=Usage(10, 16), finish_reason="stop"),
        '{"usage":{"prompt_tokens":10,"completion_tokens":16,"total_tokens":26}}',
        210,
    )


async def _chunks(name: str) -> list[Any]:
    events = await _events(dummy(name))
    return [event.chunk.content[0] for event in events[:-1] if isinstance(event.chunk, ProviderChunk)]


async def test_streamed_tools() -> None:
    """Calls are streamed in pieces, the name with the first, or split."""
    chunks = await _chunks("tool")
    assert [chunk.raw_name for chunk in chunks] == ["get_temperature", "", "", "", ""]
    assert "".join(chunk.raw_arguments for chunk in chunks) == CELSIUS
    assert all(isinstance(chunk, ToolCallChunk) and chunk.id == "0" for chunk in chunks)
    split = await _chunks("tool_split_name")
    assert [chunk.raw_name for chunk in split] == ["get_temp", "erature", "", "", ""]
    good = await _chunks("good_tool")
    assert json.loads("".join(chunk.raw_arguments for chunk in good)) == {
        "sentiment": "positive",
        "confidence": 0.95,
    }
    last = (await _events(dummy("tool")))[-1].chunk
    assert isinstance(last, ProviderChunk) and last.finish_reason == "tool_call"


async def test_streamed_thoughts() -> None:
    """Reasoners think twice before they speak, and leave no raw text."""
    events = await _events(dummy("reasoner"))
    thought = ThoughtChunk("0", "hmmm", None, None, None)
    assert [event.chunk for event in events[:2]] == [ProviderChunk(content=[thought])] * 2
    assert all(event.raw == "" for event in events[:-1])
    last = events[-1].chunk
    assert isinstance(last, ProviderChunk) and last.usage == Usage(10, 18)
    chunks = await _chunks("json_reasoner")
    assert json.loads("".join(chunk.text for chunk in chunks[2:])) == {"name": "John", "age": 30}


@pytest.mark.parametrize(
    ("name", "message", "raw_response"),
    [
        ("err_in_stream", "Dummy error in stream", None),
        (
            "err_in_stream_with_raw_response",
            "Dummy error in stream with raw response",
            '{"error": "dummy client raw response"}',
        ),
    ],
)
async def test_error_in_stream(name: str, message: str, raw_response: str | None) -> None:
    """The fourth piece is a failure, the others come all the same."""
    events = await _events(dummy(name))
    assert len(events) == 17
    error = events[3].chunk
    assert isinstance(error, ProviderError) and not isinstance(error, FatalStreamError)
    assert (error.message, error.raw_response) == (f"Error from dummy client: {message}", raw_response)
    assert sum(isinstance(event.chunk, ProviderError) for event in events) == 1


@pytest.mark.parametrize(
    ("name", "message", "raw_response"),
    [
        ("fatal_stream_error", "Dummy fatal error", None),
        (
            "fatal_stream_error_with_raw_response",
            "Dummy fatal error with raw response",
            '{"error": "dummy fatal raw response"}',
        ),
    ],
)
async def test_fatal_error_in_stream(name: str, message: str, raw_response: str | None) -> None:
    """The third piece is a failure and the last."""
    events = await _events(dummy(name))
    assert len(events) == 3
    error = events[2].chunk
    assert isinstance(error, FatalStreamError)
    assert error.message == f"Inference stream closed due to error from dummy server: {message}"
    assert error.raw_response == raw_response


async def test_slowness() -> None:
    """Names say how slow the answer is."""
    clock = Clock()
    await dummy("good", sleep=clock.sleep).infer(ask(), {})
    await dummy("slow", sleep=clock.sleep).infer(ask(), {})
    await dummy("slow", sleep=clock.sleep).stream(ask(), {})
    assert clock.slept == [0.001, 5.0, 5.0]
    clock = Clock()
    await _events(dummy("slow_second_chunk", sleep=clock.sleep))
    assert clock.slept == [0.01, 2.0, *[0.01] * 15]
