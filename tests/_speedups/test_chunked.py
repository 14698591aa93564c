"""The chunked coding, through the response parser that owns it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy._speedups.http1 import ResponseParser
from tzproxy.errors import UpstreamProtocolError

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

MALFORMED = {
    "no size": b"\r\nabc\r\n",
    "0x size": b"0x5\r\nhello\r\n",
    "signed size": b"+5\r\nhello\r\n",
    "negative size": b"-5\r\nhello\r\n",
    "blank first": b" 5\r\nhello\r\n",
    "blank inside": b"1 0\r\nhello\r\n",
    "absurd size": b"1000000000000000\r\n",
    "bare LF after size": b"5\nhello\r\n0\r\n\r\n",
    "CR without LF after size": b"5\rhello\r\n",
    "bare LF in extension": b"5;a=b\nhello\r\n",
    "NUL in extension": b"5;a=\x00\r\nhello\r\n",
    "longer than said": b"5\r\nhello!\r\n",
    "bare LF after data": b"5\r\nhello\n0\r\n\r\n",
    "CR without LF after data": b"5\r\nhello\rx",
    "trailer without name": b"0\r\n: x\r\n\r\n",
    "trailer without colon": b"0\r\nabc\r\n\r\n",
    "trailer with blank name": b"0\r\na b: c\r\n\r\n",
    "trailer with NUL": b"0\r\na: \x00\r\n\r\n",
    "bare LF after trailer": b"0\r\na: b\n\r\n",
    "bare LF at the end": b"0\r\n\n",
    "CR without LF at the end": b"0\r\n\rx",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_framing_is_refused(name: str) -> None:
    """Framing that two readers could take differently is a protocol error, whole and byte by byte."""
    data = MALFORMED[name]
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))]):
        parser = ResponseParser()
        parser.feed(HEAD)
        with pytest.raises(UpstreamProtocolError):
            for piece in pieces:
                parser.feed(piece)
        with pytest.raises(UpstreamProtocolError):
            parser.feed(b"0\r\n\r\n")
        assert not parser.complete


def test_sizes_in_either_case_and_with_leading_zeros() -> None:
    """Hexadecimal sizes are read in every form the grammar allows."""
    parser = ResponseParser()
    assert (
        parser.feed(HEAD + b"a\r\n" + b"x" * 10 + b"\r\n00B\r\n" + b"y" * 11 + b"\r\n000\r\n\r\n")
        == b"x" * 10 + b"y" * 11
    )
    assert parser.complete


@pytest.mark.parametrize(
    ("piece", "reason"), [(b";" + b"x" * 5000, "extension"), (b"\r\nab\r\n0\r\na:" + b"x" * 5000, "trailers")]
)
def test_framing_has_a_limit(piece: bytes, reason: str) -> None:
    """Extensions and trailers cannot grow without end."""
    parser = ResponseParser(1000)
    with pytest.raises(UpstreamProtocolError, match=reason):
        parser.feed(HEAD + b"2" + piece)


def test_extension_limit_counts_anew_for_each_chunk() -> None:
    """Many chunks with small extensions are fine."""
    parser = ResponseParser()
    for _ in range(100):
        parser.feed(b"" if parser.status else HEAD)
        assert parser.feed(b"1;" + b"e" * 100 + b"\r\nx\r\n") == b"x"


def test_close_inside_a_chunk_is_an_error() -> None:
    """A chunked body is complete only with its last chunk."""
    parser = ResponseParser()
    assert parser.feed(HEAD + b"5\r\nhello\r\n") == b"hello"
    with pytest.raises(UpstreamProtocolError):
        parser.feed_eof()


TOKENS = st.sampled_from(
    [
        b"5\r\nhello\r\n",
        b"0\r\n",
        b"1;a=b\r\nx\r\n",
        b"\r\n",
        b"a: b\r\n",
        b"0",
        b"2 ;q\r\n",
        b"xy",
        b"\r",
        b"\n",
        b";",
        b" ",
    ]
)


@given(st.lists(TOKENS, max_size=8), st.booleans())
def test_agrees_with_a_plain_reference(tokens: list[bytes], is_ended: bool) -> None:
    """Whatever the framing, a body is complete exactly when a slow reader says so, with the same data."""
    data = b"".join(tokens) + (b"0\r\n\r\n" if is_ended else b"")
    parser = ResponseParser()
    parser.feed(HEAD)
    try:
        body = parser.feed(data)
    except UpstreamProtocolError:
        assert reference(data) is None
        return
    assert reference(data) == (body if parser.complete else None)


def reference(data: bytes) -> bytes | None:
    """Decode a complete chunked body the slow way; None when it is malformed or unfinished."""
    body = b""
    while True:
        line, end, data = data.partition(b"\r\n")
        size = line.split(b";")[0]
        digits = size.rstrip(b" \t")
        if not end or not digits or len(digits) > 15 or b"\r" in line or b"\n" in line:
            return None
        if any(c not in b"0123456789abcdefABCDEF" for c in digits):
            return None
        length = int(digits, 16)
        if length == 0:
            break
        if data[length : length + 2] != b"\r\n":
            return None
        body, data = body + data[:length], data[length + 2 :]
    while True:
        line, end, data = data.partition(b"\r\n")
        if not end:
            return None
        if not line:
            return body
        name, colon, value = line.partition(b":")
        if not colon or not name or not name.isalnum():
            return None
        if b"\r" in value or b"\n" in value:
            return None
