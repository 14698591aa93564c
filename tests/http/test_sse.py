"""Tests of `tzproxy.http.sse`: frames, and the comment that keeps silent streams alive."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import msgspec
import pytest

from in_process import CHAT, MODEL, StartGateway, delta
from tzproxy.errors import TzproxyError
from tzproxy.http.exchange import ClientGoneError
from tzproxy.http.sse import DONE, KEEP_ALIVE, KEEP_ALIVE_S, KeepAlive, TextFrames, frame
from tzproxy.inference.answer_stream import Piece
from tzproxy.types.content import TextChunk, ToolCallChunk
from tzproxy.upstream.fake import event_stream


def test_frames() -> None:
    """An event is one line of data and an empty one."""
    assert frame(b'{"a":1}') == b'data: {"a":1}\n\n'
    assert DONE == b"data: [DONE]\n\n"
    assert KEEP_ALIVE == b":\n\n"


class Client:
    """The stream of an exchange."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.heard: list[tuple[float, bytes]] = []
        self.failure = failure
        self.began = asyncio.get_running_loop().time()

    async def stream(self, data: bytes, *, more: bool = True) -> None:
        """Note what comes, and when."""
        self.heard.append((round(asyncio.get_running_loop().time() - self.began, 2), data))
        if self.failure is not None:
            raise self.failure


def keep_alive(client: Client) -> KeepAlive:
    """Keep a client's stream alive."""
    exchange: Any = client
    return KeepAlive(exchange)


async def test_silence_is_broken_every_fifteen_seconds() -> None:
    """A comment is sent after 15 s without an event, and again after as long."""
    assert KEEP_ALIVE_S == 15.0
    client = Client()
    keeping = keep_alive(client)
    await asyncio.sleep(46)
    keeping.stop()
    assert [(round(at), data) for at, data in client.heard] == [
        (15, b":\n\n"),
        (30, b":\n\n"),
        (45, b":\n\n"),
    ]


async def test_events_put_the_comment_off() -> None:
    """The 15 s count from the last event."""
    client = Client()
    keeping = keep_alive(client)
    for _ in range(4):
        await asyncio.sleep(10)
        keeping.touch()
    await asyncio.sleep(14)
    assert client.heard == []
    await asyncio.sleep(2)
    keeping.stop()
    assert [round(at) for at, _ in client.heard] == [55]


async def test_nothing_is_sent_after_the_end() -> None:
    """A stream that is over stays silent."""
    client = Client()
    keeping = keep_alive(client)
    await asyncio.sleep(1)
    keeping.stop()
    await asyncio.sleep(100)
    assert client.heard == []


async def test_a_client_that_left_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """When the comment finds the client gone, nothing is said about it."""
    client = Client(ClientGoneError())
    keeping = keep_alive(client)
    await asyncio.sleep(16)
    keeping.stop()
    del keeping
    gc.collect()
    await asyncio.sleep(0)
    assert len(client.heard) == 1
    assert caplog.records == []


async def test_a_slow_stream_is_kept_alive(start: StartGateway) -> None:
    """Comments come between the events of a provider that thinks for long."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a")])[:-1]])
    conversation = gateway.begin("POST", "/inference", {"function_name": "f", "input": {}, "stream": True})
    await asyncio.sleep(40)
    gateway.network.connections[0].push(*event_stream([delta(content="b"), b"[DONE]"])[1:])
    events = (await conversation.finish()).events()
    assert [event if isinstance(event, str) else event["content"][:1] for event in events] == [
        [{"type": "text", "id": "0", "text": "a"}],
        ":",
        ":",
        [{"type": "text", "id": "0", "text": "b"}],
        [],
        "data: [DONE]",
    ]


def encode(piece: Piece) -> bytes:
    """Write a piece and everything around it."""
    return msgspec.json.encode({"id": 1, "content": piece.content, "name": "n"})


def test_texts_are_written_as_they_would_be_anew() -> None:
    """Quotes, line breaks, controls and letters of any kind stand as the encoder writes them."""
    frames = TextFrames()
    assert frames.of(Piece(content=[TextChunk("0", "a")])) is None
    frames.learn(Piece(content=[TextChunk("0", "a")]), encode)
    for text in ("", "b", 'say "x"\\', "\n\r\t\x00\x1f\x7f", "ä€😀\u2028", "</script>"):
        piece = Piece(content=[TextChunk("0", text)])
        assert frames.of(piece) == frame(encode(piece))


@pytest.mark.parametrize(
    "other",
    [
        Piece(content=[TextChunk("1", "a")]),
        Piece(content=[TextChunk("0", "a"), TextChunk("0", "b")]),
        Piece(content=[ToolCallChunk("0", "t", "{}")]),
        Piece(content=[TextChunk("0", "a")], raw_usage=[]),
        Piece(content=[TextChunk("0", "a")], raw_response=[]),
        Piece(error=TzproxyError("no")),
        Piece(),
    ],
)
def test_what_says_more_than_a_text_is_left_to_the_encoder(other: Piece) -> None:
    """Other blocks, several of them, and what stands beside them are not written from what was learnt."""
    frames = TextFrames()
    frames.learn(Piece(content=[TextChunk("0", "a")]), encode)
    assert frames.of(other) is None


def test_what_is_ambiguous_is_not_learnt() -> None:
    """Surroundings that hold what stands for the text are written anew each time."""
    frames = TextFrames()
    frames.learn(Piece(content=[TextChunk("0", "a")]), lambda piece: encode(piece) * 2)
    assert frames.of(Piece(content=[TextChunk("0", "a")])) is None
