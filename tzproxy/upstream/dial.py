"""Opens connections: name resolution, TCP, TLS, and the tunnel through a proxy. Not hot.

Owns the TLS trust. Knows nothing of pools; deadlines are the caller's (it cancels).
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import Protocol

import certifi

from tzproxy._speedups.http1 import ResponseParser
from tzproxy.errors import UpstreamConnectError, UpstreamProtocolError
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.proxies import Route, Way
from tzproxy.upstream.settings import UpstreamSettings

# Answers of models can take many minutes without a byte; these keep NAT tables and dead peers honest.
_KEEPALIVE_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 60),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 20),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 6),
)


class Connector(Protocol):
    """Opens the connections of a pool. The real one dials; `tzproxy.upstream.fake` plays a script."""

    async def connect(self, protocol: asyncio.Protocol, endpoint: Endpoint, route: Route) -> None:
        """Give `protocol` a transport on which requests to `endpoint` can be written.

        Raises:
            UpstreamConnectError: when that fails. A cancelled call leaves no connection behind.
        """


class Dialer:
    """The connector for real networks."""

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings
        self._context: ssl.SSLContext | None = None

    async def connect(self, protocol: asyncio.Protocol, endpoint: Endpoint, route: Route) -> None:
        """Open a connection along the route.

        Raises:
            UpstreamConnectError: when any step of it fails.
        """
        try:
            if route.way is Way.TUNNEL:
                await self._connect_through(protocol, endpoint, route)
            else:
                await self._open(protocol, route)
        except ssl.SSLError as exc:
            raise UpstreamConnectError(
                f"TLS with {endpoint.host}:{endpoint.port} failed: {_tls_reason(exc)}"
            ) from exc
        except OSError as exc:
            raise UpstreamConnectError(
                f"connecting to {route.host}:{route.port} failed: {_reason(exc)}"
            ) from exc

    async def _open(self, protocol: asyncio.Protocol, route: Route) -> asyncio.Transport:
        """Connect to the first hop."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(
            lambda: protocol,
            route.host,
            route.port,
            ssl=self.context if route.hop_is_tls else None,
            server_hostname=route.host if route.hop_is_tls else None,
        )
        _keep_alive(transport)
        return transport

    async def _connect_through(self, protocol: asyncio.Protocol, endpoint: Endpoint, route: Route) -> None:
        loop = asyncio.get_running_loop()
        tunnel = _Tunnel(loop)
        transport = await self._open(tunnel, route)
        try:
            authority = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
            target = f"{authority}:{endpoint.port}"
            head = (
                f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nuser-agent: {self._settings.user_agent}\r\n"
            )
            transport.write(head.encode("ascii", "replace") + route.authorization + b"\r\n")
            await tunnel.established
            secured = await loop.start_tls(transport, protocol, self.context, server_hostname=endpoint.host)
            if secured is None:
                raise UpstreamConnectError(f"the tunnel to {target} closed during the TLS handshake")
        except BaseException:
            transport.abort()
            raise
        protocol.connection_made(secured)

    @property
    def context(self) -> ssl.SSLContext:
        """The TLS client context, made on first use.

        Raises:
            UpstreamConnectError: when the file with the trusted roots cannot be used.
        """
        if self._context is None:
            self._context = tls_context(self._settings)
        return self._context


def tls_context(settings: UpstreamSettings) -> ssl.SSLContext:
    """Make a client context that trusts the configured file, else the system's roots, else certifi's.

    Raises:
        UpstreamConnectError: when the file cannot be read or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ssl_cert_file or _fallback_roots())
    except (OSError, ssl.SSLError) as exc:
        reason = f"the trusted roots in {settings.ssl_cert_file} cannot be used: {_reason(exc)}"
        raise UpstreamConnectError(reason) from exc
    context.set_alpn_protocols(["http/1.1"])
    return context


def _fallback_roots() -> str | None:
    """Return certifi's file on a system (a bare container, say) that has no roots of its own."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and os.listdir(paths.capath)):
        return None
    return certifi.where()


def _keep_alive(transport: asyncio.BaseTransport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    for level, name, value in _KEEPALIVE_OPTIONS:
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(level, option, value)


def _reason(exc: OSError) -> str:
    return exc.strerror or str(exc) or type(exc).__name__


def _tls_reason(exc: ssl.SSLError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {exc.verify_message}"
    return exc.reason or _reason(exc)


class _Tunnel(asyncio.Protocol):
    """Waits for a proxy's answer to CONNECT."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.established: asyncio.Future[None] = loop.create_future()
        self._parser = ResponseParser()
        self._parser.start(no_body=True)

    def data_received(self, data: bytes) -> None:
        if self.established.done():
            return
        try:
            self._parser.feed(data)
        except UpstreamProtocolError as exc:
            self._fail(f"the proxy answered CONNECT with something other than HTTP: {exc.message}")
            return
        if not self._parser.complete:
            return
        if not 200 <= self._parser.status < 300:
            self._fail(f"the proxy refused the tunnel with status {self._parser.status}")
        elif self._parser.excess:
            # A TLS server never speaks first.
            self._fail("the proxy sent bytes before the tunnel was in use")
        else:
            self.established.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.established.done():
            self._fail("the proxy closed the connection before the tunnel was made")

    def _fail(self, reason: str) -> None:
        self.established.set_exception(UpstreamConnectError(reason))
        # The waiting call may have been cancelled at this very moment; then nobody would look.
        self.established.exception()
