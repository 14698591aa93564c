"""Which way a request travels: directly, through a plain proxy, or through a tunnel. Decided per origin."""

from __future__ import annotations

import base64
import ipaddress
from enum import Enum
from typing import TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

from tzproxy.errors import UpstreamConnectError
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.settings import UpstreamSettings

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class Way(Enum):
    """How the connection to an origin is made."""

    DIRECT = "direct"
    ABSOLUTE = "absolute"
    """The proxy is asked for the full URL (http targets)."""
    TUNNEL = "tunnel"
    """The proxy is asked to connect through (https targets)."""


class Route:
    """The first hop to an origin. Its text forms do not show the proxy's credentials."""

    __slots__ = ("authorization", "host", "hop_is_tls", "port", "way")

    def __init__(
        self, way: Way, *, host: str, port: int, hop_is_tls: bool, authorization: bytes = b""
    ) -> None:
        self.way = way
        self.host = host
        self.port = port
        self.hop_is_tls = hop_is_tls
        self.authorization = authorization

    def __repr__(self) -> str:
        return f"Route({self.way.value} via {self.host}:{self.port})"


class ProxyRules:
    """The proxy settings, read once."""

    def __init__(self, settings: UpstreamSettings) -> None:
        self._for_https = _with_scheme(settings.https_proxy or settings.all_proxy)
        self._for_http = _with_scheme(settings.http_proxy or settings.all_proxy)
        self._exclusions = [
            _Exclusion(entry.strip()) for entry in settings.no_proxy.split(",") if entry.strip()
        ]

    def is_excluded(self, host: str, port: int) -> bool:
        """Say whether `no_proxy` names this target."""
        address = _address(host)
        return any(exclusion.covers(host, port, address) for exclusion in self._exclusions)

    def proxy_for(self, endpoint: Endpoint) -> str:
        """Return the URL of the proxy for a target, or the empty string."""
        proxy = self._for_https if endpoint.is_tls else self._for_http
        return "" if not proxy or self.is_excluded(endpoint.host, endpoint.port) else proxy

    def route(self, endpoint: Endpoint) -> Route:
        """Decide the way to a target.

        Raises:
            UpstreamConnectError: when the proxy that should be used cannot be.
        """
        proxy = self.proxy_for(endpoint)
        if not proxy:
            return Route(Way.DIRECT, host=endpoint.host, port=endpoint.port, hop_is_tls=endpoint.is_tls)
        try:
            parts = urlsplit(proxy)
            host, port, scheme = parts.hostname, parts.port, parts.scheme.lower()
        except ValueError:
            raise UpstreamConnectError("the proxy URL is malformed") from None
        if scheme not in ("http", "https"):
            raise UpstreamConnectError(f"proxies of the kind {scheme}:// are not supported")
        if not host:
            raise UpstreamConnectError("the proxy URL has no host")
        authorization = b""
        if parts.username is not None or parts.password is not None:
            credentials = (
                unquote_to_bytes(parts.username or "") + b":" + unquote_to_bytes(parts.password or "")
            )
            authorization = b"proxy-authorization: Basic " + base64.b64encode(credentials) + b"\r\n"
        return Route(
            Way.TUNNEL if endpoint.is_tls else Way.ABSOLUTE,
            host=host,
            port=port or (443 if scheme == "https" else 80),
            hop_is_tls=scheme == "https",
            authorization=authorization,
        )


class _Exclusion:
    """One entry of `no_proxy`."""

    __slots__ = ("_everything", "_name", "_network", "_port")

    def __init__(self, entry: str) -> None:
        self._everything = entry == "*"
        self._port: int | None = None
        self._network = _network(entry)
        name = entry
        if self._network is None:
            # `host:port`, `[v6]:port` and `v4:port`; a bare IPv6 address was a network already.
            head, colon, tail = entry.rpartition(":")
            if colon and tail.isdecimal():
                name, self._port = head, int(tail)
            name = name.removeprefix("[").removesuffix("]")
            self._network = _network(name)
        self._name = name.lower().removeprefix("*").strip(".")

    def covers(self, host: str, port: int, address: _Address | None) -> bool:
        if self._everything:
            return True
        if self._port is not None and self._port != port:
            return False
        if self._network is not None:
            return (
                address is not None and address.version == self._network.version and address in self._network
            )
        return bool(self._name) and (host == self._name or host.endswith(f".{self._name}"))


def _with_scheme(proxy: str) -> str:
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
