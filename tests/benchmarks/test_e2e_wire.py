"""The load generator's reading of responses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.e2e.wire import ResponseReader, WireError, build_request

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 429 Too Many\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata: \r\n0\r\n\r\n"


@given(st.sampled_from([(PLAIN, 200), (CHUNKED, 429)]), st.lists(st.integers(0, 80), max_size=6))
def test_complete_at_the_last_byte_only(case: tuple[bytes, int], cuts: list[int]) -> None:
    """However the bytes are cut, a response is complete with its last byte and not before."""
    data, status = case
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    reader = ResponseReader()
    told = [reader.feed(data[start:stop]) for start, stop in zip(edges, edges[1:], strict=False)]
    assert told == [False] * (len(edges) - 2) + [True]
    assert reader.status == status
    assert reader.data == data


@pytest.mark.parametrize(
    "data",
    [
        PLAIN + b"x",
        b"SSH-2.0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
    ],
)
def test_refuses_what_is_no_response(data: bytes) -> None:
    """Surplus bytes and heads without sense are errors, not answers."""
    with pytest.raises(WireError):
        ResponseReader().feed(data)


def test_request_states_its_length() -> None:
    """A built request is one that a server can read."""
    assert build_request("h:1", "/p", b"{}").endswith(b"content-length: 2\r\n\r\n{}")
