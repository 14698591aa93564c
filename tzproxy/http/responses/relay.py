"""Relays a streamed answer in protocols of named events: no `[DONE]`, and a failure ends the stream. Hot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tzproxy.errors import TzproxyError
from tzproxy.http.exchange import Exchange, Watch
from tzproxy.http.sse import KeepAlive
from tzproxy.inference.answer import Answer
from tzproxy.inference.answer_stream import AnswerStream
from tzproxy.inference.engine import Engine
from tzproxy.inference.plan import Inference
from tzproxy.types.content import Chunk


class NamedEvents(Protocol):
    """Writes one stream in a client protocol; each method returns whole events, perhaps none."""

    def begin(self, variant_name: str) -> bytes:
        """Write what comes before the first piece."""
        ...

    def write(self, content: Sequence[Chunk]) -> bytes:
        """Write a piece.

        Raises:
            TzproxyError: when the protocol has no way to say it.
        """
        ...

    def end(self, answer: Answer) -> bytes:
        """Write what comes after the last piece."""
        ...

    def fail(self, error: TzproxyError) -> bytes:
        """Write a failure, after which nothing follows."""
        ...


def named_frame(name: bytes, data: bytes) -> bytes:
    """Make one named event of JSON. A line break, which raw parts of a request may hold, would end it."""
    if b"\n" in data or b"\r" in data:
        data = msgspec.json.format(data, indent=-1)
    return b"event: " + name + b"\ndata: " + data + b"\n\n"


async def relay_named(exchange: Exchange, engine: Engine, inference: Inference, events: NamedEvents) -> None:
    """Stream an inference to the client.

    A failure before the first piece is raised and becomes an ordinary error answer. When the client
    leaves, or a piece brings an error, the provider's stream is cancelled and what had arrived is recorded.

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


async def _send(exchange: Exchange, stream: AnswerStream, events: NamedEvents) -> None:
    pieces = await stream.pieces()
    await exchange.begin_stream()
    keep_alive = KeepAlive(exchange)
    frames = [events.begin(stream.variant_name)]
    try:
        while pieces is not None:
            failure: TzproxyError | None = None
            for piece in pieces:
                if piece.last is not None:
                    frames.append(events.end(piece.last))
                    await exchange.stream(b"".join(frames), more=False)
                    return
                failure = piece.error or _write(frames, events, piece.content)
                if failure is not None:
                    await stream.abandon()
                    frames.append(events.fail(failure))
                    await exchange.stream(b"".join(frames), more=False)
                    return
            if any(frames):
                await exchange.stream(b"".join(frames))
                keep_alive.touch()
            frames = []
            pieces = await stream.pieces()
    finally:
        keep_alive.stop()


def _write(frames: list[bytes], events: NamedEvents, content: Sequence[Chunk]) -> TzproxyError | None:
    try:
        frames.append(events.write(content))
    except TzproxyError as exc:
        return exc
    return None
