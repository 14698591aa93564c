"""Tests of `tzproxy.inference.emulated_stream`: whole answers as one chunk."""

from __future__ import annotations

import pytest
from msgspec import Raw

from tzproxy.errors import TzproxyError
from tzproxy.inference.emulated_stream import chunks_of, emulated
from tzproxy.inference.model import ModelCall
from tzproxy.inference.output import StreamCollector
from tzproxy.inference.variant import VariantAnswer
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.types.content import (
    ModelOutput,
    SummaryText,
    Text,
    TextChunk,
    Thought,
    ThoughtChunk,
    ToolCall,
    ToolCallChunk,
    Unknown,
)
from tzproxy.types.model import ModelRequest, ProviderChunk, ProviderResponse
from tzproxy.types.params import NO_CHAT_PARAMS
from tzproxy.types.usage import Usage

OUTPUT: list[ModelOutput] = [
    Thought("hm", "s", [SummaryText("one"), SummaryText("two")], "openai", Raw(b"{}")),
    Text("x"),
    ToolCall("c", "t", "{}"),
    Text("y"),
]


def test_blocks_become_pieces() -> None:
    """Texts and thoughts are numbered together; a call has its own id."""
    assert chunks_of([Text("x"), ToolCall("c", "t", "{}"), Thought("hm"), Text("y")]) == [
        TextChunk("0", "x"),
        ToolCallChunk("c", "t", "{}"),
        ThoughtChunk("1", "hm", None, None, None),
        TextChunk("2", "y"),
    ]


def test_pieces_become_the_same_blocks_again() -> None:
    """Nothing is lost on the way, not even paragraphs of a summary."""
    collector = StreamCollector()
    collector.add(ProviderChunk(content=chunks_of(OUTPUT)))
    assert collector.output() == OUTPUT


def test_a_providers_own_block_cannot_be_streamed() -> None:
    """The stream fails before it begins."""
    with pytest.raises(TzproxyError):
        chunks_of([Unknown(Raw(b"{}"))])


@pytest.mark.parametrize("cached", [False, True])
async def test_the_call_stays_what_it_was(cached: bool) -> None:
    """What is recorded is the provider's whole answer; only the time to the first token is added."""
    call = ModelCall(
        model_name="m",
        provider_name="p",
        spec=ProviderSpec(type="t", display="T"),
        request=ModelRequest(inference_id="i", messages=[]),
        response=ProviderResponse(output=OUTPUT, usage=Usage(1, 2), raw_usage=Raw(b'{"u":1}')),
        raw_request="asked",
        raw_response="said",
        response_time_ms=7,
        cached=cached,
    )
    later = ModelCall(**{name: getattr(call, name) for name in call.__struct_fields__ if name != "id"})
    answer = VariantAnswer(
        output=[Text("x")], finish_reason="stop", calls=[call, later], params=NO_CHAT_PARAMS
    )
    played = emulated(answer, "v", NO_CHAT_PARAMS)
    assert list(played.calls) == [later]
    items = played.stream.take()
    assert items is not None
    (item,) = items
    assert item.chunk is not None
    assert (item.chunk.finish_reason, item.raw) == ("stop", "")
    assert (item.chunk.raw_usage is None) is cached
    assert played.stream.take() is None
    await played.stream.close()
    finished = played.stream.finished(ProviderResponse(output=[], usage=Usage(0, 0)), [])
    assert (finished.id, finished.response, finished.raw_response) == (call.id, call.response, "said")
    assert (finished.ttft_ms, call.ttft_ms) == (7, None)
