"""Tests of `tzproxy.inference.cached_stream`: streams kept when they end well, and replayed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from in_process import (
    CHAT,
    DONE,
    LAST,
    MODEL,
    TWO_PROVIDERS,
    USAGE,
    RunningGateway,
    StartGateway,
    completion,
    delta,
    streamed,
)
from tzproxy.clickhouse.queries.cache import CachedReply, CacheKey
from tzproxy.inference.cache import ModelCache
from tzproxy.inference.cached_stream import chunk_usage, replayed
from tzproxy.recording.sink import MemorySink, Table
from tzproxy.types.request import CacheOptions
from tzproxy.types.usage import Usage
from tzproxy.upstream.fake import Mark, event_stream

ON: dict[str, Any] = {"stream": True, "cache_options": {"enabled": "on"}}
FLAGS = {"include_raw_usage": True, "include_raw_response": True, "include_original_response": True}


def kept(gateway: RunningGateway) -> list[Any]:
    """Return the rows of ModelInferenceCache."""
    return gateway.rows(Table.MODEL_INFERENCE_CACHE)


def texts(events: list[Any]) -> list[str]:
    """Return the texts of a stream's events."""
    return [
        block["text"] for event in events if event != "data: [DONE]" for block in event.get("content", [])
    ]


async def test_a_stream_is_replayed(start: StartGateway) -> None:
    """The same pieces in the same order, zero usage, the finish reason at the end; nobody is asked."""
    gateway = await start(MODEL + CHAT, [streamed("one ", "two")])
    first = (await gateway.infer(**ON)).events()
    second = (await gateway.infer(**ON)).events()
    assert texts(first) == texts(second) == ["one ", "two"]
    assert first[-2]["usage"] == {"input_tokens": 3, "output_tokens": 5, "cost": None}
    assert second[-2]["usage"] == {"input_tokens": 0, "output_tokens": 0, "cost": 0.0}
    assert second[-2]["finish_reason"] == first[-2]["finish_reason"] == "stop"
    assert len(gateway.sent) == 1
    row, hit = gateway.model_rows
    assert (hit["cached"], hit["cost"], hit["ttft_ms"], hit["response_time_ms"]) == (True, 0.0, 0, 0)
    for key in ("raw_request", "raw_response", "output", "input_tokens", "output_tokens", "finish_reason"):
        assert hit[key] == row[key]


async def test_what_is_kept_of_a_stream(start: StartGateway) -> None:
    """Chunk by chunk: the pieces, the usage where it came, and the provider's own text."""
    gateway = await start(MODEL + CHAT, [streamed("x")])
    await gateway.infer(**ON)
    (row,) = kept(gateway)
    assert row["raw_response"] == ""
    assert (row["input_tokens"], row["output_tokens"], row["finish_reason"]) == (3, 5, "stop")
    assert json.loads(row["output"]) == [
        {
            "content": [{"type": "text", "id": "0", "text": "x"}],
            "usage": None,
            "raw_response": delta(content="x").decode(),
        },
        {"content": [], "usage": None, "raw_response": LAST.decode()},
        {
            "content": [],
            "usage": {"input_tokens": 3, "output_tokens": 5, "cost": None},
            "raw_response": USAGE.decode(),
        },
    ]


async def test_a_replay_has_no_raw_parts(start: StartGateway) -> None:
    """Nothing raw came: the pieces carry neither the provider's text nor its usage."""
    gateway = await start(MODEL + CHAT, [streamed("x")])
    first = (await gateway.infer(**ON, **FLAGS)).events()
    assert "raw_chunk" in first[0]
    second = (await gateway.infer(**ON, **FLAGS)).events()
    assert len(second) == 3
    for event in second[:-1]:
        assert not event.keys() & {"raw_chunk", "original_chunk", "raw_usage", "raw_response"}


async def test_streams_and_whole_answers_share_nothing(start: StartGateway) -> None:
    """Whether an answer is streamed is part of its key."""
    gateway = await start(MODEL + CHAT, [completion("whole"), streamed("pieces")])
    await gateway.infer(cache_options={"enabled": "on"})
    assert texts((await gateway.infer(**ON)).events()) == ["pieces"]
    assert len(gateway.sent) == 2


@pytest.mark.parametrize(
    "broken",
    [
        [*event_stream([delta(content="x")])[:-1], Mark.EOF],
        [*event_stream([delta(content="x")])[:-1], Mark.RESET],
        event_stream([delta(content="x"), b"no JSON", delta(content="y"), LAST, DONE]),
    ],
)
async def test_a_stream_with_a_failure_is_not_kept(start: StartGateway, broken: Any) -> None:
    """Neither one that broke, nor one with an unreadable event in it."""
    gateway = await start(MODEL + CHAT, [broken])
    events = (await gateway.infer(**ON)).events()
    assert any("error" in event for event in events)
    assert kept(gateway) == []


async def test_a_stream_that_the_client_left_is_not_kept(start: StartGateway) -> None:
    """What had come by then is recorded as an inference, but is no reply to give to others."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="x")])[:-1]])
    request = {
        "function_name": "f",
        "input": {"messages": [{"role": "user", "content": "Hello"}]},
        **ON,
    }
    talk = gateway.begin("POST", "/inference", request)
    await talk.until(2)
    talk.disconnect()
    await talk.task
    assert len(gateway.model_rows) == 1
    assert kept(gateway) == []


async def test_read_only_streams_are_not_kept(start: StartGateway) -> None:
    """The mode counts for streams as well."""
    gateway = await start(MODEL + CHAT, [streamed("x")])
    await gateway.infer(stream=True, cache_options={"enabled": "read_only"})
    assert kept(gateway) == []


async def test_tool_calls_are_replayed(start: StartGateway) -> None:
    """Pieces of a call keep their id and their order."""
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "t", "arguments": ""}}
    rest = {"index": 0, "function": {"arguments": "{}"}}
    script = event_stream([delta(tool_calls=[call]), delta(tool_calls=[rest]), LAST, USAGE, DONE])
    gateway = await start(MODEL + CHAT, [script])
    tool = {"name": "t", "description": "d", "parameters": {"type": "object"}}
    first, second = [(await gateway.infer(**ON, additional_tools=[tool])).events() for _ in range(2)]
    assert [event["content"] for event in first[:-2]] == [event["content"] for event in second[:-2]]
    assert gateway.chat_rows[0]["output"] == gateway.chat_rows[1]["output"]


async def test_the_provider_that_answered_is_the_one_replayed(start: StartGateway) -> None:
    """Each provider has its own entries: one that failed is tried again before the cache serves."""
    refusal = b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n"
    gateway = await start(TWO_PROVIDERS + CHAT, [refusal, refusal], [streamed("from q")])
    for _ in range(2):
        assert texts((await gateway.infer(**ON)).events()) == ["from q"]
    assert [sent["model"] for sent in gateway.sent] == ["gpt", "gpt", "second"]


@pytest.mark.parametrize("output", ["[]", "nonsense", '[{"content":[{"type":"x"}],"usage":null}]'])
async def test_an_unreadable_stream_is_a_miss(output: str) -> None:
    """An empty list would be a stream that never began."""
    cache = ModelCache(MemorySink())
    use = cache.use(CacheOptions("on"), dryrun=False)
    assert use is not None
    key = CacheKey("k", 1)
    cache._recent.put(
        "k",
        CachedReply(
            output=output,
            raw_request="",
            raw_response="",
            input_tokens=None,
            output_tokens=None,
            finish_reason=None,
            written_s=0.0,
        ),
    )
    assert await replayed(use, key) is None


async def test_cache_counts_of_a_provider_are_recorded(start: StartGateway) -> None:
    """A replay's row says what the provider had read from its own cache."""
    prompt = {"prompt_tokens_details": {"cached_tokens": 2}}
    counted = json.dumps(
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8, **prompt}}
    )
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="x"), LAST, counted.encode(), DONE])])
    await gateway.infer(**ON)
    await gateway.infer(**ON)
    assert [row["provider_cache_read_input_tokens"] for row in gateway.model_rows] == [2, 2]
    assert [row["cached"] for row in gateway.model_rows] == [False, True]


def test_cache_counts_of_a_provider_are_kept() -> None:
    """Chunks of providers that cache prompts tell what they read and wrote."""
    usage = chunk_usage(Usage(1, 2, 3, 4))
    assert usage is not None
    assert (usage.provider_cache_read_input_tokens, usage.provider_cache_write_input_tokens) == (3, 4)
    assert chunk_usage(None) is None
