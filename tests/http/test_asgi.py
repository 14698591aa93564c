"""Tests of `tzproxy.http.asgi`: bodies in, answers and streams out, as ASGI messages."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from tzproxy.errors import RequestError
from tzproxy.http import asgi
from tzproxy.http.asgi import AsgiExchange
from tzproxy.http.decompression import TOO_LARGE
from tzproxy.http.exchange import ClientGoneError, ResponseHeaders

VERSION = (b"x-tensorzero-gateway-version", b"2026.6.0")


class Server:
    """The server's side: gives messages, keeps what is sent."""

    def __init__(self, *messages: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.messages = list(messages)
        self.sent: list[Any] = []
        self.failure: Exception | None = None
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
        self.exchange = AsgiExchange(
            {
                "type": "http",
                "method": "POST",
                "path": "/p",
                "query_string": b"a=b%20c&d",
                "headers": pairs,
            },
            self.receive,
            self.send,
        )

    async def receive(self) -> Any:
        """Give the next message."""
        return self.messages.pop(0)

    async def send(self, message: Any) -> None:
        """Keep a message."""
        if self.failure is not None:
            raise self.failure
        self.sent.append(message)


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    """A part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


async def test_bodies_are_joined() -> None:
    """A body may come in parts, empty ones among them, or not at all."""
    assert await Server(part(b"abc")).exchange.body() == b"abc"
    assert await Server(part(b"a", True), part(b"", True), part(b"b")).exchange.body() == b"ab"
    assert await Server({"type": "http.request"}).exchange.body() == b""


async def test_a_client_that_leaves_while_sending() -> None:
    """Half a body is nobody's request."""
    with pytest.raises(ClientGoneError):
        await Server(part(b"a", True), {"type": "http.disconnect"}).exchange.body()


async def test_too_much_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the limit, whatever is still to come."""
    monkeypatch.setattr(asgi, "LIMIT_BYTES", 10)
    server = Server(part(b"x" * 10, True), part(b"x", True), part(b"never read"))
    with pytest.raises(RequestError) as caught:
        await server.exchange.body()
    assert caught.value.message == TOO_LARGE
    assert len(server.messages) == 1
    assert await Server(part(b"x" * 10)).exchange.body() == b"x" * 10


async def test_compressed_bodies_are_unfolded() -> None:
    """The encoding is taken from the header."""
    server = Server(part(gzip.compress(b"abc")), headers={"content-encoding": "gzip"})
    assert await server.exchange.body() == b"abc"


def test_headers_and_query() -> None:
    """Headers are found by their lower-case name, in any character set; the query is as it was sent."""
    exchange = Server(headers={"x-a": "ä", "x-b": ""}).exchange
    assert (exchange.header("x-a"), exchange.header("x-b"), exchange.header("x-c")) == ("ä", "", None)
    assert (exchange.method, exchange.path, exchange.query()) == ("POST", "/p", "a=b%20c&d")


async def test_a_whole_answer() -> None:
    """Status and headers, then the body; the exchange knows that it has begun."""
    server = Server()
    assert not server.exchange.started
    await server.exchange.answer(418, b"{}")
    assert server.exchange.started
    assert server.sent == [
        {
            "type": "http.response.start",
            "status": 418,
            "headers": [(b"content-type", b"application/json"), VERSION],
        },
        {"type": "http.response.body", "body": b"{}"},
    ]


async def test_headers_of_ones_own() -> None:
    """A route may bring other headers."""
    server = Server()
    await server.exchange.answer(405, b"", ResponseHeaders(("allow", "GET")))
    assert server.sent[0]["headers"] == [(b"allow", b"GET"), VERSION]


async def test_a_stream() -> None:
    """The head, then parts, the last of which says so."""
    server = Server()
    await server.exchange.begin_stream()
    await server.exchange.stream(b"a")
    await server.exchange.stream(b"b", more=False)
    assert server.sent == [
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"), VERSION],
        },
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "body": b"b", "more_body": False},
    ]


async def test_a_server_that_knows_the_client_gone() -> None:
    """What the server raises for a closed connection is the client's leaving."""
    server = Server()
    await server.exchange.begin_stream()
    server.failure = BrokenPipeError()
    with pytest.raises(ClientGoneError):
        await server.exchange.stream(b"a")


async def test_waiting_for_the_client_to_leave() -> None:
    """Whatever else comes, only the disconnection counts."""
    server = Server(part(b"late"), {"type": "http.disconnect"}, part(b"never"))
    await server.exchange.gone()
    assert len(server.messages) == 1
