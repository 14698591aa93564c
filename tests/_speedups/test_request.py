"""Requests byte by byte."""

from __future__ import annotations

import pytest

from tzproxy._speedups.request import (
    GIVES_ACCEPT,
    GIVES_AUTHORIZATION,
    GIVES_HOST,
    GIVES_USER_AGENT,
    HeaderLines,
    RequestWriter,
    TargetLines,
)

ALL = GIVES_ACCEPT | GIVES_AUTHORIZATION | GIVES_HOST | GIVES_USER_AGENT


class Target(TargetLines):
    """Knows how each method's lines are made."""

    def request_lines(self, method: str) -> tuple[bytes, bytes]:
        """Make them anew each time."""
        return method.encode() + b" /p\r\n", method.encode() + b" http://h/p\r\n"


TARGET = Target(b"host: h\r\n", b"authorization: Basic eA==\r\n")


def written(
    given: int = 0,
    body: bytes = b"{}",
    method: str = "POST",
    *,
    wants_events: bool = False,
    proxied: bool = False,
) -> bytes:
    """Write a request with one header of its own."""
    proxy_lines = b"proxy-authorization: Basic eQ==\r\n" if proxied else b""
    writer = RequestWriter(proxied, proxy_lines, b"user-agent: u\r\n")
    return writer.write(TARGET, HeaderLines(b"x: 1\r\n", given), body, method, wants_events)


def test_everything_that_is_not_given_is_added() -> None:
    """The target's lines, then the caller's, then what is accepted, who asks, and the length."""
    assert written() == (
        b"POST /p\r\nhost: h\r\nauthorization: Basic eA==\r\nx: 1\r\naccept: */*\r\nuser-agent: u\r\n"
        b"content-length: 2\r\n\r\n{}"
    )


def test_what_is_given_is_not_added() -> None:
    """A header that the caller brings is not sent twice."""
    assert written(ALL) == b"POST /p\r\nx: 1\r\ncontent-length: 2\r\n\r\n{}"
    for bit, line in (
        (GIVES_ACCEPT, b"accept: */*\r\n"),
        (GIVES_AUTHORIZATION, b"authorization: Basic eA==\r\n"),
        (GIVES_HOST, b"host: h\r\n"),
        (GIVES_USER_AGENT, b"user-agent: u\r\n"),
    ):
        assert written(bit) == written().replace(line, b"")


def test_streams_accept_events() -> None:
    """A server is told when a stream is wanted, unless the caller has said what it accepts."""
    assert written(wants_events=True) == written().replace(b"*/*", b"text/event-stream")
    assert written(ALL, wants_events=True) == written(ALL)


def test_a_plain_proxy_is_told_the_whole_address() -> None:
    """The absolute form of the request line, with the proxy's own credentials."""
    head, _, rest = written(proxied=True).partition(b"x: 1\r\n")
    assert head == (
        b"POST http://h/p\r\nhost: h\r\nauthorization: Basic eA==\r\nproxy-authorization: Basic eQ==\r\n"
    )
    assert rest == written().partition(b"x: 1\r\n")[2]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_requests_without_content_have_no_length(method: str) -> None:
    """Methods that usually have no content say nothing of its length, unless there is some."""
    assert b"content-length" not in written(body=b"", method=method)
    assert written(body=b"", method=method).endswith(b"user-agent: u\r\n\r\n")
    assert written(body=b"a", method=method).endswith(b"content-length: 1\r\n\r\na")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_others_say_that_there_is_nothing(method: str) -> None:
    """A server need not wait for content that does not come."""
    assert written(body=b"", method=method).endswith(b"content-length: 0\r\n\r\n")


def test_long_bodies() -> None:
    """The length has as many digits as it takes."""
    assert written(body=b"x" * 1234567).endswith(b"content-length: 1234567\r\n\r\n" + b"x" * 1234567)


def test_known_lines_are_not_asked_for() -> None:
    """What a target has once made is used again; one that knows nothing of a method cannot send it."""
    plain = TargetLines(b"host: h\r\n", b"")
    plain.lines["POST"] = (b"POST /\r\n", b"POST http://h/\r\n")
    writer = RequestWriter(False, b"", b"")
    headers = HeaderLines(b"", ALL)
    assert writer.write(plain, headers, b"", "POST", False) == b"POST /\r\ncontent-length: 0\r\n\r\n"
    with pytest.raises(KeyError):
        writer.write(plain, headers, b"", "PUT", False)
