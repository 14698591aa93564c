"""URLs taken apart: what goes onto the wire, what is refused, what is never shown."""

from __future__ import annotations

import pytest

from tzproxy.upstream.endpoint import Endpoint


@pytest.mark.parametrize(
    ("url", "origin", "line", "host"),
    [
        ("https://api.openai.com/v1/x", "https://api.openai.com:443", "/v1/x", "api.openai.com"),
        ("http://localhost:8000", "http://localhost:8000", "/", "localhost:8000"),
        ("HTTP://EXAMPLE.com:80/a?b=c&d", "http://example.com:80", "/a?b=c&d", "example.com"),
        ("https://example.com:80/", "https://example.com:80", "/", "example.com:80"),
        ("http://[::1]:9/x", "http://[::1]:9", "/x", "[::1]:9"),
        ("http://h/a b", "http://h:80", "/a%20b", "h"),
        ("http://h/p?q=a b#frag", "http://h:80", "/p?q=a%20b", "h"),
        ("http://h/caf\u00e9?x=\u00fc", "http://h:80", "/caf%C3%A9?x=%C3%BC", "h"),
        ("http://h/a%2Fb/x:y@1?alt=sse", "http://h:80", "/a%2Fb/x:y@1?alt=sse", "h"),
        ("http://b\u00fccher.example./", "http://xn--bcher-kva.example:80", "/", "xn--bcher-kva.example"),
        ("http://h?x=1", "http://h:80", "/?x=1", "h"),
        ("  http://h/\n", "http://h:80", "/", "h"),
    ],
)
def test_parse(url: str, origin: str, line: str, host: str) -> None:
    """A URL gives its origin, request target and host header."""
    endpoint = Endpoint.parse(url)
    assert endpoint.origin == origin
    assert endpoint.request_lines("POST")[0] == f"POST {line} HTTP/1.1\r\n".encode()
    assert endpoint.host_line == f"host: {host}\r\n".encode()
    scheme = origin.partition(":")[0]
    assert endpoint.request_lines("GET")[1] == f"GET {scheme}://{host}{line} HTTP/1.1\r\n".encode()
    assert endpoint.is_tls is (scheme == "https")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/v1",
        "/v1",
        "ftp://example.com",
        "http://",
        "http:///path",
        "http://h:99999/",
        "http://h:0/",
        "http://h:x/",
        "http://[::1/",
        "http://h\r\nx: y/",
        "http://h/a\r\nx: y",
        "http://h/?a\r\nx: y",
        "http://a b/",
        "http://h<>/",
        "http://h\x00/",
    ],
)
def test_bad_urls_are_refused(url: str) -> None:
    """What is not an absolute http(s) URL, or could forge a head, is refused."""
    with pytest.raises(ValueError, match="URL"):
        Endpoint.parse(url)


@pytest.mark.parametrize("url", ["http://u:s3cret@h:bad/", "http://u:s3cret@h x/", "http://u:s3cret@[h/"])
def test_errors_do_not_repeat_the_url(url: str) -> None:
    """A password in a broken URL does not reach the message."""
    with pytest.raises(ValueError, match="URL") as caught:
        Endpoint.parse(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_user_information_becomes_basic_authorization() -> None:
    """`user:password@` is decoded and sent as a header, not as part of the URL."""
    endpoint = Endpoint.parse("http://us%40er:p%3Aw@h/x")
    assert endpoint.authorization == b"authorization: Basic dXNAZXI6cDp3\r\n"
    assert endpoint.request_lines("GET")[1] == b"GET http://h/x HTTP/1.1\r\n"
    assert Endpoint.parse("http://h/").authorization == b""


def test_text_forms_hide_secrets() -> None:
    """Neither user information nor the query is shown."""
    endpoint = Endpoint.parse("https://user:s3cret@h:8443/v1?key=s3cret")
    assert repr(endpoint) == "Endpoint(https://h:8443/v1)"
    assert str(endpoint) == "https://h:8443/v1"


def test_with_target() -> None:
    """The same server can be asked for something else."""
    endpoint = Endpoint.parse("https://u:p@h/v1?a=b").with_target("/v2/\u00e9?key=k#f")
    assert endpoint.origin == "https://h:443"
    assert endpoint.request_lines("POST")[0] == b"POST /v2/%C3%A9?key=k HTTP/1.1\r\n"
    assert endpoint.authorization
    with pytest.raises(ValueError, match="slash"):
        endpoint.with_target("v2")


@pytest.mark.parametrize("method", ["", "get", "GET /x HTTP/1.1\r\n", "G\u00c4T", "G1"])
def test_bad_methods_are_refused(method: str) -> None:
    """A method cannot forge a request line."""
    with pytest.raises(ValueError, match="method"):
        Endpoint.parse("http://h/").request_lines(method)
