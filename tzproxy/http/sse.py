"""Server-sent events to the client: framing and the keep-alive comment. Hot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from tzproxy.http.exchange import ClientGoneError, Exchange
from tzproxy.inference.answer_stream import Piece
from tzproxy.types.content import TextChunk

_ENCODE = msgspec.json.Encoder().encode

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b":\n\n"
KEEP_ALIVE_S = 15.0


def frame(data: bytes) -> bytes:
    """Make one event of compact JSON."""
    return b"data: " + data + b"\n\n"


_SLOT = "\x00text\x00"


class TextFrames:
    """Writes the events of one stream that say nothing but a piece of one text: all around it stays the same.

    PERF: a third of what it takes to write such an event anew (test_10_streams).
    """

    __slots__ = ("_after", "_before", "_id")

    def __init__(self) -> None:
        self._id: str | None = None
        self._before = self._after = b""

    def of(self, piece: Piece) -> bytes | None:
        """Write the event of a piece, if it is one that only its text tells from what was learnt."""
        content = piece.content
        if len(content) == 1 and piece.last is None and piece.error is None:
            block = content[0]
            if (
                block.id == self._id
                and type(block) is TextChunk
                and piece.raw_usage is None
                and piece.raw_response is None
            ):
                return b"".join((self._before, _ENCODE(block.text), self._after))
        return None

    def learn(self, piece: Piece, encode: Callable[[Piece], bytes | None]) -> None:
        """Learn from a piece of text how `encode` writes those that follow it."""
        if len(piece.content) != 1 or piece.last is not None or piece.error is not None:
            return
        block = piece.content[0]
        if type(block) is not TextChunk:
            return
        parts = (encode(Piece(content=[TextChunk(block.id, _SLOT)])) or b"").split(_ENCODE(_SLOT))
        # A name around the text might hold the same words; then nothing is learnt.
        if len(parts) == 2:
            self._id = block.id
            self._before, self._after = b"data: " + parts[0], parts[1] + b"\n\n"


class KeepAlive:
    """Sends a comment whenever a stream has been silent for a while."""

    __slots__ = ("_exchange", "_last", "_loop", "_sending", "_timer")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._sending: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(KEEP_ALIVE_S, self._check)

    def touch(self) -> None:
        """Note that something was sent."""
        self._last = self._loop.time()

    def _check(self) -> None:
        silent = self._loop.time() - self._last
        if silent >= KEEP_ALIVE_S:
            self._sending = self._loop.create_task(self._comment())
            self.touch()
            silent = 0.0
        self._timer = self._loop.call_later(KEEP_ALIVE_S - silent, self._check)

    async def _comment(self) -> None:
        # Who left is noticed by the request itself.
        with suppress(ClientGoneError):
            await self._exchange.stream(KEEP_ALIVE)

    def stop(self) -> None:
        """Send no more comments."""
        self._timer.cancel()
