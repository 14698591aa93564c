"""Reads a body that arrives in parts: one that is long, or of unknown length.

Not among the compiled modules: Granian's iterator ends by raising from `__anext__` itself, instead of from
what that returns, which Cython's `async for` does not expect.
"""

from __future__ import annotations

from collections.abc import AsyncIterable

from tzproxy.errors import RequestError
from tzproxy.http.decompression import LIMIT_BYTES, TOO_LARGE
from tzproxy.http.exchange import ClientGoneError, joined


async def whole(parts: AsyncIterable[bytes], length: str | None) -> bytes:
    """Join the parts of a body.

    Args:
        parts: come as the client sends them.
        length: the header `content-length`.

    Raises:
        RequestError: when there is more than 100 MiB; the rest is not read.
        ClientGoneError: when there is less than was announced.
    """
    read: list[bytes] = []
    size = 0
    async for part in parts:
        read.append(part)
        size += len(part)
        if size > LIMIT_BYTES:
            raise RequestError(TOO_LARGE)
    if length is not None and size != int(length):
        raise ClientGoneError
    return joined(read or [b""])
