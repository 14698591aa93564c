"""The httpx client for cold work goes the same ways as the hot one."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tzproxy.errors import UpstreamConnectError
from tzproxy.upstream.cold import make_cold_client
from tzproxy.upstream.fake import answer
from tzproxy.upstream.settings import UpstreamSettings


def echo(head: bytes, body: bytes, transport: asyncio.Transport) -> None:
    """Answer with the request's body."""
    transport.write(answer(body))


async def test_direct_and_not_from_the_environment(
    serve: Any, site_class: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the settings count; the user agent is ours."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    site = await serve(site_class(echo))
    async with make_cold_client(UpstreamSettings(user_agent="agent/1")) as client:
        response = await client.post(f"http://127.0.0.1:{site.port}/x", content=b"a")
    assert (response.status_code, response.content) == (200, b"a")
    assert b"agent/1" in site.heads[0]


async def test_roots_and_tunnel(serve: Any, site_class: Any, proxy_class: Any, authority: Any) -> None:
    """A private https server is reached through the proxy, unless it is excluded or not trusted."""
    site = await serve(site_class(echo), authority.server_context())
    proxy = await serve(proxy_class())
    url, via = f"https://localhost:{site.port}/x", f"127.0.0.1:{proxy.port}"
    trusted = UpstreamSettings(https_proxy=via, ssl_cert_file=str(authority.roots))
    async with make_cold_client(trusted) as client:
        assert (await client.post(url, content=b"a")).content == b"a"
    assert len(proxy.heads) == 1
    direct = UpstreamSettings(https_proxy=via, no_proxy="localhost", ssl_cert_file=str(authority.roots))
    async with make_cold_client(direct) as client:
        assert (await client.post(url, content=b"b")).content == b"b"
    assert len(proxy.heads) == 1
    async with make_cold_client(UpstreamSettings()) as client:
        with pytest.raises(httpx.ConnectError):
            await client.post(url, content=b"c")


def test_unusable_roots() -> None:
    """A missing file of roots is found when the client is made."""
    with pytest.raises(UpstreamConnectError, match=r"missing\.pem"):
        make_cold_client(UpstreamSettings(ssl_cert_file="/missing.pem"))
