"""The response parser: what it accepts, what it refuses, and that the cuts between reads never matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy._speedups.http1 import ResponseParser
from tzproxy.errors import UpstreamProtocolError


def read(
    data: bytes, *, cuts: list[int] | None = None, no_body: bool = False
) -> tuple[int, bytes, ResponseParser]:
    """Feed a response in pieces; give the status, the body and the parser."""
    parser = ResponseParser()
    parser.start(no_body)
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts or []}), len(data)]
    body = b"".join([parser.feed(data[first:last]) for first, last in zip(edges, edges[1:], strict=False)])
    return parser.status, body, parser


def message(*lines: str, body: bytes = b"") -> bytes:
    """Write a response from its head lines."""
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


def test_content_length_body() -> None:
    """A body of known length is returned whole, and the connection stays usable."""
    status, body, parser = read(message("HTTP/1.1 200 OK", "Content-Length: 5", body=b"hello"))
    assert (status, body) == (200, b"hello")
    assert parser.complete and parser.keep_alive and not parser.excess
    assert parser.head == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
    assert parser.content_length == 5


def test_one_read_of_body_is_not_copied() -> None:
    """A read that is nothing but body is handed through as the same object."""
    parser = ResponseParser()
    parser.feed(message("HTTP/1.1 200 OK", "content-length: 600"))
    piece = b"x" * 600
    assert parser.feed(piece) is piece


def test_chunked_body() -> None:
    """Chunks are joined; extensions, blanks before them and trailers are dropped."""
    body = b'5;name=value\r\nhello\r\n0006 ;q="a;b"\r\n world\r\n0\r\nx-checksum: 1\r\n\r\n'
    status, decoded, parser = read(message("HTTP/1.1 200 OK", "transfer-encoding: Chunked", body=body))
    assert (status, decoded) == (200, b"hello world")
    assert parser.complete and parser.keep_alive and not parser.excess


def test_body_until_close() -> None:
    """A body without a length ends when the server closes, and the connection is spent."""
    status, body, parser = read(message("HTTP/1.1 200 OK", body=b"all of it"))
    assert (status, body, parser.complete) == (200, b"all of it", False)
    parser.feed_eof()
    assert parser.complete and not parser.keep_alive


def test_interim_responses_are_skipped() -> None:
    """Any number of 1xx heads may precede the answer, even in the same read."""
    data = message("HTTP/1.1 100 Continue") + message("HTTP/1.1 103 Early Hints", "link: </a>; rel=preload")
    status, body, parser = read(data + message("HTTP/1.1 201 Created", "content-length: 2", body=b"ok"))
    assert (status, body, parser.complete) == (201, b"ok", True)
    assert parser.head.startswith(b"HTTP/1.1 201")


def test_endless_interim_responses_are_refused() -> None:
    """A server cannot keep a reader busy with interim heads for ever."""
    parser = ResponseParser(1000)
    with pytest.raises(UpstreamProtocolError, match="too many interim"):
        for _ in range(100):
            parser.feed(message("HTTP/1.1 102 Processing"))


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_body(status: int) -> None:
    """204 and 304 end with their head, whatever length they announce."""
    got, body, parser = read(message(f"HTTP/1.1 {status} X", "content-length: 10"))
    assert (got, body, parser.complete) == (status, b"", True)


def test_no_body_when_told() -> None:
    """The answer to HEAD or CONNECT ends with its head."""
    _, body, parser = read(message("HTTP/1.1 200 OK", "content-length: 10"), no_body=True)
    assert (body, parser.complete, parser.excess) == (b"", True, False)


def test_reuse() -> None:
    """`start` forgets everything about the answer before."""
    parser = ResponseParser()
    parser.feed(message("HTTP/1.1 500 Oh", "connection: close", "content-length: 1", body=b"x"))
    assert (parser.status, parser.keep_alive) == (500, False)
    parser.start()
    assert (parser.status, parser.head, parser.complete) == (0, b"", False)
    assert (
        parser.feed(message("HTTP/1.1 200", "transfer-encoding: chunked", body=b"1\r\ny\r\n0\r\n\r\n"))
        == b"y"
    )
    assert parser.complete and parser.keep_alive


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["HTTP/1.1 200 OK"], True),
        (["HTTP/1.1 200 OK", "Connection: close"], False),
        (["HTTP/1.1 200 OK", "Connection: upgrade , CLOSE"], False),
        (["HTTP/1.1 200 OK", "Connection: keep-alive", "Connection: close"], False),
        (["HTTP/1.1 200 OK", "Connection: closed"], True),
        (["HTTP/1.0 200 OK"], False),
        (["HTTP/1.0 200 OK", "Connection: Keep-Alive"], True),
    ],
)
def test_keep_alive(lines: list[str], expected: bool) -> None:
    """Version and `connection` header decide whether the connection may serve again."""
    assert read(message(*lines, "content-length: 0"))[2].keep_alive is expected


def test_excess_bytes_are_reported() -> None:
    """Bytes after the message do not belong to it and spoil the connection."""
    _, body, parser = read(message("HTTP/1.1 200 OK", "content-length: 2", body=b"okHTTP/1.1 200 OK"))
    assert (body, parser.complete, parser.excess) == (b"ok", True, True)


MALFORMED = {
    "not http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "http 2": b"HTTP/2 200 OK\r\n\r\n",
    "http 1.2": b"HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n",
    "lower case": b"http/1.1 200 OK\r\n\r\n",
    "empty line first": b"\r\nHTTP/1.1 200 OK\r\n\r\n",
    "short status": b"HTTP/1.1 20 OK\r\n\r\n",
    "long status": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status below 100": b"HTTP/1.1 099 OK\r\n\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "two blanks": b"HTTP/1.1  200 OK\r\n\r\n",
    "control in reason": b"HTTP/1.1 200 O\x00K\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    "bare LF in a header": b"HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n",
    "bare CR in a value": b"HTTP/1.1 200 OK\r\na: b\rc: d\r\n\r\n",
    "NUL in a value": b"HTTP/1.1 200 OK\r\na: b\x00\r\n\r\n",
    "blank before colon": b"HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\ncontent-length\r\n\r\n",
    "no name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "folded header": b"HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
    "name with umlaut": b"HTTP/1.1 200 OK\r\n\xe4: b\r\n\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "plus length": b"HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n",
    "hex length": b"HTTP/1.1 200 OK\r\ncontent-length: 0x1\r\n\r\n",
    "empty length": b"HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n",
    "list of lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\n",
    "huge length": b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000000000\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    "length and chunked": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    "gzip coding": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
    "chunked twice": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
    "chunked in 1.0": b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    "switched protocols": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_heads_are_refused(name: str) -> None:
    """What is not HTTP/1.1 by the letter is a protocol error, fed whole or byte by byte, and stays one."""
    data = MALFORMED[name]
    whole = ResponseParser()
    with pytest.raises(UpstreamProtocolError):
        whole.feed(data)
    with pytest.raises(UpstreamProtocolError):
        whole.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    bytewise = ResponseParser()
    with pytest.raises(UpstreamProtocolError):
        for i in range(len(data)):
            bytewise.feed(data[i : i + 1])


def test_garbage_is_refused_at_its_first_byte() -> None:
    """A server that speaks something else is found out without waiting for a line end."""
    with pytest.raises(UpstreamProtocolError):
        ResponseParser().feed(b"\x15")


@pytest.mark.parametrize("cut", [1, 2000])
def test_oversized_head_is_refused(cut: int) -> None:
    """A head larger than the limit is refused, with and without an end in sight."""
    data = message("HTTP/1.1 200 OK", "a: " + "x" * 1500)
    parser = ResponseParser(1000)
    with pytest.raises(UpstreamProtocolError, match="larger than 1000 bytes"):
        for i in range(0, len(data), cut):
            parser.feed(data[i : i + cut])


@pytest.mark.parametrize(
    "data",
    [b"", b"HTTP/1.1 200", message("HTTP/1.1 200 OK", "content-length: 3", body=b"ab")],
    ids=["nothing", "half a head", "half a body"],
)
def test_early_close_is_an_error(data: bytes) -> None:
    """A message cut off by closing is never taken for complete."""
    parser = ResponseParser()
    parser.feed(data)
    with pytest.raises(UpstreamProtocolError, match="before the response was complete"):
        parser.feed_eof()
    assert not parser.complete


BODIES = st.lists(st.binary(max_size=40), max_size=6)


@given(pieces=BODIES, chunked=st.booleans(), tail=st.binary(max_size=5), cuts=st.lists(st.integers(0, 999)))
def test_cuts_do_not_matter(pieces: list[bytes], chunked: bool, tail: bytes, cuts: list[int]) -> None:
    """However the bytes are cut into reads, status, body and flags are the same."""
    body = b"".join(pieces)
    if chunked:
        wire = (
            b"".join(b"%X\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)
            + b"0\r\na: b\r\n\r\n"
        )
        data = message("HTTP/1.1 200 OK", "transfer-encoding: chunked", "x: y", body=wire)
    else:
        data = message("HTTP/1.1 200 OK", f"content-length: {len(body)}", "x: y", body=body)
    for at in (cuts, list(range(len(data + tail)))):
        status, got, parser = read(data + tail, cuts=at)
        assert (status, got, parser.complete, parser.excess) == (200, body, True, bool(tail))


@given(st.binary(max_size=200), st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n"]))
def test_arbitrary_bytes_never_crash(noise: bytes, start: bytes) -> None:
    """Any input either parses or is a protocol error, and both verdicts survive byte-by-byte feeding."""

    def verdict(pieces: list[bytes]) -> object:
        parser = ResponseParser(100)
        try:
            body = b"".join([parser.feed(piece) for piece in pieces])
        except UpstreamProtocolError:
            return "refused"
        return parser.status, body, parser.complete, parser.keep_alive

    data = start + noise
    assert verdict([data]) == verdict([data[i : i + 1] for i in range(len(data))])
