"""Requests and answers as wire transcripts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tzproxy.errors import UpstreamConnectError, UpstreamProtocolError, UpstreamTimeoutError
from tzproxy.upstream import NO_HEADERS, Endpoint, HeaderBlock, PoolCounters, Upstream, UpstreamSettings
from tzproxy.upstream.fake import FakeNetwork, Mark, answer, event_stream

ENDPOINT = Endpoint.parse("http://model.test/v1/chat?x=1")


def client(network: FakeNetwork, **settings: object) -> Upstream:
    """Make a client on a fake network."""
    return Upstream(UpstreamSettings(user_agent="agent/1", **settings), connector=network)  # type: ignore[arg-type]


async def test_request_on_the_wire() -> None:
    """Request line, host, the caller's headers, defaults, length and body go out in one write."""
    network = FakeNetwork([answer(b'{"a": 1}')])
    upstream = client(network)
    response = await upstream.send(ENDPOINT, HeaderBlock.of([("X-Key", "k")]), b"{}", timeout_s=5)
    assert network.requests == [
        b"POST /v1/chat?x=1 HTTP/1.1\r\nhost: model.test\r\nX-Key: k\r\naccept: */*\r\n"
        b"user-agent: agent/1\r\ncontent-length: 2\r\n\r\n{}"
    ]
    assert (response.status, response.reason, response.body) == (200, "OK", b'{"a": 1}')
    assert response.headers.get("Content-Type") == "application/json"
    await upstream.aclose()


async def test_given_headers_are_not_added_again() -> None:
    """The caller's host, user agent, accept and authorization win over the client's own."""
    network = FakeNetwork([answer(b"")])
    upstream = client(network)
    pairs = [
        ("Host", "other"),
        ("User-Agent", "mine"),
        ("Accept", "text/plain"),
        ("Authorization", "Bearer k"),
    ]
    await upstream.send(Endpoint.parse("http://u:p@h/"), HeaderBlock.of(pairs), b"", timeout_s=5)
    assert network.requests == [
        b"POST / HTTP/1.1\r\nHost: other\r\nUser-Agent: mine\r\nAccept: text/plain\r\n"
        b"Authorization: Bearer k\r\ncontent-length: 0\r\n\r\n"
    ]
    await upstream.aclose()


async def test_get_has_no_content_length_and_url_credentials_are_sent() -> None:
    """A request without content says nothing about its length; user information becomes a header."""
    network = FakeNetwork([answer(b"x")])
    upstream = client(network)
    await upstream.send(Endpoint.parse("http://u:p@h/m"), NO_HEADERS, b"", method="GET", timeout_s=5)
    assert network.requests == [
        b"GET /m HTTP/1.1\r\nhost: h\r\nauthorization: Basic dTpw\r\naccept: */*\r\n"
        b"user-agent: agent/1\r\n\r\n"
    ]
    await upstream.aclose()


async def test_head_has_no_body() -> None:
    """The answer to HEAD ends with its head, and the connection is kept."""
    network = FakeNetwork([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", answer(b"x")])
    upstream = client(network)
    assert (await upstream.send(ENDPOINT, NO_HEADERS, b"", method="HEAD", timeout_s=5)).body == b""
    assert (await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)).body == b"x"
    assert len(network.connections) == 1
    await upstream.aclose()


async def test_plain_proxy_gets_the_absolute_form() -> None:
    """An http target behind a proxy is asked for by its full URL, with the proxy's credentials."""
    network = FakeNetwork([answer(b"x")])
    upstream = client(network, http_proxy="http://u:p@proxy:3128")
    await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    assert network.dialled == [("http://model.test:80", "Route(absolute via proxy:3128)")]
    assert network.requests[0].startswith(
        b"POST http://model.test/v1/chat?x=1 HTTP/1.1\r\nhost: model.test\r\n"
        b"proxy-authorization: Basic dTpw\r\n"
    )
    await upstream.aclose()


async def test_http_goes_direct_when_only_https_has_a_proxy() -> None:
    """A proxy for https says nothing about http."""
    network = FakeNetwork([answer(b"x")])
    upstream = client(network, https_proxy="http://proxy:3128")
    await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    assert network.dialled == [("http://model.test:80", "Route(direct via model.test:80)")]
    await upstream.aclose()


@pytest.mark.parametrize("status", [301, 307, 400, 429, 500])
async def test_every_status_is_an_answer(status: int) -> None:
    """Redirects are not followed and errors are not raised: both belong to the caller."""
    network = FakeNetwork([answer(b"no", status=status, headers={"location": "/x"})])
    upstream = client(network)
    response = await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    assert (response.status, response.body) == (status, b"no")
    assert len(network.requests) == 1
    await upstream.aclose()


async def test_times_of_an_exchange() -> None:
    """The times are in order, so that waiting can be told from working."""
    readings = iter(range(100))
    network = FakeNetwork([[b"HTTP/1.1 200 OK\r\n", b"content-length: 0\r\n\r\n"]])
    upstream = Upstream(UpstreamSettings(), connector=network, clock=lambda: float(next(readings)))
    response = await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=None)
    assert response.started_at < response.sent_at < response.first_byte_at < response.done_at
    await upstream.aclose()


async def test_connections_are_kept() -> None:
    """One connection serves one request after the other."""
    network = FakeNetwork([answer(b"1"), answer(b"2"), event_stream([b"3"]), answer(b"4")])
    upstream = client(network)
    assert (await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)).body == b"1"
    assert (await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)).body == b"2"
    stream = await upstream.open(ENDPOINT, NO_HEADERS, b"", first_byte_timeout_s=5, timeout_s=5)
    assert (await stream.next_events(), await stream.next_events()) == ([b"3"], None)
    assert (await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)).body == b"4"
    assert len(network.connections) == 1
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=1, slots=1, waiting=0)
    await upstream.aclose()


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


async def test_connect_timeouts() -> None:
    """Connecting has its own limit and obeys the request's deadline; the two are told apart."""
    upstream = client(FakeNetwork(Mark.HANG, Mark.HANG, Mark.HANG))
    with pytest.raises(UpstreamTimeoutError, match=r"model\.test:80 took longer than 0\.01 s"):
        await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5, connect_timeout_s=0.01)
    with pytest.raises(UpstreamTimeoutError, match="deadline passed while connecting"):
        await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=0.01)
    with pytest.raises(UpstreamTimeoutError, match="deadline passed while connecting"):
        await upstream.open(ENDPOINT, NO_HEADERS, b"", first_byte_timeout_s=0.01, timeout_s=5)
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=0, waiting=0)
    await upstream.aclose()


async def test_close_fails_what_runs() -> None:
    """Closing the client ends running requests and streams with an error and leaves nothing open."""
    network = FakeNetwork([event_stream([b"x"])[:1]], [[]])
    upstream = client(network)
    stream = await upstream.open(ENDPOINT, NO_HEADERS, b"", first_byte_timeout_s=5, timeout_s=5)
    request = asyncio.ensure_future(upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5))
    reading = asyncio.ensure_future(stream.next_events())
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(network.requests) == 2
    await upstream.aclose()
    for pending in (request, reading):
        with pytest.raises(UpstreamConnectError, match="closed"):
            await pending
    with pytest.raises(UpstreamConnectError, match="closed"):
        await upstream.send(ENDPOINT, NO_HEADERS, b"", timeout_s=5)
    assert upstream.counters(ENDPOINT) == PoolCounters(idle=0, slots=0, waiting=0)
    assert all(connection.is_closed for connection in network.connections)


async def test_unused_origins_are_forgotten() -> None:
    """Endpoints that name ever new servers do not fill the memory."""
    network = FakeNetwork(*[[answer(b"x", headers={"connection": "close"})] for _ in range(300)])
    upstream = client(network)
    for i in range(300):
        await upstream.send(Endpoint.parse(f"http://h{i}/"), NO_HEADERS, b"", timeout_s=5)
    assert upstream.origins <= 257
    await upstream.aclose()


async def test_needs_a_running_loop() -> None:
    """A client made outside its loop would be bound to none."""
    with pytest.raises(RuntimeError):
        await asyncio.to_thread(Upstream, UpstreamSettings())
