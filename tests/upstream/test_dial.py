"""Real sockets on loopback: TCP, TLS with a trust of our own, and proxies."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest

from tzproxy.errors import UpstreamConnectError, UpstreamProtocolError, UpstreamTimeoutError
from tzproxy.upstream import NO_HEADERS, Endpoint, PoolCounters, Upstream, UpstreamSettings
from tzproxy.upstream.dial import Dialer, tls_context
from tzproxy.upstream.fake import answer
from tzproxy.upstream.proxies import ProxyRules

NONE = PoolCounters(idle=0, slots=0, waiting=0)
KEPT = PoolCounters(idle=1, slots=1, waiting=0)


def echo(head: bytes, body: bytes, transport: asyncio.Transport) -> None:
    """Answer with the request's body."""
    transport.write(answer(body))


async def test_plain(serve: Any, site_class: Any) -> None:
    """Large and small bodies travel both ways over one connection."""
    site = await serve(site_class(echo))
    upstream = Upstream(UpstreamSettings())
    endpoint = upstream.endpoint(f"http://127.0.0.1:{site.port}/x")
    for body in (b"", b"small", b"x" * 3_000_000, b"again"):
        assert (await upstream.send(endpoint, NO_HEADERS, body, timeout_s=30)).body == body
    assert len(site.accepted) == 1
    assert upstream.counters(endpoint) == KEPT
    await upstream.aclose()


async def test_dead_connection_on_a_real_socket(serve: Any, site_class: Any) -> None:
    """A server that closed an idle connection costs nothing but a new one."""
    site = await serve(site_class(echo))
    upstream = Upstream(UpstreamSettings())
    endpoint = upstream.endpoint(f"http://127.0.0.1:{site.port}/x")
    for i in range(10):
        assert (await upstream.send(endpoint, NO_HEADERS, b"%d" % i, timeout_s=30)).body == b"%d" % i
        site.accepted[-1].abort() if i % 2 else site.accepted[-1].close()
        for _ in range(i % 4):
            await asyncio.sleep(0)
    assert upstream.counters(endpoint).slots <= 1
    await upstream.aclose()


async def test_slow_reader_on_a_real_socket(serve: Any, site_class: Any) -> None:
    """A reader that stops reading stops the server, and then gets every byte."""
    total = 20_000_000

    def flood(head: bytes, body: bytes, transport: asyncio.Transport) -> None:
        transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % total)
        for _ in range(total // 100_000):
            transport.write(b"x" * 100_000)

    site = await serve(site_class(flood))
    upstream = Upstream(UpstreamSettings(stream_buffer_bytes=100_000))
    endpoint = upstream.endpoint(f"http://127.0.0.1:{site.port}/")
    stream = await upstream.open(endpoint, NO_HEADERS, b"", first_byte_timeout_s=30, timeout_s=60)
    await asyncio.sleep(0.05)
    assert site.accepted[0].get_write_buffer_size() > 0
    size = 0
    while (piece := await stream.next_bytes()) is not None:
        size += len(piece)
    assert size == total
    assert upstream.counters(endpoint) == KEPT
    await upstream.aclose()


async def test_refused_and_unknown() -> None:
    """Refused connections and unknown names are connect errors that say what failed."""
    upstream = Upstream(UpstreamSettings())
    listener = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    endpoint = upstream.endpoint(f"http://127.0.0.1:{port}/")
    with pytest.raises(
        UpstreamConnectError, match=f"connecting to 127.0.0.1:{port} failed: Connection refused"
    ):
        await upstream.send(endpoint, NO_HEADERS, b"", timeout_s=30)
    with pytest.raises(UpstreamConnectError, match="connecting to name.invalid:80 failed"):
        await upstream.send(upstream.endpoint("http://name.invalid/"), NO_HEADERS, b"", timeout_s=30)
    assert upstream.counters(endpoint) == NONE
    await upstream.aclose()


# ---- TLS


async def test_tls_with_own_roots(serve: Any, site_class: Any, authority: Any) -> None:
    """With the file of trusted roots a private server is reached, by name and by address, and kept."""
    site = await serve(site_class(echo), authority.server_context())
    upstream = Upstream(UpstreamSettings(ssl_cert_file=str(authority.roots)))
    for host in ("127.0.0.1", "localhost"):
        endpoint = upstream.endpoint(f"https://{host}:{site.port}/x")
        for body in (b"a", b"y" * 1_000_000):
            assert (await upstream.send(endpoint, NO_HEADERS, body, timeout_s=30)).body == body
        assert upstream.counters(endpoint) == KEPT
    assert len(site.accepted) == 2
    await upstream.aclose()


async def test_tls_stream(serve: Any, site_class: Any, authority: Any) -> None:
    """Streams over TLS are read, and broken off without leaking."""

    def stream_out(head: bytes, body: bytes, transport: asyncio.Transport) -> None:
        transport.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")

    site = await serve(site_class(stream_out), authority.server_context())
    upstream = Upstream(UpstreamSettings(ssl_cert_file=str(authority.roots)))
    endpoint = upstream.endpoint(f"https://127.0.0.1:{site.port}/")
    async with await upstream.open(
        endpoint, NO_HEADERS, b"", first_byte_timeout_s=30, timeout_s=30
    ) as stream:
        assert await stream.next_events() == [b"1"]
    assert upstream.counters(endpoint) == NONE
    await upstream.aclose()


async def test_tls_server_that_nobody_trusts(serve: Any, site_class: Any, authority: Any) -> None:
    """Without that file the same server is refused, and the request never leaves."""
    site = await serve(site_class(echo), authority.server_context())
    upstream = Upstream(UpstreamSettings())
    endpoint = upstream.endpoint(f"https://127.0.0.1:{site.port}/x")
    with pytest.raises(UpstreamConnectError, match="certificate verify failed"):
        await upstream.send(endpoint, NO_HEADERS, b"secret", timeout_s=30)
    assert site.heads == []
    assert upstream.counters(endpoint) == NONE
    await upstream.aclose()


async def test_tls_against_a_plain_server(serve: Any, site_class: Any) -> None:
    """A server without TLS behind an https URL is a connect error."""

    class Talker(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            transport.write(b"220 mail ready\r\n" * 4)

    server = await asyncio.get_running_loop().create_server(Talker, "127.0.0.1", 0)
    upstream = Upstream(UpstreamSettings())
    endpoint = upstream.endpoint(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    with pytest.raises(UpstreamConnectError, match="TLS with 127.0.0.1"):
        await upstream.send(endpoint, NO_HEADERS, b"", timeout_s=30)
    await upstream.aclose()
    server.close()
    await server.wait_closed()


def test_unusable_roots(tmp_path: Any) -> None:
    """A file of roots that is missing or empty is named in the error."""
    for name in ("missing.pem", "empty.pem"):
        (tmp_path / "empty.pem").write_text("")
        with pytest.raises(UpstreamConnectError, match=name):
            tls_context(UpstreamSettings(ssl_cert_file=str(tmp_path / name)))


def test_system_roots() -> None:
    """Without a file there is still something to trust, and certificates and names are checked."""
    context = tls_context(UpstreamSettings())
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname


# ---- proxies


@pytest.mark.parametrize("secured", [False, True], ids=["http proxy", "https proxy"])
async def test_tunnel(serve: Any, site_class: Any, proxy_class: Any, authority: Any, secured: bool) -> None:
    """An https target behind a proxy is reached through CONNECT, which carries user agent and credentials."""
    site = await serve(site_class(echo), authority.server_context())
    proxy = await serve(proxy_class(), authority.server_context() if secured else None)
    scheme = "https" if secured else "http"
    settings = UpstreamSettings(
        https_proxy=f"{scheme}://us%65r:pw@127.0.0.1:{proxy.port}",
        ssl_cert_file=str(authority.roots),
        user_agent="agent/1",
    )
    upstream = Upstream(settings)
    endpoint = upstream.endpoint(f"https://localhost:{site.port}/x")
    for body in (b"a", b"z" * 500_000):
        assert (await upstream.send(endpoint, NO_HEADERS, body, timeout_s=30)).body == body
    target = f"localhost:{site.port}"
    assert proxy.heads == [
        f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nuser-agent: agent/1\r\n"
        "proxy-authorization: Basic dXNlcjpwdw==\r\n\r\n".encode()
    ]
    assert site.heads[0].startswith(b"POST /x HTTP/1.1\r\n")
    assert b"proxy-authorization" not in site.heads[0]
    await upstream.aclose()


async def test_tunnel_checks_the_target(
    serve: Any, site_class: Any, proxy_class: Any, authority: Any
) -> None:
    """TLS inside the tunnel is the target's, not the proxy's: an untrusted one is refused."""
    site = await serve(site_class(echo), authority.server_context())
    proxy = await serve(proxy_class())
    upstream = Upstream(UpstreamSettings(https_proxy=f"127.0.0.1:{proxy.port}"))
    endpoint = upstream.endpoint(f"https://localhost:{site.port}/x")
    with pytest.raises(UpstreamConnectError, match="certificate verify failed"):
        await upstream.send(endpoint, NO_HEADERS, b"", timeout_s=30)
    assert upstream.counters(endpoint) == NONE
    await upstream.aclose()


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 3\r\n\r\nno!", "status 407"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "status 502"),
        (b"garbage\r\n\r\n", "other than HTTP"),
        (b"HTTP/1.1 ", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\n\r\n\x16\x03", "before the tunnel was in use"),
    ],
)
async def test_tunnel_refused(serve: Any, proxy_class: Any, reply: bytes, reason: str) -> None:
    """Whatever goes wrong at the proxy is a connect error with its reason, and frees the slot."""
    proxy = await serve(proxy_class(reply))
    upstream = Upstream(UpstreamSettings(all_proxy=f"http://127.0.0.1:{proxy.port}"))
    endpoint = upstream.endpoint("https://model.test/")
    with pytest.raises(UpstreamConnectError, match=reason):
        await upstream.send(endpoint, NO_HEADERS, b"", timeout_s=30)
    assert upstream.counters(endpoint) == NONE
    await upstream.aclose()


async def test_no_proxy_goes_direct(serve: Any, site_class: Any, proxy_class: Any, authority: Any) -> None:
    """A target that `no_proxy` names is reached without the proxy."""
    site = await serve(site_class(echo), authority.server_context())
    proxy = await serve(proxy_class())
    settings = UpstreamSettings(
        all_proxy=f"http://127.0.0.1:{proxy.port}", no_proxy="127.0.0.0/8", ssl_cert_file=str(authority.roots)
    )
    upstream = Upstream(settings)
    endpoint = upstream.endpoint(f"https://127.0.0.1:{site.port}/x")
    assert (await upstream.send(endpoint, NO_HEADERS, b"a", timeout_s=30)).body == b"a"
    assert proxy.heads == []
    await upstream.aclose()


async def test_plain_proxy(serve: Any, site_class: Any) -> None:
    """An http target is asked of the proxy by its full URL, loopback targets included."""
    proxy = await serve(site_class(echo))
    upstream = Upstream(UpstreamSettings(http_proxy=f"http://127.0.0.1:{proxy.port}"))
    endpoint = upstream.endpoint("http://127.0.0.1:1/x?y=z")
    assert (await upstream.send(endpoint, NO_HEADERS, b"a", timeout_s=30)).body == b"a"
    assert proxy.heads[0].startswith(b"POST http://127.0.0.1:1/x?y=z HTTP/1.1\r\nhost: 127.0.0.1:1\r\n")
    await upstream.aclose()


# ---- cancellation on real sockets


@pytest.mark.parametrize("way", ["plain", "tls", "tunnel"])
async def test_cancel_while_connecting(
    serve: Any, site_class: Any, proxy_class: Any, authority: Any, way: str
) -> None:
    """Cancelled at any point of making a real connection, the slot is free and the next request is served."""
    context = None if way == "plain" else authority.server_context()
    site = await serve(site_class(echo), context)
    proxy = await serve(proxy_class())
    settings = UpstreamSettings(
        ssl_cert_file=str(authority.roots),
        https_proxy=f"http://127.0.0.1:{proxy.port}" if way == "tunnel" else "",
        max_connections_per_origin=1,
    )
    upstream = Upstream(settings)
    endpoint = upstream.endpoint(f"{'http' if way == 'plain' else 'https'}://127.0.0.1:{site.port}/x")
    for turns in range(0, 40, 2):
        task = asyncio.ensure_future(upstream.send(endpoint, NO_HEADERS, b"a", timeout_s=30))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert upstream.counters(endpoint) in (NONE, KEPT)
    assert (await upstream.send(endpoint, NO_HEADERS, b"b", timeout_s=30)).body == b"b"
    assert upstream.counters(endpoint) == KEPT
    await upstream.aclose()


async def test_silent_proxy(serve: Any, proxy_class: Any) -> None:
    """A proxy that never answers costs the connect timeout, and its connection is closed."""
    proxy = await serve(proxy_class(b""))
    upstream = Upstream(UpstreamSettings(https_proxy=f"http://127.0.0.1:{proxy.port}", connect_timeout_s=0.5))
    with pytest.raises(UpstreamTimeoutError, match="took longer"):
        await upstream.send(upstream.endpoint("https://model.test/"), NO_HEADERS, b"", timeout_s=30)
    assert await asyncio.wait_for(proxy.waits[0], 10) == b""
    await upstream.aclose()


async def test_silent_tls_server_times_out(authority: Any) -> None:
    """A server that never answers the handshake costs the connect timeout, not the request's."""
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    upstream = Upstream(UpstreamSettings(connect_timeout_s=0.05, ssl_cert_file=str(authority.roots)))
    endpoint = upstream.endpoint(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    with pytest.raises(UpstreamTimeoutError, match=r"took longer than 0\.05 s"):
        await upstream.send(endpoint, NO_HEADERS, b"", timeout_s=30)
    assert upstream.counters(endpoint) == NONE
    await upstream.aclose()
    server.close()
    await server.wait_closed()


async def test_reset_in_the_middle(serve: Any, site_class: Any) -> None:
    """A connection that breaks in the middle of an answer is a protocol error."""

    def break_off(head: bytes, body: bytes, transport: asyncio.Transport) -> None:
        transport.write(answer(b"abc")[:-1])
        asyncio.get_running_loop().call_later(0.01, transport.abort)

    site = await serve(site_class(break_off))
    upstream = Upstream(UpstreamSettings())
    endpoint = upstream.endpoint(f"http://127.0.0.1:{site.port}/")
    with pytest.raises(UpstreamProtocolError):
        await upstream.send(endpoint, NO_HEADERS, b"", timeout_s=30)
    await upstream.aclose()


async def test_long_waits_are_kept_alive(serve: Any, site_class: Any) -> None:
    """Connections carry TCP keep-alives, so that a silent wait for a slow model survives on the way."""
    site = await serve(site_class(echo))
    settings = UpstreamSettings()
    endpoint = Endpoint.parse(f"http://127.0.0.1:{site.port}/")
    made: list[Any] = []

    class Taker(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            made.append(transport)

    await Dialer(settings).connect(Taker(), endpoint, ProxyRules(settings).route(endpoint))
    assert made[0].get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    made[0].abort()
    await asyncio.sleep(0)
