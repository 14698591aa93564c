"""Tests of `tzproxy.client.embedded.exchange`: both ends of a request."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from tzproxy.client.embedded.exchange import WAITING_PARTS, LocalExchange, LocalRequest
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.http.exchange import ClientGoneError


def exchange(body: bytes = b"", **headers: str) -> LocalExchange:
    """An exchange under way."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return LocalExchange(LocalRequest("POST", "/a?b=c", given, body))


async def test_what_routes_see() -> None:
    """Path (its escapes undone), query, headers and body; a compressed body is unpacked."""
    assert LocalExchange(LocalRequest("GET", "/a%20%C3%A4?b=%20", {})).path == "/a ä"
    one = exchange(b"x", x_a="1")
    assert (one.method, one.path, one.query()) == ("POST", "/a", "b=c")
    assert (one.header("x-a"), one.header("x-b"), await one.body()) == ("1", None, b"x")
    assert await exchange(gzip.compress(b"y"), content_encoding="gzip").body() == b"y"


async def test_a_whole_answer() -> None:
    """The reader gets status, headers and body, then nothing."""
    one = exchange()
    await one.answer(404, b"{}")
    await one.begun()
    assert one.started
    assert (one.status, dict(one.headers)["content-type"]) == (404, "application/json")
    assert [await one.read(), await one.read()] == [b"{}", b""]


async def test_a_stream() -> None:
    """Parts that wait are handed out together, in order; the end is the end."""
    one = exchange()
    await one.begin_stream()
    await one.stream(b"a")
    await one.stream(b"b")
    assert await one.read() == b"ab"
    waiting = asyncio.ensure_future(one.read())
    await asyncio.sleep(0)
    await one.stream(b"c", more=False)
    assert [await waiting, await one.read()] == [b"c", b""]


async def test_a_stream_waits_for_its_reader() -> None:
    """A route that is far ahead stops until something is read."""
    one = exchange()
    await one.begin_stream()
    for _ in range(WAITING_PARTS):
        await one.stream(b"x")
    ahead = asyncio.ensure_future(one.stream(b"y"))
    await asyncio.sleep(0.01)
    assert not ahead.done()
    assert len(await one.read()) == WAITING_PARTS
    await ahead
    assert await one.read() == b"y"


async def test_a_reader_that_leaves() -> None:
    """The route finds its client gone, also one that waits for room."""
    one = exchange()
    await one.begin_stream()
    for _ in range(WAITING_PARTS):
        await one.stream(b"x")
    ahead = asyncio.ensure_future(one.stream(b"y"))
    await asyncio.sleep(0)
    one.leave()
    await one.gone()
    for sending in (ahead, one.stream(b"z")):
        with pytest.raises(ClientGoneError):
            await sending


async def test_a_stream_that_is_cut_off() -> None:
    """What had arrived is handed out; then there is an error, not an end."""
    one = exchange()
    await one.begin_stream()
    await one.stream(b"x")
    one.leave()
    one.finish()
    assert await one.read() == b"x"
    with pytest.raises(TensorZeroInternalError, match="closed"):
        await one.read()
