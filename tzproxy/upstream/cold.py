"""The httpx client for work off the request path: token exchange, fine-tuning jobs, images. Not hot.

Takes the same proxies, exclusions and trusted roots as the hot client, and nothing from the environment.
"""

from __future__ import annotations

import httpx

from tzproxy.upstream.dial import tls_context
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.proxies import ProxyRules
from tzproxy.upstream.settings import UpstreamSettings


def make_cold_client(settings: UpstreamSettings, *, timeout_s: float = 60.0) -> httpx.AsyncClient:
    """Make the client that cold work shares; the caller closes it.

    Raises:
        UpstreamConnectError: when the file with the trusted roots cannot be used.
    """
    return httpx.AsyncClient(
        transport=_RoutedTransport(settings),
        trust_env=False,
        headers={"user-agent": settings.user_agent},
        timeout=httpx.Timeout(timeout_s, connect=settings.connect_timeout_s),
    )


class _RoutedTransport(httpx.AsyncBaseTransport):
    """Sends each request by way of the proxy that the rules name for its target."""

    def __init__(self, settings: UpstreamSettings) -> None:
        self._rules = ProxyRules(settings)
        self._context = tls_context(settings)
        self._transports: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxy = self._rules.proxy_for(Endpoint.parse(str(request.url)))
        transport = self._transports.get(proxy)
        if transport is None:
            transport = httpx.AsyncHTTPTransport(
                verify=self._context,
                trust_env=False,
                proxy=self._hop(proxy) if proxy else None,
            )
            self._transports[proxy] = transport
        return await transport.handle_async_request(request)

    def _hop(self, proxy: str) -> httpx.Proxy:
        is_tls = proxy.lower().startswith("https://")
        return httpx.Proxy(proxy, ssl_context=self._context if is_tls else None)

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()
