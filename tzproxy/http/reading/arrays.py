"""Answers `{"key": [...]}` of any length: written piece by piece, as the items come. Cold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec
from msgspec import Struct

from tzproxy.http.exchange import JSON_HEADERS, Exchange, Watch

ENCODER = msgspec.json.Encoder()
AT_ONCE_BYTES = 256 * 1024
"""A shorter answer is sent whole, with its length."""


async def answer_array(
    exchange: Exchange, key: str, items: AsyncGenerator[Sequence[Struct]], *, before: bytes = b""
) -> None:
    """Answer with an object whose last key holds all items; `before` are the keys before it, as JSON.

    Raises:
        TzproxyError: of the items; before the first byte it becomes an ordinary error answer, later the
            answer stays incomplete, which no client takes for JSON.
        ClientGoneError: when the client left; nothing more is read then.
    """
    waiting = [b'{%b"%b":[' % (before, key.encode())]
    size = 0
    is_first = True
    with Watch(exchange):
        async with aclosing(items):
            async for some in items:
                for item in some:
                    piece = ENCODER.encode(item)
                    waiting.append(piece if is_first else b"," + piece)
                    is_first = False
                    size += len(piece)
                if size >= AT_ONCE_BYTES:
                    if not exchange.started:
                        await exchange.begin_stream(JSON_HEADERS)
                    await exchange.stream(b"".join(waiting))
                    waiting.clear()
                    size = 0
        waiting.append(b"]}")
        if exchange.started:
            await exchange.stream(b"".join(waiting), more=False)
        else:
            await exchange.answer(200, b"".join(waiting))
