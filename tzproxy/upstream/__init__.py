"""The wire to model providers: a pooled HTTP/1.1 client with a compiled parser. Hot.

Owns connections, deadlines, proxies and TLS trust. Must not know any provider, JSON or configuration file.
"""

from tzproxy._speedups.response import UpstreamResponse
from tzproxy.upstream.client import Upstream
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.header_block import NO_HEADERS, HeaderBlock, is_header_name
from tzproxy.upstream.pool import PoolCounters
from tzproxy.upstream.settings import UpstreamSettings
from tzproxy.upstream.stream import UpstreamStream

__all__ = [
    "NO_HEADERS",
    "Endpoint",
    "HeaderBlock",
    "PoolCounters",
    "Upstream",
    "UpstreamResponse",
    "UpstreamSettings",
    "UpstreamStream",
    "is_header_name",
]
