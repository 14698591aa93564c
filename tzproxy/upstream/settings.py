"""What the upstream client can be told. Built once from configuration; reads no environment itself."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class UpstreamSettings(Struct, frozen=True, kw_only=True):
    """Limits, deadlines, proxies and trust of the upstream client."""

    user_agent: str = "tzproxy"
    """Sent with every request that brings no user agent of its own, CONNECT included."""
    https_proxy: str = ""
    """URL of the proxy for https targets; empty: none."""
    http_proxy: str = ""
    """URL of the proxy for http targets; empty: none."""
    all_proxy: str = ""
    """URL of the proxy for what the two above leave open; empty: none."""
    no_proxy: str = ""
    """Comma-separated targets that are reached directly: names with their subdomains, addresses, networks,
    each with an optional port, or `*` for all."""
    ssl_cert_file: str = ""
    """PEM file with the trusted roots, used instead of the system's; empty: the system's."""
    max_connections_per_origin: int = 512
    """Further requests to one origin wait until a connection is free."""
    idle_timeout_s: float = 30.0
    """A kept-alive connection that nobody used for this long is closed (seconds)."""
    connect_timeout_s: float = 10.0
    """For name resolution, TCP, proxy and TLS together (seconds)."""
    silence_timeout_s: float | None = None
    """How long a server may send nothing while it is listened to (seconds); none: up to the deadlines."""
    queue_timeout_s: float | None = None
    """How long a request may wait for a free connection (seconds); none: as long as its own deadline."""
    drain_timeout_s: float = 1.0
    """How long the rest of a finished stream may take before its connection is given up (seconds)."""
    max_head_bytes: int = 64 * 1024
    """Largest response head."""
    max_response_bytes: int = 128 * 1024 * 1024
    """Largest body that is collected in memory."""
    max_event_bytes: int = 16 * 1024 * 1024
    """Largest single event of a stream."""
    stream_buffer_bytes: int = 256 * 1024
    """How much of a stream is held for a slow reader before the server is made to wait."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], *, user_agent: str = "tzproxy") -> UpstreamSettings:
        """Take proxies and trusted roots from environment values; upper-case names win over lower-case."""

        def value(name: str) -> str:
            return environ.get(name, "").strip() or environ.get(name.lower(), "").strip()

        return cls(
            user_agent=user_agent,
            https_proxy=value("HTTPS_PROXY"),
            # SPEC: in a CGI program HTTP_PROXY comes from the client's `Proxy:` header (httpoxy).
            http_proxy="" if "REQUEST_METHOD" in environ else value("HTTP_PROXY"),
            all_proxy=value("ALL_PROXY"),
            no_proxy=value("NO_PROXY"),
            ssl_cert_file=environ.get("SSL_CERT_FILE", ""),
        )
