"""Tests of `tzproxy.http.reading.asked`: texts become parameters, or are refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Struct

from in_process import Conversation, Reply
from tzproxy.http.app import App
from tzproxy.http.asgi import AsgiExchange, Receive, Scope, Send
from tzproxy.http.reading.asked import ReadBodyRoute, ReadRoute

ID = "01900000-0000-7000-8000-000000000001"


class Asked(Struct):
    """Parameters of several kinds."""

    id: UUID
    limit: int = 20
    name: str | None = None
    window: float = 0.5


async def echo(asked: Asked) -> object:
    """Answer with the parameters."""
    return asked


async def send(method: str, path: str, body: bytes = b"") -> Reply:
    """Send a request to routes that answer with their parameters."""
    app = App({("GET", "/of/{id}"): ReadRoute(Asked, echo), ("POST", "/"): ReadBodyRoute(Asked, echo)})

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app.serve(AsgiExchange(scope, receive, send))

    return await Conversation(serve, method, path, parts=[body]).finish()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("?limit=3&name=a%20b%26c&other=1", {"limit": 3, "name": "a b&c"}),
        ("?window=1e-1&name=", {"window": 0.1, "name": ""}),
        ("?id=x", {}),
    ],
)
async def test_parameters(query: str, expected: dict[str, Any]) -> None:
    """Texts become what the fields want; what stands in the path cannot be overwritten."""
    reply = await send("GET", f"/of/{ID}{query}")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json() == {"id": ID, "limit": 20, "name": None, "window": 0.5, **expected}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/of/x", "Invalid URL: Cannot parse `id` with value `x`: Invalid UUID"),
        (f"/of/{ID}?limit=many", "Failed to deserialize query string: limit: invalid digit found in string"),
    ],
)
async def test_refusals(path: str, text: str) -> None:
    """A wrong parameter is refused in plain text that names it."""
    reply = await send("GET", path)
    assert (reply.status, reply.body.decode()) == (400, text)
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


async def test_bodies() -> None:
    """A body gives the same parameters, and is refused as all bodies are."""
    reply = await send("POST", "/", msgspec.json.encode({"id": ID, "limit": 1}))
    assert reply.json() == {"id": ID, "limit": 1, "name": None, "window": 0.5}
    reply = await send("POST", "/", b"{}")
    assert (reply.status, reply.error) == (400, "missing field `id`")
