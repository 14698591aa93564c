"""Slots: limits, waiting, idle expiry, and that cancellation at any point leaks nothing."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

import pytest

from tzproxy._speedups.connection import Connection
from tzproxy.errors import UpstreamConnectError, UpstreamError, UpstreamTimeoutError
from tzproxy.upstream import NO_HEADERS, Endpoint, PoolCounters, Upstream, UpstreamResponse, UpstreamSettings
from tzproxy.upstream.fake import FakeNetwork, Mark, Script, answer, event_stream

ENDPOINT = Endpoint.parse("http://model.test/v1/chat")
NONE = PoolCounters(idle=0, slots=0, waiting=0)
KEPT = PoolCounters(idle=1, slots=1, waiting=0)


def client(network: FakeNetwork, *, limit: int = 1, **options: object) -> Upstream:
    """Make a client that may open few connections."""
    settings = UpstreamSettings(max_connections_per_origin=limit, **options)  # type: ignore[arg-type]
    return Upstream(settings, connector=network)


def send(
    upstream: Upstream, body: bytes = b"", timeout_s: float | None = 5
) -> asyncio.Task[UpstreamResponse]:
    """Start a request."""
    return asyncio.ensure_future(upstream.send(ENDPOINT, NO_HEADERS, body, timeout_s=timeout_s))


async def turns(count: int) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_limit_and_order() -> None:
    """Above the limit requests wait and are served in order over the connections there are."""
    network = FakeNetwork([answer(b"0"), answer(b"1"), answer(b"2"), answer(b"3")])
    upstream = client(network)
    tasks = [send(upstream, b"%d" % i) for i in range(4)]
    await turns(1)
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=1, waiting=3)
    assert [response.body for response in await asyncio.gather(*tasks)] == [b"0", b"1", b"2", b"3"]
    assert [request[-1:] for request in network.requests] == [b"0", b"1", b"2", b"3"]
    assert upstream.counters(ENDPOINT) == KEPT
    await upstream.aclose()


async def test_slot_of_a_closed_connection_goes_to_the_next() -> None:
    """When a connection ends, the first that waits opens its own in the slot that became free."""
    network = FakeNetwork([answer(b"0", headers={"connection": "close"})], [answer(b"1")])
    upstream = client(network)
    assert [response.body for response in await asyncio.gather(send(upstream), send(upstream))] == [
        b"0",
        b"1",
    ]
    assert upstream.counters(ENDPOINT) == KEPT
    await upstream.aclose()


async def test_failed_connect_lets_the_next_try() -> None:
    """A slot whose connection could not be made is not lost to those who wait."""
    upstream = client(FakeNetwork(UpstreamConnectError("refused"), [answer(b"1")]))
    first, second = send(upstream), send(upstream)
    with pytest.raises(UpstreamConnectError, match="refused"):
        await first
    assert (await second).body == b"1"
    await upstream.aclose()


async def test_waiting_ends_with_the_deadline() -> None:
    """A request that waits for a connection until its deadline is a timeout and leaves the queue."""
    upstream = client(FakeNetwork([[]]))
    holder = send(upstream)
    with pytest.raises(UpstreamTimeoutError, match="waiting for a free connection"):
        await send(upstream, timeout_s=0.02)
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=1, waiting=0)
    holder.cancel()
    await asyncio.wait([holder])
    await upstream.aclose()


async def test_waiting_has_its_own_limit() -> None:
    """With a queue timeout the pool says that it stayed full."""
    upstream = client(FakeNetwork([[]]), queue_timeout_s=0.02)
    holder = send(upstream)
    await turns(1)
    with pytest.raises(UpstreamConnectError, match="none of the 1 connections"):
        await send(upstream, timeout_s=None)
    holder.cancel()
    await asyncio.wait([holder])
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_close_ends_waiting_and_connecting() -> None:
    """Closing the client fails those who wait and those who are connecting, at once."""
    upstream = client(FakeNetwork(Mark.HANG), limit=1)
    tasks = [send(upstream), send(upstream)]
    await turns(3)
    await upstream.aclose()
    for result in await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 4):
        assert isinstance(result, UpstreamConnectError)
        assert "closed" in result.message
    assert upstream.counters(ENDPOINT) == NONE


@pytest.mark.parametrize("count", range(12))
async def test_close_at_every_turn(count: int) -> None:
    """Whenever the client is closed, every request ends and no slot stays taken."""
    upstream = client(FakeNetwork([answer(b"a"), answer(b"b"), answer(b"c")]))
    tasks = [send(upstream) for _ in range(3)]
    await turns(count)
    await upstream.aclose()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, (UpstreamResponse, UpstreamConnectError))
    assert upstream.counters(ENDPOINT) == NONE
    for url in ("http://model.test/", "http://another.test/"):
        with pytest.raises(UpstreamConnectError, match="closed"):
            await upstream.send(Endpoint.parse(url), NO_HEADERS, b"", timeout_s=5)


async def test_dead_connections_are_not_remembered() -> None:
    """However connections end, the pool holds no reference to them afterwards."""
    scripts: list[Script] = [[answer(b"a"), [Mark.RESET]] for _ in range(20)]
    network = FakeNetwork(*scripts, [answer(b"z"), answer(b"z")])
    upstream = client(network)
    gc.collect()
    before = sum(isinstance(each, Connection) for each in gc.get_objects())
    for _ in range(21):
        await send(upstream)
    await turns(3)
    network.connections.clear()
    gc.collect()
    assert sum(isinstance(each, Connection) for each in gc.get_objects()) - before <= 1
    await upstream.aclose()


# ---- idle connections


async def test_idle_connections_expire(clock: Any) -> None:
    """A connection nobody used for the idle time is closed; one that was used stays."""
    network = FakeNetwork(*[[answer(b"0"), answer(b"1")]] * 2)
    settings = UpstreamSettings(idle_timeout_s=30)
    upstream = Upstream(settings, connector=network, clock=clock)
    await asyncio.gather(send(upstream, timeout_s=None), send(upstream, timeout_s=None))
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=2, slots=2, waiting=0)
    clock.now += 20
    await send(upstream, timeout_s=None)
    clock.now += 15
    upstream.close_idle()
    assert upstream.counters(ENDPOINT) == KEPT
    assert sum(connection.is_closed for connection in network.connections) == 1
    clock.now += 15
    upstream.close_idle()
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_expired_connection_is_not_used(clock: Any) -> None:
    """Even before the timer has come round, an expired connection does not get a request."""
    network = FakeNetwork([answer(b"0"), answer(b"never")], [answer(b"1")])
    upstream = Upstream(UpstreamSettings(idle_timeout_s=30), connector=network, clock=clock)
    await send(upstream, timeout_s=None)
    clock.now += 31
    assert (await send(upstream, timeout_s=None)).body == b"1"
    assert network.connections[0].is_closed
    await upstream.aclose()


async def test_idle_timer(clock: Any) -> None:
    """Idle connections close without anybody asking, and not before their time."""
    upstream = Upstream(
        UpstreamSettings(idle_timeout_s=0.01), connector=FakeNetwork([answer(b"0")]), clock=clock
    )
    await send(upstream, timeout_s=None)
    await asyncio.sleep(0.03)
    assert upstream.counters(ENDPOINT) == KEPT
    clock.now += 0.02
    await asyncio.sleep(0.06)
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


@pytest.mark.parametrize("event", [Mark.EOF, Mark.RESET, b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
async def test_idle_connection_that_speaks_or_dies_is_dropped(event: bytes | Mark) -> None:
    """Whatever a server does on an idle connection, that connection is not used again."""
    network = FakeNetwork([answer(b"0"), answer(b"never")], [answer(b"1")])
    upstream = client(network)
    await send(upstream)
    network.connections[0].push(event)
    await turns(3)
    assert upstream.counters(ENDPOINT) == NONE
    assert (await send(upstream)).body == b"1"
    await upstream.aclose()


# ---- cancellation


async def cancel_after(count: int, work: Coroutine[Any, Any, object]) -> None:
    """Run something for so many turns of the loop, then cancel it."""
    task = asyncio.ensure_future(work)
    await turns(count)
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        assert task.exception() is None or isinstance(task.exception(), UpstreamError)


async def read_stream(upstream: Upstream) -> None:
    """Open a stream and read it to its end."""
    async with await upstream.open(ENDPOINT, NO_HEADERS, b"", first_byte_timeout_s=5, timeout_s=5) as stream:
        while await stream.next_events() is not None:
            pass


SCRIPTS: dict[str, list[Script]] = {
    "plain": [[[b"HTTP/1.1 200 OK\r\n", b"content-length: 2\r\n\r\n", b"o", b"k"]]],
    "stream": [[event_stream([b"1", b"2", b"3"])]],
    "until close": [[[b"HTTP/1.1 200 OK\r\n\r\n", b"data: 1\n\n", Mark.EOF]]],
    "hanging connect": [Mark.HANG],
    "refused": [UpstreamConnectError("refused")],
    "silent": [[[]]],
    "garbage": [[[b"HTTP/1.1 200 OK\r\n", b"\x00"]]],
    "reset": [[[b"HTTP/1.1 200 OK\r\n", Mark.RESET]]],
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("streaming", [False, True], ids=["send", "open"])
async def test_cancel_at_every_turn(script: str, streaming: bool) -> None:
    """Wherever cancellation strikes a lone request, its slot is free or holds a kept connection."""
    for count in range(14):
        upstream = client(FakeNetwork(*SCRIPTS[script]))
        work = read_stream(upstream) if streaming else upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
        await cancel_after(count, work)
        await turns(3)
        assert upstream.counters(ENDPOINT) in (NONE, KEPT)
        await upstream.aclose()


@pytest.mark.parametrize("script", SCRIPTS)
async def test_cancel_with_a_full_pool(script: str) -> None:
    """The next in the queue gets the slot of a request cancelled at any point, connecting included."""
    for count in range(14):
        # What is left of the first connection's script does not matter; the second must serve.
        network = FakeNetwork(*SCRIPTS[script], [answer(b"ok")])
        upstream = client(network)
        work = asyncio.ensure_future(upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5))
        await turns(1)
        waiting = send(upstream, timeout_s=30)
        await turns(count)
        work.cancel()
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()
        if network.connections and not network.connections[0].is_closed:
            network.connections[0].push(Mark.EOF)
        assert (await waiting).status == 200
        await turns(3)
        assert upstream.counters(ENDPOINT) in (NONE, KEPT)
        await upstream.aclose()


async def test_cancel_of_the_waiting_at_every_turn() -> None:
    """A cancelled request in the queue passes on whatever it was given at the last moment."""
    for count in range(16):
        network = FakeNetwork(*[[answer(b"a"), answer(b"b"), answer(b"c")]] * 2)
        upstream = client(network)
        first = send(upstream)
        await turns(1)
        middle = asyncio.ensure_future(
            cancel_after(count, upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5))
        )
        await turns(1)
        last = send(upstream, timeout_s=30)
        await asyncio.gather(first, middle, last)
        assert upstream.counters(ENDPOINT) == KEPT
        await upstream.aclose()


async def test_cancel_of_the_waiting_that_was_given_a_slot() -> None:
    """A bare slot that was handed to a cancelled request goes to the one behind it."""
    for count in range(12):
        network = FakeNetwork(
            [answer(b"a", headers={"connection": "close"})], *[[answer(b"b"), answer(b"c")]] * 2
        )
        upstream = client(network)
        first = send(upstream)
        await turns(1)
        middle = asyncio.ensure_future(
            cancel_after(count, upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5))
        )
        await turns(1)
        last = send(upstream, timeout_s=30)
        await asyncio.gather(first, middle, last)
        assert upstream.counters(ENDPOINT) == KEPT
        await upstream.aclose()


async def test_cancel_while_replacing_a_dead_connection() -> None:
    """The slot of a dead kept connection is not lost when its request is cancelled at any point after."""
    for count in range(10):
        network = FakeNetwork([answer(b"a"), [Mark.RESET]], *[[answer(b"b"), answer(b"c")]] * 2)
        upstream = client(network)
        await send(upstream)
        await cancel_after(count, upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5))
        await turns(3)
        assert upstream.counters(ENDPOINT) in (NONE, KEPT)
        await send(upstream, timeout_s=30)
        await upstream.aclose()


async def test_connection_that_dies_on_its_way_to_the_waiting() -> None:
    """A connection that breaks between being given and being used is replaced within its slot."""
    network = FakeNetwork([[]], [answer(b"b")])
    upstream = client(network)
    first, second = send(upstream), send(upstream)
    await turns(4)
    protocol = network.connections[0].protocol
    protocol.data_received(answer(b"a"))
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=1, waiting=0)
    protocol.connection_lost(ConnectionResetError())
    assert (await first).body == b"a"
    assert (await second).body == b"b"
    assert network.connections[0].sent != [] and len(network.connections) == 2
    assert upstream.counters(ENDPOINT) == KEPT
    await upstream.aclose()


GIFTS: dict[str, list[bytes | Mark]] = {
    "a connection": [answer(b"a")],
    "a connection that dies": [answer(b"a"), Mark.RESET],
    "a bare slot": [answer(b"a", headers={"connection": "close"})],
}


@pytest.mark.parametrize("gift", GIFTS)
@pytest.mark.parametrize("is_last", [True, False], ids=["alone", "with another behind"])
async def test_cancel_at_the_moment_of_being_served(gift: str, is_last: bool) -> None:
    """A request that is cancelled just when it is given something hands it on, or leaves the pool clean."""
    network = FakeNetwork([[], answer(b"b")], [answer(b"b")])
    upstream = client(network)
    first, second = send(upstream), send(upstream)
    tasks = [first, second] if is_last else [first, second, send(upstream, timeout_s=30)]
    await turns(4)
    protocol = network.connections[0].protocol
    for piece in GIFTS[gift]:
        if isinstance(piece, bytes):
            protocol.data_received(piece)
        else:
            protocol.connection_lost(ConnectionResetError())
    assert upstream.counters(ENDPOINT).slots == 1
    second.cancel()
    await asyncio.wait(tasks)
    assert second.cancelled()
    assert [task.result().body for task in tasks if task is not second] == [b"a", b"b"][: len(tasks) - 1]
    assert upstream.counters(ENDPOINT) == (NONE if is_last and gift != "a connection" else KEPT)
    await upstream.aclose()


async def test_cancel_at_the_moment_a_stream_opens() -> None:
    """A stream that nobody will receive is broken off."""
    network = FakeNetwork([[]])
    upstream = client(network)
    task = asyncio.ensure_future(read_stream(upstream))
    await turns(4)
    network.connections[0].protocol.data_received(event_stream([])[0])
    task.cancel()
    await asyncio.wait([task])
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_cancelled_read_closes_the_connection() -> None:
    """Cancelling a read is enough to break a stream off; nobody has to close it as well."""
    upstream = client(FakeNetwork([event_stream([b"1"])[:2]]))
    stream = await upstream.open(ENDPOINT, NO_HEADERS, b"", first_byte_timeout_s=5, timeout_s=5)
    assert await stream.next_events() == [b"1"]
    reading = asyncio.ensure_future(stream.next_events())
    await turns(2)
    reading.cancel()
    await asyncio.wait([reading])
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_fresh_connection_closed_before_use() -> None:
    """A server that closes at once is a connect error, and the slot is free."""

    class Slammer(FakeNetwork):
        async def connect(self, protocol: Any, endpoint: Any, route: Any) -> None:
            await super().connect(protocol, endpoint, route)
            self.connections[-1].push(Mark.EOF)
            await turns(2)

    upstream = client(Slammer([answer(b"never")]))
    with pytest.raises(UpstreamConnectError, match="before the request was sent"):
        await send(upstream)
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()
