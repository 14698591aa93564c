"""One exchange after another on a connection: endings, dead connections, garbage, limits and deadlines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tzproxy.errors import (
    UpstreamConnectError,
    UpstreamProtocolError,
    UpstreamSilenceError,
    UpstreamTimeoutError,
)
from tzproxy.upstream import NO_HEADERS, Endpoint, PoolCounters, Upstream, UpstreamSettings
from tzproxy.upstream.fake import FakeNetwork, Mark, answer, event_stream

ENDPOINT = Endpoint.parse("http://model.test/v1/chat?x=1")


def client(network: FakeNetwork, **settings: object) -> Upstream:
    """Make a client on a fake network."""
    return Upstream(UpstreamSettings(**settings), connector=network)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"x", headers={"connection": "close"}),
        b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx",
        answer(b"x") + b"HTTP/1.1 200 OK\r\n",
        [b"HTTP/1.1 200 OK\r\n\r\nx", Mark.EOF],
    ],
    ids=["close", "http 1.0", "excess bytes", "body until close"],
)
async def test_spent_connections_are_not_kept(reply: bytes | list[bytes | Mark]) -> None:
    """A connection whose next answer could not be trusted is closed after this one."""
    network = FakeNetwork([reply], [answer(b"y")])
    upstream = client(network)
    assert (await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)).body == b"x"
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=0, waiting=0)
    assert (await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)).body == b"y"
    assert network.connections[0].is_closed
    await upstream.aclose()


@pytest.mark.parametrize("death", [Mark.EOF, Mark.RESET])
async def test_dead_kept_connection_is_replaced_once(death: Mark) -> None:
    """A request that meets a dead kept connection is sent again on a fresh one, as a whole."""
    network = FakeNetwork([answer(b"1"), [death]], [answer(b"2")])
    upstream = client(network)
    await upstream.send(ENDPOINT, NO_HEADERS, b"a", timeout_s=5)
    assert (await upstream.send(ENDPOINT, NO_HEADERS, b"b", timeout_s=5)).body == b"2"
    assert network.connections[1].sent == [network.connections[0].sent[1]]
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=1, slots=1, waiting=0)
    await upstream.aclose()


async def test_dead_kept_connection_is_replaced_for_streams_too() -> None:
    """Streams are retried as plain requests are."""
    network = FakeNetwork([answer(b"1"), [Mark.RESET]], [event_stream([b"2"])])
    upstream = client(network)
    await upstream.send(ENDPOINT, NO_HEADERS, b"a", timeout_s=5)
    stream = await upstream.open(ENDPOINT, NO_HEADERS, b"b", first_byte_timeout_s=5, timeout_s=5)
    assert await stream.next_events() == [b"2"]
    await upstream.aclose()


async def test_write_failure_on_a_kept_connection_is_a_dead_connection() -> None:
    """A connection that broke without notice shows when it is written to; the request is sent again."""
    network = FakeNetwork([answer(b"1")], [answer(b"2")])
    upstream = client(network)
    await upstream.send(ENDPOINT, NO_HEADERS, b"a", timeout_s=5)
    network.connections[0].is_closed = True
    assert (await upstream.send(ENDPOINT, NO_HEADERS, b"b", timeout_s=5)).body == b"2"
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=1, slots=1, waiting=0)
    await upstream.aclose()


async def test_fresh_connection_is_not_retried() -> None:
    """A server that closes a fresh connection gets the request only once."""
    network = FakeNetwork([answer(b"1"), [Mark.EOF]], [[Mark.EOF]], [answer(b"never")])
    upstream = client(network)
    await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    with pytest.raises(UpstreamProtocolError, match="before the response was complete"):
        await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    assert len(network.requests) == 3
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=0, waiting=0)
    await upstream.aclose()


@pytest.mark.parametrize("death", [Mark.EOF, Mark.RESET])
async def test_no_retry_after_the_first_byte(death: Mark) -> None:
    """Once a byte of the answer has arrived the request may have had its effect and is not repeated."""
    network = FakeNetwork([answer(b"1"), [b"H", death]], [answer(b"never")])
    upstream = client(network)
    await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    with pytest.raises(UpstreamProtocolError):
        await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    assert len(network.connections) == 1
    await upstream.aclose()


async def test_replacement_fails_too() -> None:
    """When the fresh connection cannot be made the error says so, and no slot stays behind."""
    network = FakeNetwork([answer(b"1"), [Mark.EOF]], UpstreamConnectError("refused"))
    upstream = client(network)
    await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    with pytest.raises(UpstreamConnectError, match="refused"):
        await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=0, waiting=0)
    await upstream.aclose()


@pytest.mark.parametrize(
    "garbage", [b"garbage", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", b"\x00" * 100]
)
async def test_garbage_is_a_protocol_error(garbage: bytes) -> None:
    """Bytes that are not HTTP close the connection and raise, never crash."""
    network = FakeNetwork([garbage], [garbage])
    upstream = client(network)
    with pytest.raises(UpstreamProtocolError):
        await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    with pytest.raises(UpstreamProtocolError):
        await upstream.open(ENDPOINT, NO_HEADERS, b"", first_byte_timeout_s=5, timeout_s=5)
    assert [connection.is_closed for connection in network.connections] == [True, True]
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=0, waiting=0)
    await upstream.aclose()


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"x" * 101),
        b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n",
        [
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"3c\r\n" + b"x" * 60 + b"\r\n",
            b"3c\r\n" + b"x" * 60,
        ],
    ],
    ids=["whole", "announced", "chunked"],
)
async def test_oversized_body_is_refused(reply: bytes | list[bytes]) -> None:
    """A body beyond the limit is given up as soon as that is known."""
    network = FakeNetwork([reply])
    upstream = client(network, max_response_bytes=100)
    with pytest.raises(UpstreamProtocolError, match="larger than 100 bytes"):
        await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=0, waiting=0)
    await upstream.aclose()


@pytest.mark.parametrize(
    "pieces", [[], [b"HTTP/1.1 200 OK\r\n"], [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"]]
)
async def test_deadline_of_a_request(pieces: list[bytes]) -> None:
    """A server that does not finish in time is a timeout wherever it stopped; its connection is closed."""
    network = FakeNetwork([pieces])
    upstream = client(network)
    with pytest.raises(UpstreamTimeoutError):
        await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=0.02)
    assert network.connections[0].is_closed
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=0, waiting=0)
    await upstream.aclose()


async def test_deadline_after_a_longer_one(clock: Any) -> None:
    """The timer of an earlier, longer deadline does not delay a shorter one; nor the other way round."""
    network = FakeNetwork([answer(b"1"), answer(b"2"), [b"HTTP/1.1 200 OK\r\n"]])
    upstream = Upstream(UpstreamSettings(), connector=network, clock=clock)
    await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=500)
    await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=0.01)
    pending = asyncio.ensure_future(upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=0.03))
    await asyncio.sleep(0.05)
    clock.now += 0.02
    await asyncio.sleep(0.05)
    assert not pending.done()
    clock.now += 0.02
    with pytest.raises(UpstreamTimeoutError):
        await pending
    await upstream.aclose()


async def test_silence_ends_a_request() -> None:
    """A server that says nothing for too long is given up before the request's own deadline."""
    network = FakeNetwork([[]])
    upstream = client(network, silence_timeout_s=0.02)
    with pytest.raises(UpstreamSilenceError, match=r"nothing arrived for 0\.02 s"):
        await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=60)
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=0, waiting=0)
    await upstream.aclose()


async def test_silence_ends_a_stream_after_what_it_said() -> None:
    """What arrived before the silence is delivered before the error."""
    network = FakeNetwork([event_stream([b"x"])[:2]])
    upstream = client(network, silence_timeout_s=0.05)
    stream = await upstream.open(ENDPOINT, NO_HEADERS, b"", first_byte_timeout_s=60, timeout_s=60)
    assert await stream.next_events() == [b"x"]
    with pytest.raises(UpstreamSilenceError):
        await stream.next_events()
    assert network.connections[0].is_closed
    await upstream.aclose()


async def test_every_byte_ends_the_silence(clock: Any) -> None:
    """Only the time since the last byte counts, not the time since the request."""
    network = FakeNetwork([event_stream([b"x"])[:2]])
    settings = UpstreamSettings(silence_timeout_s=0.02)
    upstream = Upstream(settings, connector=network, clock=clock)
    stream = await upstream.open(ENDPOINT, NO_HEADERS, b"", first_byte_timeout_s=60, timeout_s=60)
    assert await stream.next_events() == [b"x"]
    reading = asyncio.ensure_future(stream.next_events())
    await asyncio.sleep(0.06)
    assert not reading.done()
    clock.now += 1
    with pytest.raises(UpstreamSilenceError):
        await reading
    await upstream.aclose()
