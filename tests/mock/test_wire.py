"""HTTP requests out of bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.mock.wire import MAX_BODY_BYTES, MAX_HEAD_BYTES, RequestReader, WireError, parse_head

PLAIN = b"POST /v1/x?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + (
    b"3;note=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
)
BARE = b"GET / HTTP/1.0\r\n\r\n"
EXPECTED = [(b"/v1/x", b"hello"), (b"/c", b"abc0123456789"), (b"/", b"")]


def _read(pieces: list[bytes]) -> list[tuple[bytes, bytes]]:
    reader = RequestReader({})
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (request := reader.next_request()) is not None:
            found.append((request.head.path, request.body))
    return found


def test_whole_and_byte_by_byte() -> None:
    """Pipelined requests come out the same whether they arrive at once or byte by byte."""
    data = PLAIN + CHUNKED + BARE
    assert _read([data]) == EXPECTED
    assert _read([data[i : i + 1] for i in range(len(data))]) == EXPECTED


@given(st.lists(st.integers(0, len(PLAIN + CHUNKED + BARE)), max_size=8))
def test_any_cut(cuts: list[int]) -> None:
    """Where the bytes are cut makes no difference."""
    data = PLAIN + CHUNKED + BARE
    edges = [0, *sorted(cuts), len(data)]
    assert _read([data[start:stop] for start, stop in zip(edges, edges[1:], strict=False)]) == EXPECTED


@pytest.mark.parametrize(
    ("raw", "is_keep_alive"),
    [
        (b"GET / HTTP/1.1", True),
        (b"GET / HTTP/1.1\r\nconnection: Close", False),
        (b"GET / HTTP/1.0", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive", True),
    ],
)
def test_keep_alive(raw: bytes, is_keep_alive: bool) -> None:
    """Keep-alive follows version and header."""
    assert parse_head(raw).is_keep_alive is is_keep_alive


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), 413),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n" % (MAX_BODY_BYTES + 1), 413),
        (b"x" * (MAX_HEAD_BYTES + 1), 431),
    ],
)
def test_refuses(data: bytes, status: int) -> None:
    """Bytes that are no acceptable request are refused with the right status."""
    reader = RequestReader({})
    reader.feed(data)
    with pytest.raises(WireError) as caught:
        reader.next_request()
    assert caught.value.status == status


def test_continue_is_wanted_once() -> None:
    """A client that waits for permission is told once, and only when its head is complete."""
    reader = RequestReader({})
    head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    reader.feed(head[:-1])
    assert reader.next_request() is None
    assert not reader.wants_continue()
    reader.feed(head[-1:])
    assert reader.next_request() is None
    assert reader.wants_continue()
    assert not reader.wants_continue()
    reader.feed(b"ok")
    request = reader.next_request()
    assert request is not None
    assert request.body == b"ok"
