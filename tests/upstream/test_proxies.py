"""Which way requests travel."""

from __future__ import annotations

import pytest

from tzproxy.errors import UpstreamConnectError
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.proxies import ProxyRules, Way
from tzproxy.upstream.settings import UpstreamSettings

HTTPS = Endpoint.parse("https://api.example.com/v1")
HTTP = Endpoint.parse("http://127.0.0.1:8000/v1")


def rules(**settings: str) -> ProxyRules:
    """Make rules from proxy settings."""
    return ProxyRules(UpstreamSettings(**settings))  # type: ignore[arg-type]


def test_without_proxies_everything_is_direct() -> None:
    """The first hop is the target itself."""
    route = rules().route(HTTPS)
    assert (route.way, route.host, route.port, route.hop_is_tls) == (Way.DIRECT, "api.example.com", 443, True)
    assert rules().route(HTTP).hop_is_tls is False


@pytest.mark.parametrize(
    ("settings", "https", "http"),
    [
        ({"https_proxy": "http://p:1"}, "http://p:1", ""),
        ({"http_proxy": "http://p:1"}, "", "http://p:1"),
        ({"all_proxy": "http://p:1"}, "http://p:1", "http://p:1"),
        ({"all_proxy": "http://p:1", "https_proxy": "http://q:1"}, "http://q:1", "http://p:1"),
        ({"all_proxy": "p:1"}, "http://p:1", "http://p:1"),
    ],
)
def test_proxy_for(settings: dict[str, str], https: str, http: str) -> None:
    """Each scheme has its own proxy, `all_proxy` fills the gaps, and loopback is nothing special."""
    assert rules(**settings).proxy_for(HTTPS) == https
    assert rules(**settings).proxy_for(HTTP) == http


def test_https_goes_through_a_tunnel_and_http_by_absolute_form() -> None:
    """The way depends on the target, the first hop on the proxy."""
    both = rules(all_proxy="https://us%40er:p%3Aw@proxy.example")
    for endpoint, way in ((HTTPS, Way.TUNNEL), (HTTP, Way.ABSOLUTE)):
        route = both.route(endpoint)
        assert (route.way, route.host, route.port, route.hop_is_tls) == (way, "proxy.example", 443, True)
        assert route.authorization == b"proxy-authorization: Basic dXNAZXI6cDp3\r\n"
        assert "dXN" not in repr(route) and "p:w" not in repr(route)
    assert rules(all_proxy="http://proxy.example").route(HTTP).port == 80


@pytest.mark.parametrize("proxy", ["socks5://h:1", "http://", "http://h:bad", "ftp://h"])
def test_unusable_proxies_are_an_error(proxy: str) -> None:
    """A proxy that cannot be used is never silently passed by."""
    with pytest.raises(UpstreamConnectError, match="prox"):
        rules(all_proxy=proxy).route(HTTP)


@pytest.mark.parametrize(
    ("entry", "url", "excluded"),
    [
        ("*", "http://anything/", True),
        ("example.com", "http://example.com/", True),
        ("example.com", "http://api.example.com/", True),
        ("example.com", "http://badexample.com/", False),
        (".example.com", "http://api.example.com/", True),
        (".example.com", "http://example.com/", True),
        ("*.example.com", "http://api.example.com/", True),
        ("EXAMPLE.com", "http://api.Example.COM/", True),
        ("example.com:8080", "http://example.com:8080/", True),
        ("example.com:8080", "http://example.com/", False),
        ("example.com:443", "https://example.com/", True),
        ("127.0.0.1", "http://127.0.0.1:8000/", True),
        ("127.0.0.1", "http://127.0.0.2/", False),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/", True),
        ("127.0.0.1:8000", "http://127.0.0.1:8001/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.0.0.0/8", "http://10.example.com/", False),
        ("::1", "http://[::1]:5/", True),
        ("[::1]", "http://[::1]:5/", True),
        ("[::1]:5", "http://[::1]:5/", True),
        ("[::1]:5", "http://[::1]:6/", False),
        ("fd00::/8", "http://[fd12::1]/", True),
        ("fd00::/8", "http://10.0.0.1/", False),
        ("localhost", "http://localhost:11434/", True),
        ("", "http://h/", False),
        (" a , b ", "http://b/", True),
        ("a,,b", "http://c/", False),
        (".", "http://c/", False),
    ],
)
def test_no_proxy(entry: str, url: str, excluded: bool) -> None:
    """Every form of `no_proxy` entry excludes what it names and nothing else."""
    endpoint = Endpoint.parse(url)
    proxied = rules(all_proxy="http://p:1", no_proxy=entry)
    assert proxied.is_excluded(endpoint.host, endpoint.port) is excluded
    assert (proxied.route(endpoint).way is Way.DIRECT) is excluded
    assert (proxied.proxy_for(endpoint) == "") is excluded
