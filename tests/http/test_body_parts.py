"""Tests of `tzproxy.http.body_parts`: bodies that arrive in parts."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Self

import pytest

from tzproxy.errors import RequestError
from tzproxy.http import body_parts
from tzproxy.http.body_parts import whole
from tzproxy.http.decompression import TOO_LARGE
from tzproxy.http.exchange import ClientGoneError


class Parts:
    """An iterator that ends as Granian's does: before there is anything to wait for."""

    def __init__(self, *parts: bytes) -> None:
        self.left = list(parts)

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[bytes]:
        if not self.left:
            raise StopAsyncIteration("stream exhausted")
        return self._give()

    async def _give(self) -> bytes:
        return self.left.pop(0)


async def test_bodies_with_a_length() -> None:
    """A body of the announced length is read; one that is cut off belongs to a client that left."""
    assert await whole(Parts(b"ab", b"c"), "3") == b"abc"
    with pytest.raises(ClientGoneError):
        await whole(Parts(b"ab"), "3")


async def test_bodies_without_a_length() -> None:
    """A chunked body is joined, an absent one empty."""
    assert await whole(Parts(b"a", b"", b"b"), None) == b"ab"
    assert await whole(Parts(), None) == b""


async def test_too_much_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the limit."""
    monkeypatch.setattr(body_parts, "LIMIT_BYTES", 10)
    parts = Parts(b"x" * 10, b"x", b"never read")
    with pytest.raises(RequestError) as caught:
        await whole(parts, None)
    assert caught.value.message == TOO_LARGE
    assert parts.left == [b"never read"]
