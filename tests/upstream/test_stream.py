"""Answers that are read while they arrive."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tzproxy.errors import UpstreamConnectError, UpstreamProtocolError, UpstreamTimeoutError
from tzproxy.upstream import (
    NO_HEADERS,
    Endpoint,
    HeaderBlock,
    PoolCounters,
    Upstream,
    UpstreamSettings,
    UpstreamStream,
)
from tzproxy.upstream.fake import FakeNetwork, Mark, Piece, answer, event_stream

ENDPOINT = Endpoint.parse("http://model.test/v1/chat")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
NONE = PoolCounters(idle=0, slots=0, waiting=0)
KEPT = PoolCounters(idle=1, slots=1, waiting=0)


def chunk(data: bytes) -> bytes:
    """Write one chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def client(network: FakeNetwork, **options: object) -> Upstream:
    """Make a client on a fake network."""
    return Upstream(UpstreamSettings(**options), connector=network)  # type: ignore[arg-type]


async def open_stream(
    upstream: Upstream, *, first: float | None = 5, total: float | None = 5
) -> UpstreamStream:
    """Open a stream at the one endpoint of these tests."""
    return await upstream.open(ENDPOINT, NO_HEADERS, b"{}", first_byte_timeout_s=first, timeout_s=total)


async def all_events(stream: UpstreamStream) -> list[bytes]:
    """Read a stream to its end."""
    events: list[bytes] = []
    while (some := await stream.next_events()) is not None:
        assert some
        events += some
    return events


async def test_what_a_stream_accepts() -> None:
    """A server is told that events are wanted only when they are, and the caller has not said otherwise."""
    network = FakeNetwork([event_stream([b"1"])] * 3)
    upstream = client(network)
    mine = HeaderBlock.of([("Accept", "mine")])
    for headers, wants_events in ((NO_HEADERS, True), (NO_HEADERS, False), (mine, True)):
        stream = await upstream.open(
            ENDPOINT, headers, b"{}", wants_events=wants_events, first_byte_timeout_s=5, timeout_s=5
        )
        await all_events(stream)
    sent = [
        [line for line in request.split(b"\r\n") if line.lower().startswith(b"accept:")]
        for request in network.requests
    ]
    assert sent == [[b"accept: text/event-stream"], [b"accept: */*"], [b"Accept: mine"]]
    await upstream.aclose()


async def test_events() -> None:
    """Events arrive as they are sent; the end is None, again and again; the connection is kept."""
    upstream = client(FakeNetwork([event_stream([b'{"a":1}', b"x\ny", b"[DONE]"])]))
    stream = await open_stream(upstream)
    assert (stream.status, stream.reason, stream.headers.get("content-type")) == (
        200,
        "OK",
        "text/event-stream",
    )
    assert await all_events(stream) == [b'{"a":1}', b"x\ny", b"[DONE]"]
    assert await stream.next_events() is None
    assert stream.started_at <= stream.sent_at <= stream.first_byte_at <= stream.done_at
    assert upstream.counters(ENDPOINT) == KEPT
    await upstream.aclose()


async def test_several_events_at_once() -> None:
    """What arrived together, or before anybody asked, is delivered together."""
    upstream = client(
        FakeNetwork([[HEAD + chunk(b"data: 1\n\ndata: 2\n\nda"), chunk(b"ta: 3\n\n"), b"0\r\n\r\n"]])
    )
    stream = await open_stream(upstream)
    assert await stream.next_events() == [b"1", b"2"]
    await asyncio.sleep(0.001)
    assert await stream.next_events() == [b"3"]
    assert await stream.next_events() is None
    await upstream.aclose()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    cuts=st.lists(st.integers(0, 400), max_size=30),
    payloads=st.lists(st.sampled_from([b"a", b"b\nc", b""]), max_size=5),
)
async def test_cuts_do_not_matter(cuts: list[int], payloads: list[bytes]) -> None:
    """However the network cuts the answer, the events are the same and the connection is kept."""
    wire = b"".join(event_stream(payloads))
    for at in (cuts, list(range(len(wire)))):
        edges = [0, *sorted({cut % len(wire) for cut in at} - {0}), len(wire)]
        pieces = [wire[first:last] for first, last in zip(edges, edges[1:], strict=False)]
        upstream = client(FakeNetwork([pieces]))
        assert await all_events(await open_stream(upstream)) == payloads
        assert upstream.counters(ENDPOINT) == KEPT
        await upstream.aclose()


async def test_bytes() -> None:
    """A binary body is delivered as it arrives, joined when the reader is slow."""
    network = FakeNetwork([[b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nab", b"cd", b"ef"]])
    upstream = client(network)
    stream = await open_stream(upstream)
    assert await stream.next_bytes() == b"ab"
    for _ in range(5):
        await asyncio.sleep(0)
    assert (await stream.next_bytes(), await stream.next_bytes()) == (b"cdef", None)
    await upstream.aclose()


async def test_read_all() -> None:
    """The whole body can be had at once, as for errors; also after part of it was read."""
    network = FakeNetwork([answer(b"no", status=400), [answer(b"abc")[:-1], b"c"]])
    upstream = client(network)
    assert await (await open_stream(upstream)).read_all() == b"no"
    stream = await open_stream(upstream)
    assert (await stream.next_bytes(), await stream.read_all(), await stream.read_all()) == (b"ab", b"c", b"")
    assert upstream.counters(ENDPOINT) == KEPT
    await upstream.aclose()


async def test_read_all_has_a_limit() -> None:
    """Collecting stops at the limit; reading piece by piece has none."""
    pieces = [HEAD, *[chunk(b"x" * 40)] * 5, b"0\r\n\r\n"]
    upstream = client(FakeNetwork([pieces], [pieces]), max_response_bytes=100, stream_buffer_bytes=10)
    with pytest.raises(UpstreamProtocolError, match="larger than 100 bytes"):
        await (await open_stream(upstream)).read_all()
    assert upstream.counters(ENDPOINT) == NONE
    stream = await open_stream(upstream)
    size = 0
    while (piece := await stream.next_bytes()) is not None:
        size += len(piece)
    assert size == 200
    await upstream.aclose()


@pytest.mark.parametrize("death", [Mark.EOF, Mark.RESET])
async def test_early_close(death: Mark) -> None:
    """What arrived before an early close is delivered, then the error, for as long as anybody asks."""
    upstream = client(FakeNetwork([[HEAD + chunk(b"data: 1\n\ndata: 2"), death]]))
    stream = await open_stream(upstream)
    for _ in range(5):
        await asyncio.sleep(0)
    assert await stream.next_events() == [b"1"]
    for _ in range(2):
        with pytest.raises(UpstreamProtocolError):
            await stream.next_events()
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_body_until_close() -> None:
    """A stream without framing ends cleanly when the server closes; an unfinished event is dropped."""
    pieces: list[Piece] = [b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n", b"data: 2", Mark.EOF]
    upstream = client(FakeNetwork([pieces]))
    assert await all_events(await open_stream(upstream)) == [b"1"]
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_garbage_in_the_middle() -> None:
    """Broken framing ends the stream with an error after the good events."""
    upstream = client(FakeNetwork([[HEAD + chunk(b"data: 1\n\n"), b"zz\r\n"]]))
    stream = await open_stream(upstream)
    assert await stream.next_events() == [b"1"]
    with pytest.raises(UpstreamProtocolError):
        await stream.next_events()
    await upstream.aclose()


async def test_oversized_event() -> None:
    """An event beyond the limit ends the stream and closes the connection."""
    upstream = client(FakeNetwork([[HEAD, chunk(b"data: " + b"x" * 200)]]), max_event_bytes=100)
    stream = await open_stream(upstream)
    with pytest.raises(UpstreamProtocolError, match="larger than 100 bytes"):
        await stream.next_events()
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_slow_reader_makes_the_server_wait() -> None:
    """Above the high-water mark reading stops, and goes on when the reader has caught up; nothing is lost."""
    pieces = [HEAD, *[chunk(b"data: %03d\n\n" % i) for i in range(50)], b"0\r\n\r\n"]
    network = FakeNetwork([pieces])
    upstream = client(network, stream_buffer_bytes=50)
    stream = await open_stream(upstream)
    for _ in range(100):
        await asyncio.sleep(0)
    server = network.connections[0]
    assert server.is_paused is True
    first = await stream.next_events()
    assert first is not None and len(first) == 5
    assert network.connections[0].is_paused is False
    assert first + await all_events(stream) == [b"%03d" % i for i in range(50)]
    assert upstream.counters(ENDPOINT) == KEPT
    await upstream.aclose()


async def test_close_of_an_unfinished_stream() -> None:
    """Breaking off closes the connection at once, so that the server stops working; reading then fails."""
    network = FakeNetwork([[HEAD + chunk(b"data: 1\n\n"), chunk(b"data: 2\n\n")]])
    upstream = client(network)
    stream = await open_stream(upstream)
    assert await stream.next_events() == [b"1"]
    await stream.close()
    await stream.close()
    assert network.connections[0].is_closed
    assert upstream.counters(ENDPOINT) == NONE
    with pytest.raises(UpstreamConnectError, match="closed"):
        await stream.next_events()
    await upstream.aclose()


async def test_close_while_another_task_reads() -> None:
    """The reader is told, instead of waiting for bytes that nobody will bring."""
    upstream = client(FakeNetwork([[HEAD, chunk(b"data: 1\n\n"), Mark.HANG]]))
    stream = await open_stream(upstream, first=None, total=None)
    await stream.next_bytes()
    reader = asyncio.create_task(stream.next_bytes())
    await asyncio.sleep(0)
    stream.abort()
    with pytest.raises(UpstreamConnectError, match="closed"):
        await asyncio.wait_for(reader, 5.0)
    await upstream.aclose()


async def test_close_of_a_finished_stream() -> None:
    """When everything has arrived the connection was already given back, read or not."""
    upstream = client(FakeNetwork([event_stream([b"1", b"2"]), answer(b"x")]))
    async with await open_stream(upstream) as stream:
        for _ in range(10):
            await asyncio.sleep(0)
        assert stream.done_at
    assert upstream.counters(ENDPOINT) == KEPT
    assert (await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)).body == b"x"
    await upstream.aclose()


async def test_context_manager_closes_on_error() -> None:
    """Leaving the block by an exception breaks the stream off."""
    upstream = client(FakeNetwork([[HEAD]]))
    with pytest.raises(KeyError):
        async with await open_stream(upstream):
            raise KeyError
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_finish_keeps_the_connection() -> None:
    """After the last interesting event the rest may follow by itself; the connection serves again."""
    network = FakeNetwork([[HEAD + chunk(b"data: [DONE]\n\n")], [answer(b"never")]])
    upstream = client(network)
    stream = await open_stream(upstream)
    assert await stream.next_events() == [b"[DONE]"]
    stream.finish()
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=1, waiting=0)
    network.connections[0].push(chunk(b": bye\n\n"), b"0\r\n\r\n")
    for _ in range(5):
        await asyncio.sleep(0)
    assert upstream.counters(ENDPOINT) == KEPT
    stream.finish()
    await upstream.aclose()


@pytest.mark.parametrize("rest", [[], [b"x"], [Mark.EOF], [Mark.RESET], [chunk(b"x" * 70_000), chunk(b"y")]])
async def test_finish_does_not_wait_for_ever(rest: list[Piece]) -> None:
    """A server that does not end soon, or ends badly, or goes on talking, loses its connection."""
    network = FakeNetwork([[HEAD + chunk(b"data: [DONE]\n\n")]])
    upstream = client(network, drain_timeout_s=0.02)
    stream = await open_stream(upstream)
    await stream.next_events()
    stream.finish()
    network.connections[0].push(*rest)
    await asyncio.sleep(0.06)
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_first_event_deadline_outlives_the_head() -> None:
    """Heads and comments do not count as a first token: the deadline runs until the first event."""
    network = FakeNetwork([[HEAD, chunk(b": thinking\n\n")]])
    upstream = client(network)
    stream = await open_stream(upstream, first=0.03)
    with pytest.raises(UpstreamTimeoutError):
        await stream.next_events()
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_first_event_deadline_before_the_head() -> None:
    """A server that sends nothing is given up in time."""
    upstream = client(FakeNetwork([[]]))
    with pytest.raises(UpstreamTimeoutError, match="waiting for the response"):
        await open_stream(upstream, first=0.02, total=None)
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def timed(clock: Any, *pieces: Piece) -> tuple[Upstream, FakeNetwork]:
    """Make a client with an open connection whose deadlines follow a clock of the test's own."""
    network = FakeNetwork([answer(b""), pieces])
    upstream = Upstream(UpstreamSettings(), connector=network, clock=clock)
    await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=None)
    return upstream, network


async def test_first_event_deadline_is_lifted_by_the_first_event(clock: Any) -> None:
    """After the first event only the total deadline counts."""
    upstream, network = await timed(clock, HEAD, chunk(b"data: 1\n\n"))
    stream = await open_stream(upstream, first=0.01, total=None)
    assert await stream.next_events() == [b"1"]
    clock.now += 1
    await asyncio.sleep(0.03)
    network.connections[0].push(chunk(b"data: 2\n\n"), b"0\r\n\r\n")
    assert await all_events(stream) == [b"2"]
    await upstream.aclose()


async def test_first_event_in_time_but_read_late(clock: Any) -> None:
    """An event that arrived in time is delivered even to a reader that comes after the deadline."""
    upstream, network = await timed(clock, HEAD, chunk(b"data: 1\n\n"))
    stream = await open_stream(upstream, first=0.01)
    await asyncio.sleep(0.001)
    clock.now += 1
    await asyncio.sleep(0.03)
    assert await stream.next_events() == [b"1"]
    network.connections[0].push(b"0\r\n\r\n")
    assert await stream.next_events() is None
    await upstream.aclose()


async def test_comment_in_time_but_read_late(clock: Any) -> None:
    """Unread bytes that turn out to hold no event do not save a late stream."""
    upstream, _ = await timed(clock, HEAD, chunk(b": thinking\n\n"))
    stream = await open_stream(upstream, first=0.01)
    await asyncio.sleep(0.001)
    clock.now += 1
    await asyncio.sleep(0.03)
    with pytest.raises(UpstreamTimeoutError, match="first event"):
        await stream.next_events()
    assert upstream.counters(ENDPOINT) == NONE
    await upstream.aclose()


async def test_total_deadline(clock: Any) -> None:
    """The total deadline ends a stream that has begun; what arrived before is delivered first."""
    upstream, network = await timed(clock, HEAD + chunk(b"data: 1\n\n"))
    stream = await open_stream(upstream, first=0.01, total=0.02)
    assert await stream.next_events() == [b"1"]
    network.connections[0].push(chunk(b"data: 2\n\n"))
    await asyncio.sleep(0.001)
    clock.now += 1
    await asyncio.sleep(0.05)
    assert await stream.next_events() == [b"2"]
    with pytest.raises(UpstreamTimeoutError, match="reading the response"):
        await stream.next_events()
    await upstream.aclose()


async def test_repr_says_little() -> None:
    """The text form shows the status and nothing that came from outside."""
    upstream = client(FakeNetwork([answer(b"secret")]))
    assert repr(await open_stream(upstream)) == "<UpstreamStream 200>"
    await upstream.aclose()


# ---- without a coroutine for each piece


async def test_what_is_there_can_be_taken() -> None:
    """Nothing yet is an empty list; after `more` there is something, and None at the end."""
    network = FakeNetwork([[HEAD]])
    stream = await open_stream(client(network))
    assert stream.take_events() == []
    waiting = stream.more()
    assert not waiting.done()
    network.connections[0].push(chunk(b"data: 1\n\nda"))
    await waiting
    assert stream.take_events() == [b"1"]
    assert stream.take_events() == []
    network.connections[0].push(chunk(b"ta: 2\n\n"), b"0\r\n\r\n")
    await stream.more()
    assert stream.take_events() == [b"2"]
    await stream.more()
    assert stream.take_events() is None
    assert stream.more().done()


async def test_an_error_is_taken_after_what_came_before_it() -> None:
    """Whoever waits is told; then comes what had arrived, then the error, again and again."""
    network = FakeNetwork([[HEAD, chunk(b"data: 1\n\n"), Mark.EOF]])
    stream = await open_stream(client(network))
    await stream.more()
    await asyncio.sleep(0.01)
    assert stream.more().done()
    assert stream.take_events() == [b"1"]
    for _ in range(2):
        with pytest.raises(UpstreamProtocolError):
            stream.take_events()


async def test_a_listener_is_called_with_what_arrives() -> None:
    """It runs inside the callback that brings the bytes, and once more at the end."""
    network = FakeNetwork([[HEAD]])
    stream = await open_stream(client(network))
    heard: list[list[bytes] | None] = []
    stream.listen(lambda: heard.append(stream.take_events()))
    connection = network.connections[0]
    connection.protocol.data_received(chunk(b"data: 1\n\n"))
    assert heard == [[b"1"]]
    connection.protocol.data_received(chunk(b"da"))
    connection.protocol.data_received(b"0\r\n\r\n")
    assert heard == [[b"1"], [], None]


@pytest.mark.parametrize("how", ["finish", "abort"])
async def test_a_listener_may_be_done_with_the_stream(how: str) -> None:
    """From then on it is not called any more; the connection is kept only by `finish`."""
    network = FakeNetwork([[HEAD]])
    upstream = client(network)
    stream = await open_stream(upstream)
    calls: list[str] = []

    def listener() -> None:
        calls.append(how)
        stream.take_events()
        getattr(stream, how)()

    stream.listen(listener)
    connection = network.connections[0]
    connection.protocol.data_received(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    await asyncio.sleep(0.01)
    assert calls == [how]
    assert upstream.counters(ENDPOINT) == (KEPT if how == "finish" else NONE)
    assert connection.is_closed is (how == "abort")
