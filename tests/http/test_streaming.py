"""Tests of `tzproxy.http.streaming`: streams whose client leaves, and how events are sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from in_process import CHAT, HELLO, MODEL, Conversation, StartGateway, delta, streamed
from tzproxy.upstream.fake import event_stream

STREAM = {"function_name": "f", "input": HELLO, "stream": True}
OPENAI = {"model": "tensorzero::function_name::f", "messages": HELLO["messages"], "stream": True}
ROUTES = [("/inference", STREAM), ("/openai/v1/chat/completions", OPENAI)]


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_a_client_that_leaves_in_mid_stream(start: StartGateway, path: str, body: Any) -> None:
    """The provider's stream is cancelled, and what had arrived is recorded."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a"), delta(content="b")])[:-1]])
    conversation = gateway.begin("POST", path, body)
    await asyncio.sleep(1)
    connection = gateway.network.connections[0]
    assert not connection.is_closed
    conversation.disconnect()
    await conversation.task
    assert connection.is_closed
    assert not conversation.so_far().ended
    row = gateway.chat_rows[0]
    assert row["output"] == [{"type": "text", "text": "ab"}]
    model = gateway.model_rows[0]
    assert (model["input_tokens"], model["finish_reason"]) == (None, None)
    assert model["raw_response"].count("content") == 2


async def test_a_client_that_leaves_before_the_first_piece(start: StartGateway) -> None:
    """The provider's stream is cancelled; no piece came, so no row is written."""
    gateway = await start(MODEL + CHAT, [event_stream([])[:-1]])
    conversation = gateway.begin("POST", "/inference", STREAM)
    await asyncio.sleep(1)
    conversation.disconnect()
    await conversation.task
    assert conversation.messages == []
    assert gateway.network.connections[0].is_closed
    assert gateway.sink.rows == []


async def test_a_dry_run_that_is_left_leaves_nothing(start: StartGateway) -> None:
    """Leaving changes nothing about a dry run."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a")])[:-1]])
    conversation = gateway.begin("POST", "/inference", {**STREAM, "dryrun": True})
    await asyncio.sleep(1)
    conversation.disconnect()
    await conversation.task
    assert gateway.sink.rows == []


async def test_a_client_that_cannot_be_written_to(start: StartGateway) -> None:
    """When the server says that nobody reads, the provider is cancelled and the pieces are recorded."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a"), delta(content="b")])[:-1]])
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def failing(message: Any) -> None:
            sent.append(message)
            if len(sent) == 2:
                raise OSError("broken pipe")

        await gateway.gateway(scope, receive, failing)

    body = b'{"function_name": "f", "input": {}, "stream": true}'
    await Conversation(app, "POST", "/inference", parts=[body]).task
    assert gateway.network.connections[0].is_closed
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "a"}]


async def test_pieces_go_out_as_they_come(start: StartGateway) -> None:
    """Nothing is held back until the next piece: each arrives before the provider says more."""
    gateway = await start(MODEL + CHAT, [event_stream([])[:-1]])
    conversation = gateway.begin("POST", "/inference", STREAM)
    await asyncio.sleep(0.01)
    connection = gateway.network.connections[0]
    assert conversation.messages == []
    for number, piece in enumerate(("a", "b", "c")):
        connection.push(event_stream([delta(content=piece)])[1])
        await asyncio.sleep(0.01)
        assert len(conversation.messages) == number + 2
        assert conversation.so_far().events()[-1]["content"][0]["text"] == piece
    connection.push(*event_stream([b"[DONE]"])[1:])
    assert (await conversation.finish()).ended


async def test_pieces_that_come_together_go_out_together(start: StartGateway) -> None:
    """A burst of events is one message, each event still a frame of its own."""
    burst = b"".join(event_stream([delta(content="a"), delta(content="b"), delta(content="c")])[:-1])
    gateway = await start(MODEL + CHAT, [[burst]])
    conversation = gateway.begin("POST", "/inference", STREAM)
    await asyncio.sleep(0.01)
    assert len(conversation.messages) == 2
    assert len(conversation.so_far().events()) == 3
    conversation.disconnect()
    await conversation.task


async def test_rows_are_handed_over_before_the_end(start: StartGateway) -> None:
    """Whoever has seen the end of a stream finds its rows accepted."""
    gateway = await start(MODEL + CHAT, [streamed("a")])
    rows_at_end: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def watching(message: Any) -> None:
            if b"[DONE]" in message.get("body", b""):
                rows_at_end.append(len(gateway.sink.rows))
            await send(message)

        await gateway.gateway(scope, receive, watching)

    body = b'{"function_name": "f", "input": {}, "stream": true}'
    await Conversation(app, "POST", "/inference", parts=[body]).finish()
    assert rows_at_end == [2]
