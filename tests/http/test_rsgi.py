"""Tests of `tzproxy.http.rsgi`: the same exchange by Granian's own calling convention."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from in_process import CHAT, HELLO, MODEL, RunningGateway, StartGateway, completion, delta, streamed
from tzproxy.errors import RequestError
from tzproxy.http import rsgi
from tzproxy.http.decompression import TOO_LARGE
from tzproxy.http.exchange import ClientGoneError
from tzproxy.http.rsgi import RsgiExchange
from tzproxy.upstream.fake import event_stream

VERSION = ("x-tensorzero-gateway-version", "2026.6.0")
JSON_TYPE = ("content-type", "application/json")


class Transport:
    """Where a stream goes."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    async def send_bytes(self, data: bytes) -> None:
        """Keep a part."""
        if self.is_closed:
            raise RuntimeError("transport is closed")
        self.sent.append(data)


class Protocol:
    """Granian's side of an exchange."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.answers: list[Any] = []
        self.transport = Transport()
        self.left = asyncio.Event()

    async def __call__(self) -> bytes:
        """Give the whole body."""
        return b"".join(self.parts)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[bytes]:
        while self.parts:
            yield self.parts.pop(0)

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        """Take a whole answer."""
        self.answers.append((status, headers, body))

    def response_empty(self, status: int, headers: Any) -> None:
        """Take an answer without a body."""
        self.answers.append((status, headers, b""))

    def response_stream(self, status: int, headers: Any) -> Transport:
        """Take a stream's head."""
        self.answers.append((status, headers, None))
        return self.transport

    async def client_disconnect(self) -> None:
        """Wait for the client to leave."""
        await self.left.wait()


def scope(path: str = "/p", **headers: str) -> Any:
    """A scope as Granian makes it."""
    return SimpleNamespace(
        proto="http",
        method="POST",
        path=path,
        query_string="a=b%20c",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def exchange(*parts: bytes, **headers: str) -> RsgiExchange:
    """An exchange with this body."""
    asked = scope(**headers)
    return RsgiExchange(asked, asked.headers, Protocol(*parts))


async def test_bodies_with_a_length() -> None:
    """A body of the announced length is read; one that is cut off belongs to a client that left."""
    assert await exchange(b"abc", content_length="3").body() == b"abc"
    with pytest.raises(ClientGoneError):
        await exchange(b"ab", content_length="3").body()


async def test_bodies_without_a_length() -> None:
    """A chunked body is joined, an absent one empty."""
    assert await exchange(b"a", b"", b"b").body() == b"ab"
    assert await exchange().body() == b""


async def test_too_much_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the limit."""
    monkeypatch.setattr(rsgi, "LIMIT_BYTES", 10)
    protocol = Protocol(b"x" * 10, b"x", b"never read")
    with pytest.raises(RequestError) as caught:
        await RsgiExchange(scope(), {}, protocol).body()
    assert caught.value.message == TOO_LARGE
    assert protocol.parts == [b"never read"]


async def test_compressed_bodies_are_unfolded() -> None:
    """The encoding is taken from the header."""
    packed = gzip.compress(b"abc")
    found = await exchange(packed, content_encoding="gzip", content_length=str(len(packed))).body()
    assert found == b"abc"


async def test_headers_and_query() -> None:
    """Headers are found by their lower-case name; the query is as it was sent."""
    made = exchange(x_a="1")
    assert (made.header("x-a"), made.header("x-b")) == ("1", None)
    assert (made.method, made.path, made.query()) == ("POST", "/p", "a=b%20c")


async def test_answers() -> None:
    """With a body or without: status, headers, bytes."""
    protocol = Protocol()
    made = RsgiExchange(scope(), {}, protocol)
    await made.answer(200, b"{}")
    await made.answer(405, b"")
    assert protocol.answers == [(200, [JSON_TYPE, VERSION], b"{}"), (405, [JSON_TYPE, VERSION], b"")]
    assert made.started


async def test_streams() -> None:
    """Parts go to the transport; a closed one is the client's leaving."""
    protocol = Protocol()
    made = RsgiExchange(scope(), {}, protocol)
    await made.begin_stream()
    await made.stream(b"a")
    await made.stream(b"b")
    assert protocol.answers == [
        (200, [("content-type", "text/event-stream"), ("cache-control", "no-cache"), VERSION], None)
    ]
    assert protocol.transport.sent == [b"a", b"b"]
    protocol.transport.is_closed = True
    with pytest.raises(ClientGoneError):
        await made.stream(b"c")


# ---- the gateway over RSGI


async def serve(gateway: RunningGateway, path: str, body: object) -> Protocol:
    """Run one request to its end."""
    data = json.dumps(body).encode()
    protocol = Protocol(data)
    await gateway.gateway.__rsgi__(scope(path, content_length=str(len(data))), protocol)
    return protocol


async def test_an_inference(start: StartGateway) -> None:
    """A request is answered as over ASGI."""
    gateway = await start(MODEL + CHAT, [completion()])
    protocol = await serve(gateway, "/inference", {"function_name": "f", "input": HELLO})
    ((status, headers, body),) = protocol.answers
    assert (status, headers) == (200, [JSON_TYPE, VERSION])
    assert json.loads(body)["content"] == [{"type": "text", "text": "Hi"}]
    assert len(gateway.sink.rows) == 2


async def test_a_stream(start: StartGateway) -> None:
    """A stream's last event is its mark, and the rows are written."""
    gateway = await start(MODEL + CHAT, [streamed("a", "b")])
    protocol = await serve(gateway, "/inference", {"function_name": "f", "input": HELLO, "stream": True})
    said = b"".join(protocol.transport.sent)
    assert said.endswith(b"data: [DONE]\n\n")
    assert said.count(b"data: {") == 3
    assert len(gateway.sink.rows) == 2


async def test_a_client_that_leaves_in_mid_stream(start: StartGateway) -> None:
    """The provider's stream is cancelled, what had arrived is recorded."""
    gateway = await start(MODEL + CHAT, [event_stream([delta(content="a")])[:-1]])
    data = json.dumps({"function_name": "f", "input": HELLO, "stream": True}).encode()
    protocol = Protocol(data)
    handling = gateway.gateway.__rsgi__(scope("/inference", content_length=str(len(data))), protocol)
    task = asyncio.ensure_future(handling)
    await asyncio.sleep(1)
    assert len(protocol.transport.sent) == 1
    protocol.left.set()
    await task
    assert gateway.network.connections[0].is_closed
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "a"}]


async def test_a_client_whose_connection_breaks(start: StartGateway) -> None:
    """A part that cannot be sent has the same effect."""
    gateway = await start(MODEL + CHAT, [event_stream([])[:-1]])
    data = json.dumps({"function_name": "f", "input": HELLO, "stream": True}).encode()
    protocol = Protocol(data)
    protocol.transport.is_closed = True
    handling = gateway.gateway.__rsgi__(scope("/inference", content_length=str(len(data))), protocol)
    task = asyncio.ensure_future(handling)
    await asyncio.sleep(0.01)
    gateway.network.connections[0].push(event_stream([delta(content="a")])[1])
    await task
    assert gateway.network.connections[0].is_closed
    assert gateway.chat_rows[0]["output"] == [{"type": "text", "text": "a"}]
