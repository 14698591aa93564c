"""Tests of `tzproxy.http.anthropic.events`: the events of streams, as the published client takes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

from in_process import CHAT, DONE, LAST, MODEL, USAGE, Reply, StartGateway, delta, streamed
from tzproxy.http.responses.thoughts import opened
from tzproxy.upstream.fake import Mark, event_stream

PATH = "/anthropic/v1/messages"
ASK: dict[str, Any] = {
    "model": "f",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "Hello"}],
    "stream": True,
}
REASONING_MODEL = MODEL.replace('type = "openai"', 'type = "vllm"')
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
ReadEvents = Callable[[Reply], list[Any]]
BLOCK = ["content_block_start", "content_block_delta", "content_block_stop"]
END = ["message_delta", "message_stop"]


def piece_of_call(index: int, call_id: str | None, name: str | None, arguments: str) -> bytes:
    """Write a provider's piece of a call."""
    function = {"name": name, "arguments": arguments} if name is not None else {"arguments": arguments}
    call: dict[str, object] = {"index": index, "function": function}
    if call_id is not None:
        call |= {"id": call_id, "type": "function"}
    return delta(tool_calls=[call])


def kinds_of(events: list[Any]) -> list[str]:
    """Return the types of events, runs of equal ones once."""
    kinds: list[str] = []
    for event in events:
        if not kinds or kinds[-1] != event["type"]:
            kinds.append(event["type"])
    return kinds


async def test_the_whole_sequence(start: StartGateway, read_events: ReadEvents) -> None:
    """Thought, text and calls are blocks one after the other; each event fits the client's strict model."""
    provider = event_stream(
        [
            delta(reasoning="H"),
            delta(reasoning="m"),
            delta(content="He"),
            delta(content="llo"),
            piece_of_call(0, "c0", "look_", ""),
            piece_of_call(0, None, "up", '{"a"'),
            piece_of_call(0, None, None, ":1}"),
            piece_of_call(1, "c1", "none", ""),
            LAST,
            USAGE,
            DONE,
        ]
    )
    gateway = await start(REASONING_MODEL + CHAT, [provider])
    events = read_events(await gateway.post(PATH, ASK))
    without_input = ["content_block_start", "content_block_stop"]
    assert kinds_of(events) == ["message_start", "ping", *BLOCK * 3, *without_input, *END]
    for event in events:
        if event["type"] != "ping":
            EVENT.validate_python(event, strict=True)
    starts = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    assert [block["type"] for block in starts] == ["thinking", "text", "tool_use", "tool_use"]
    assert [(block["id"], block["name"], block["input"]) for block in starts[2:]] == [
        ("c0", "look_up", {}),
        ("c1", "none", {}),
    ]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(told.get("thinking", "") for told in deltas) == "Hm"
    assert "".join(told.get("text", "") for told in deltas) == "Hello"
    assert "".join(told.get("partial_json", "") for told in deltas) == '{"a":1}'
    (signature,) = [told["signature"] for told in deltas if told["type"] == "signature_delta"]
    assert opened(signature) is not None
    indexes = [event["index"] for event in events if "index" in event]
    assert indexes == sorted(indexes)
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert (events[-2]["usage"]["input_tokens"], events[-2]["usage"]["output_tokens"]) == (3, 5)
    (row,) = gateway.chat_rows
    assert (row["id"], len(row["output"])) == (events[0]["message"]["id"], 4)


async def test_text_goes_on_in_another_block(start: StartGateway, read_events: ReadEvents) -> None:
    """A block that goes on after another one began is a new block, and nothing is lost."""
    pieces = [delta(content="a"), piece_of_call(0, "c", "t", "{}"), delta(content="b")]
    gateway = await start(MODEL + CHAT, [event_stream([*pieces, LAST, DONE])])
    events = read_events(await gateway.post(PATH, ASK))
    assert kinds_of(events) == ["message_start", "ping", *BLOCK * 3, *END]


async def test_mixed_calls_fail(start: StartGateway, read_events: ReadEvents) -> None:
    """Mixed calls would reach the client cut: the stream fails instead, and is recorded."""
    pieces = [
        piece_of_call(0, "c0", "t", "{"),
        piece_of_call(1, "c1", "t", "{"),
        piece_of_call(0, None, None, "}"),
    ]
    gateway = await start(MODEL + CHAT, [event_stream([*pieces, LAST, DONE])])
    events = read_events(await gateway.post(PATH, ASK))
    assert (events[-1]["type"], events[-1]["error"]["type"]) == ("error", "api_error")
    assert len(gateway.chat_rows) == 1


async def test_a_broken_stream_ends_with_an_error(start: StartGateway, read_events: ReadEvents) -> None:
    """When the provider breaks off, the error is the last event, and what came is recorded."""
    begun = event_stream([delta(content="a"), LAST, DONE])[:2]
    gateway = await start(MODEL + CHAT, [[*begun, Mark.RESET]])
    reply = await gateway.post(PATH, ASK)
    events = read_events(reply)
    assert (reply.status, events[-1]["type"]) == (200, "error")
    assert events[-1]["error"]["message"]
    assert len(gateway.chat_rows) == 1


async def test_a_cut_stream(start: StartGateway, read_events: ReadEvents) -> None:
    """A stream that ends for length says so."""
    cut = json.dumps({"choices": [{"index": 0, "finish_reason": "length", "delta": {}}]}).encode()
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a"), cut, DONE])])
    events = read_events(await gateway.post(PATH, ASK))
    assert events[-2]["delta"]["stop_reason"] == "max_tokens"


async def test_json_functions(start: StartGateway, read_events: ReadEvents) -> None:
    """A JSON function's stream is text, also when the model answers by a tool."""
    toml = (
        MODEL
        + '[functions.j]\ntype = "json"\n[functions.j.variants.v]\ntype = "chat_completion"\n'
        + 'model = "m"\njson_mode = "tool"\n'
    )
    pieces = [piece_of_call(0, "c", "respond", '{"a"'), piece_of_call(0, None, None, ":1}")]
    gateway = await start(toml, [event_stream([*pieces, LAST, DONE])])
    events = read_events(await gateway.post(PATH, {**ASK, "model": "j"}))
    assert kinds_of(events) == ["message_start", "ping", *BLOCK, *END]
    texts = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    assert texts == ['{"a"', ":1}"]
    assert events[-2]["delta"]["stop_reason"] == "end_turn"


async def test_what_the_provider_said(start: StartGateway, read_events: ReadEvents) -> None:
    """Raw responses stand beside the usage when they are asked for."""
    gateway = await start(MODEL + CHAT, [streamed("a")])
    events = read_events(await gateway.post(PATH, {**ASK, "tensorzero::include_raw_response": True}))
    assert "prompt_tokens" in events[-2]["tensorzero_raw_response"][0]["data"]
