"""Tests of `tzproxy.http.path_ids`: ids of any form, and what is none."""

from __future__ import annotations

import pytest

from in_process import Conversation
from tzproxy.http.app import App
from tzproxy.http.asgi import AsgiExchange, Receive, Scope, Send
from tzproxy.http.exchange import Exchange
from tzproxy.http.path_ids import read_ids

ID = "01900000-0000-7000-8000-00000000000a"


def begin(path: str, seen: list[dict[str, str] | None]) -> Conversation:
    """Ask a route that notes the ids of its path, of which one is not there."""

    async def handler(exchange: Exchange) -> None:
        ids = await read_ids(exchange, "one", "two", "three")
        seen.append(ids)
        if ids is not None:
            await exchange.answer(200, b"{}")

    app = App({("GET", "/{one}/{two}"): handler})

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app.serve(AsgiExchange(scope, receive, send))

    return Conversation(serve, "GET", path)


@pytest.mark.parametrize("given", [ID, ID.upper(), ID.replace("-", "")])
async def test_ids(given: str) -> None:
    """Ids come in their canonical form, those that the path has."""
    seen: list[dict[str, str] | None] = []
    reply = await begin(f"/{given}/{ID}", seen).finish()
    assert reply.status == 200
    assert seen == [{"one": ID, "two": ID}]


async def test_what_is_no_id() -> None:
    """The first one is told in plain text, with its name."""
    seen: list[dict[str, str] | None] = []
    reply = await begin(f"/{ID}/nope", seen).finish()
    assert (reply.status, reply.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert reply.body.startswith(b"Invalid URL: Cannot parse `two` with value `nope`: UUID parsing failed: ")
    assert seen == [None]
