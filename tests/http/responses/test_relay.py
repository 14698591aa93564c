"""Tests of `tzproxy.http.responses.relay`: streams that break, and clients that leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from in_process import CHAT, DONE, LAST, MODEL, Reply, StartGateway, delta, streamed
from tzproxy.http.responses.relay import named_frame
from tzproxy.upstream.fake import Mark, answer, event_stream

PATH = "/openai/v1/responses"
ASK: dict[str, Any] = {"model": "f", "input": "Hello", "stream": True}
ReadEvents = Callable[[Reply], list[Any]]


async def test_no_event_follows_the_last(start: StartGateway, read_events: ReadEvents) -> None:
    """A stream ends with its last event: these protocols know no `[DONE]`."""
    gateway = await start(MODEL + CHAT, [streamed("a", "b")])
    reply = await gateway.post(PATH, ASK)
    assert read_events(reply)[-1]["type"] == "response.completed"
    assert b"[DONE]" not in reply.body


async def test_a_broken_stream_fails_and_is_recorded(start: StartGateway, read_events: ReadEvents) -> None:
    """When the provider breaks off, what came is told and recorded, and the failure ends the stream."""
    whole = event_stream([delta(content="a"), delta(content="b"), LAST, DONE])
    gateway = await start(MODEL + CHAT, [[*whole[:2], Mark.RESET]])
    events = read_events(await gateway.post(PATH, ASK))
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"]["code"] == "server_error"
    (row,) = gateway.chat_rows
    assert row["id"] == events[-1]["response"]["id"]


async def test_a_failure_before_the_first_piece_has_its_status(start: StartGateway) -> None:
    """No stream begins when no variant does."""
    gateway = await start(MODEL + CHAT, [answer(b"no", status=500)])
    reply = await gateway.post(PATH, ASK)
    assert (reply.status, reply.headers["content-type"]) == (502, "application/json")
    assert "All variants failed" in reply.json()["error"]["message"]


async def test_a_client_that_leaves(start: StartGateway) -> None:
    """The provider's stream is cancelled, and what had arrived is recorded."""
    begun = event_stream([delta(content="a"), delta(content="b"), LAST, DONE])[:2]
    gateway = await start(MODEL + CHAT, [begun])
    conversation = gateway.begin("POST", PATH, ASK)
    await conversation.until(2)
    conversation.disconnect()
    await conversation.task
    assert not conversation.so_far().ended
    (row,) = gateway.chat_rows
    assert row["output"][0]["text"] == "a"


async def test_a_silent_stream_is_kept_alive(start: StartGateway) -> None:
    """Comments keep a silent stream open, and are no events."""
    begun = event_stream([delta(content="a"), LAST, DONE])[:2]
    gateway = await start(MODEL + CHAT, [begun])
    conversation = gateway.begin("POST", PATH, ASK)
    await asyncio.sleep(20)
    conversation.disconnect()
    await conversation.task
    assert conversation.so_far().body.endswith(b"\n\n:\n\n")


def test_frames_are_two_lines() -> None:
    """A frame is the name and one line of data, whatever spaces the data came with."""
    assert named_frame(b"a", b'{"b":1}') == b'event: a\ndata: {"b":1}\n\n'
    for data in (b'{"b":\n1}', b'{"b":\r1}', b'{\r\n"b": 1}'):
        name, line = named_frame(b"a", data).removesuffix(b"\n\n").split(b"\n")
        assert b"\r" not in line
        assert (name, msgspec.json.decode(line.removeprefix(b"data: "))) == (b"event: a", {"b": 1})
