"""Proxy and trust settings out of environment values."""

from __future__ import annotations

from tzproxy.upstream.settings import UpstreamSettings


def test_from_environ_either_case() -> None:
    """Lower-case names count where the upper-case one is absent or empty."""
    settings = UpstreamSettings.from_environ(
        {
            "HTTPS_PROXY": "http://upper:1",
            "https_proxy": "http://lower:1",
            "HTTP_PROXY": " ",
            "http_proxy": "http://lower:2",
            "all_proxy": "http://lower:3",
            "no_proxy": "a,b",
            "SSL_CERT_FILE": "/x.pem",
        },
        user_agent="agent/1",
    )
    assert settings.https_proxy == "http://upper:1"
    assert settings.http_proxy == "http://lower:2"
    assert settings.all_proxy == "http://lower:3"
    assert (settings.no_proxy, settings.ssl_cert_file, settings.user_agent) == ("a,b", "/x.pem", "agent/1")


def test_from_environ_nothing() -> None:
    """An empty environment means the defaults."""
    assert UpstreamSettings.from_environ({}) == UpstreamSettings()


def test_http_proxy_is_not_trusted_in_a_cgi_program() -> None:
    """Where a client's header could have set it, `HTTP_PROXY` is ignored."""
    settings = UpstreamSettings.from_environ({"HTTP_PROXY": "http://evil", "REQUEST_METHOD": "GET"})
    assert settings.http_proxy == ""
