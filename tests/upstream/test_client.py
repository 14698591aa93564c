"""Requests and answers as wire transcripts."""

from __future__ import annotations

import asyncio

import pytest

from tzproxy.errors import UpstreamConnectError, UpstreamTimeoutError
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
