"""Tests of `tzproxy.http.exchange`: headers, and the watch for clients that leave."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from in_process import CHAT, HELLO, MODEL, StartGateway, completion
from tzproxy.http.exchange import WATCH_AFTER_S, ClientGoneError, ResponseHeaders, Watch, joined
from virtual_time import VirtualLoop


class Client:
    """A client that leaves when told."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.asked = 0

    async def gone(self) -> None:
        """Wait for its leaving."""
        self.asked += 1
        await self.left.wait()


def watch(client: Client) -> Watch:
    """Watch a client."""
    exchange: Any = client
    return Watch(exchange)


def test_headers_in_both_forms() -> None:
    """The version stands on every answer, as text and as bytes."""
    headers = ResponseHeaders(("content-type", "text/plain"))
    assert headers.as_text == [("content-type", "text/plain"), ("x-tensorzero-gateway-version", "2026.6.0")]
    assert headers.as_bytes == [(name.encode(), value.encode()) for name, value in headers.as_text]


def test_a_single_part_is_not_copied() -> None:
    """Bodies that arrive at once are used as they are."""
    part = b"x" * 100
    assert joined([part]) is part
    assert joined([b"a", b"", b"b"]) == b"ab"


async def test_short_requests_are_not_watched() -> None:
    """Nobody asks after the client of a request that is over at once."""
    client = Client()
    for _ in range(100):
        with watch(client):
            await asyncio.sleep(WATCH_AFTER_S / 20)
    await asyncio.sleep(10 * WATCH_AFTER_S)
    assert client.asked == 0


async def test_a_client_that_leaves_cancels_its_request() -> None:
    """Work that takes longer is cancelled when its client leaves, and the task is not left cancelled."""
    client = Client()

    async def serve() -> str:
        try:
            with watch(client):
                await asyncio.sleep(1000)
        except ClientGoneError:
            await asyncio.sleep(0)
            return "gone"
        return "served"

    task = asyncio.ensure_future(serve())
    await asyncio.sleep(3 * WATCH_AFTER_S)
    assert client.asked == 1
    client.left.set()
    assert await task == "gone"


async def test_cancellation_from_elsewhere_stays_cancellation() -> None:
    """A server that shuts down cancels: that is not the client's leaving."""
    client = Client()

    async def serve() -> None:
        with watch(client):
            await asyncio.sleep(1000)

    task = asyncio.ensure_future(serve())
    await asyncio.sleep(3 * WATCH_AFTER_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_failures_are_not_hidden() -> None:
    """What the work itself raises comes through, also when the client has left meanwhile."""
    client = Client()
    with pytest.raises(KeyError):
        with watch(client):
            await asyncio.sleep(3 * WATCH_AFTER_S)
            client.left.set()
            raise KeyError


async def test_watching_ends_with_the_request() -> None:
    """A client that leaves after its answer disturbs nobody."""
    client = Client()
    with watch(client):
        await asyncio.sleep(3 * WATCH_AFTER_S)
    client.left.set()
    await asyncio.sleep(1)


def test_watching_works_on_every_loop() -> None:
    """A loop that ended with watches pending leaves nothing behind for the next one."""

    async def leave_early() -> None:
        watch(Client()).__enter__()

    async def watched() -> int:
        client = Client()
        with watch(client):
            await asyncio.sleep(5 * WATCH_AFTER_S)
        return client.asked

    for work in (leave_early, watched):
        loop = VirtualLoop()
        try:
            result = loop.run_until_complete(work())
        finally:
            loop.close()
    assert result == 1


# ---- over HTTP


async def test_a_client_that_leaves_before_the_answer(start: StartGateway) -> None:
    """The provider's request is cancelled; nothing was answered, so nothing is recorded."""
    gateway = await start(MODEL + CHAT, [[]], [completion()])
    conversation = gateway.begin("POST", "/inference", {"function_name": "f", "input": HELLO})
    await asyncio.sleep(1)
    connection = gateway.network.connections[0]
    assert not connection.is_closed
    conversation.disconnect()
    await conversation.task
    assert conversation.messages == []
    assert connection.is_closed
    assert gateway.sink.rows == []
    assert (await gateway.infer()).status == 200


async def test_a_client_that_leaves_while_sending(start: StartGateway) -> None:
    """Half a body is no request."""
    gateway = await start(MODEL + CHAT)
    messages = [
        {"type": "http.request", "body": b'{"function_name"', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/inference", "query_string": b"", "headers": []}
    await gateway.gateway(scope, receive, send)
    assert sent == []
    assert gateway.network.dialled == []
