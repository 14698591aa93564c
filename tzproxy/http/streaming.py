"""Relays a streamed answer to the client, whichever protocol its events are written in. Hot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tzproxy.http.exchange import Exchange, Watch
from tzproxy.http.sse import DONE, KeepAlive
from tzproxy.inference.answer_stream import AnswerStream, Piece
from tzproxy.inference.engine import Engine
from tzproxy.inference.plan import Inference


class Events(Protocol):
    """Writes pieces for one client protocol."""

    def frame(self, piece: Piece, stream: AnswerStream) -> bytes:
        """Write one piece as a whole event; empty when it says nothing in this protocol."""
        ...


async def relay(exchange: Exchange, engine: Engine, inference: Inference, events: Events) -> str:
    """Stream an inference to the client; return the variant that served it.

    A failure before the first piece is raised and becomes an ordinary error answer. When the client
    leaves, the provider's stream is cancelled and what had arrived is recorded.

    Raises:
        TzproxyError: before the first piece.
        ClientGoneError: when the client left.
    """
    with Watch(exchange):
        stream = await engine.stream(inference)
        try:
            await _send(exchange, stream, events)
        except BaseException:
            # The client left, or writing for it failed: nobody reads on.
            await stream.abandon()
            raise
    return stream.variant_name


async def _send(exchange: Exchange, stream: AnswerStream, events: Events) -> None:
    pieces = await stream.pieces()
    await exchange.begin_stream()
    keep_alive = KeepAlive(exchange)
    try:
        while pieces is not None:
            data = b"".join([events.frame(piece, stream) for piece in pieces])
            if pieces[-1].last is not None:
                await exchange.stream(data + DONE, more=False)
                return
            if data:
                await exchange.stream(data)
                keep_alive.touch()
            write = exchange.writer()
            if write is None:
                pieces = await stream.pieces()
            else:
                await stream.follow(_Relay(stream, events, write, keep_alive))
                pieces = [await stream.end()]
    finally:
        keep_alive.stop()


class _Relay:
    """Sends pieces on as they come, without waiting."""

    __slots__ = ("_events", "_keep_alive", "_stream", "_write")

    def __init__(
        self, stream: AnswerStream, events: Events, write: Callable[[bytes], None], keep_alive: KeepAlive
    ) -> None:
        self._stream = stream
        self._events = events
        self._write = write
        self._keep_alive = keep_alive

    def __call__(self, pieces: list[Piece]) -> None:
        if len(pieces) == 1:
            data = self._events.frame(pieces[0], self._stream)
        else:
            data = b"".join([self._events.frame(piece, self._stream) for piece in pieces])
        if data:
            self._write(data)
            self._keep_alive.touch()
