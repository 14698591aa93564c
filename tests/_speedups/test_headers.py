"""Looking headers up in the raw head of a response."""

from __future__ import annotations

import pytest

from tzproxy._speedups.headers import Headers

RAW = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n"
    b"X-A:  1 \r\nx-a:\t2\r\nEmpty:\r\nName: caf\xe9\r\n"
)


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_get_ignores_case(name: str) -> None:
    """Names match in any case."""
    assert Headers(RAW).get(name) == "application/json"


def test_values() -> None:
    """Blanks around values go, repeated headers are joined, other bytes are read as Latin-1."""
    headers = Headers(RAW)
    assert headers.get("x-a") == "1, 2"
    assert headers.get_all("x-a") == ["1", "2"]
    assert headers.get("empty") == ""
    assert headers["name"] == "caf\xe9"


def test_absent() -> None:
    """What is not there gives the default, and a KeyError when subscripted."""
    headers = Headers(RAW)
    assert headers.get("x") is None
    assert headers.get("x", "y") == "y"
    assert headers.get("content-typ") is None
    assert headers.get("http/1.1 429 too many requests") is None
    assert "x" not in headers and "x-a" in headers
    with pytest.raises(KeyError):
        headers["\u20ac"]


def test_items() -> None:
    """All headers are listed in the order received."""
    assert Headers(RAW).items() == [
        ("content-type", "application/json"),
        ("x-a", "1"),
        ("x-a", "2"),
        ("empty", ""),
        ("name", "caf\xe9"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"HTTP/1.1 200 OK", "OK"),
        (b"HTTP/1.1 200", ""),
        (b"HTTP/1.1 200 ", ""),
        (b"HTTP/1.1 404 Not Found", "Not Found"),
    ],
)
def test_reason(line: bytes, reason: str) -> None:
    """The reason phrase is what the server wrote, or nothing."""
    assert Headers(line + b"\r\na: b\r\n").reason == reason
    assert Headers(line + b"\r\n").reason == reason


def test_no_headers() -> None:
    """An empty head has no headers and no reason."""
    assert Headers(b"").items() == []
    assert Headers(b"").reason == ""
    assert Headers(b"HTTP/1.1 200 OK\r\n").get("a") is None


def test_repr_shows_names_only() -> None:
    """Values may be secrets and are not shown."""
    assert repr(Headers(b"HTTP/1.1 200 OK\r\nset-cookie: secret\r\n")) == "<Headers set-cookie>"
