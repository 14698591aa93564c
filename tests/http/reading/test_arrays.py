"""Tests of `tzproxy.http.reading.arrays`: long and short answers, failures early and late."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence

from msgspec import Struct

from in_process import Conversation
from tzproxy.errors import StoreError
from tzproxy.http.app import App
from tzproxy.http.asgi import AsgiExchange, Receive, Scope, Send
from tzproxy.http.exchange import Exchange
from tzproxy.http.reading.arrays import AT_ONCE_BYTES, answer_array

LONG = "x" * (AT_ONCE_BYTES // 2)


class Item(Struct):
    """One of many."""

    text: str


class Source:
    """Yields texts, some at a time; an error where a text is empty. Counts what was asked of it."""

    def __init__(self, *parts: Sequence[str]) -> None:
        self.parts = parts
        self.asked = 0
        self.closed = False

    async def items(self) -> AsyncGenerator[Sequence[Struct]]:
        """Yield them."""
        try:
            for part in self.parts:
                self.asked += 1
                if "" in part:
                    raise StoreError("lost")
                yield [Item(text) for text in part]
                await asyncio.sleep(0.3)
        finally:
            self.closed = True


def begin(source: Source) -> Conversation:
    """Ask for the items of a source."""

    async def handler(exchange: Exchange) -> None:
        await answer_array(exchange, "items", source.items())

    app = App({("GET", "/"): handler})

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app.serve(AsgiExchange(scope, receive, send))

    return Conversation(serve, "GET", "/")


async def test_short_answers_are_sent_whole() -> None:
    """A short answer is one message, an empty one too."""
    for parts, texts in (([], []), ([["a", "b"], ["c"]], ["a", "b", "c"])):
        conversation = begin(Source(*parts))
        reply = await conversation.finish()
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        assert reply.json() == {"items": [{"text": text} for text in texts]}
        assert len(conversation.messages) == 2 and reply.ended


async def test_long_answers_are_sent_in_pieces() -> None:
    """A long answer begins while its source still has items, and is one JSON text in the end."""
    source = Source([LONG] * 3, [LONG] * 3, ["z"])
    conversation = begin(source)
    await conversation.until(2)
    assert source.asked == 1
    reply = await conversation.finish()
    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == {"items": [*[{"text": LONG}] * 6, {"text": "z"}]}
    assert len(conversation.messages) == 4 and reply.ended


async def test_a_failure_before_the_first_byte_keeps_its_status() -> None:
    """What fails before anything was sent is an ordinary error."""
    reply = await begin(Source(["a"], [""])).finish()
    assert (reply.status, reply.error) == (500, "lost")


async def test_a_failure_later_leaves_the_answer_incomplete() -> None:
    """What fails later ends the answer before it is a JSON text."""
    reply = await begin(Source([LONG] * 3, [""])).finish()
    assert reply.status == 200 and not reply.ended
    assert b"lost" not in reply.body
    try:
        json.loads(reply.body)
    except ValueError:
        return
    raise AssertionError("a cut answer must not be a whole one")


async def test_nothing_is_read_for_a_client_that_left() -> None:
    """When the client leaves, its source is closed and asked no further."""
    source = Source(*[[LONG] * 3] * 100)
    conversation = begin(source)
    await conversation.until(2)
    conversation.disconnect()
    await conversation.task
    assert source.closed and source.asked < 10
