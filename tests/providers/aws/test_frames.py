from __future__ import annotations

from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]  # has no types
from hypothesis import given
from hypothesis import strategies as st

from tzproxy.providers.aws.frames import Frame, FrameError, FrameEvents, FrameParser, PayloadEvents
from tzproxy.providers.protocol import WireEvent

from ..samples import PROPERTY

KNOWN = bytes.fromhex(
    "0000009400000057b4ab9aee0d3a6d6573736167652d747970650700056576656e740b3a6576656e742d7479706507"
    "0011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e"
    "2f6a736f6e7b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a224869"
    "227d7d5db19242"
)


def _header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name)]) + name.encode() + bytes([kind]) + value


def _text(name: str, value: str) -> bytes:
    raw = value.encode()
    return _header(name, 7, len(raw).to_bytes(2, "big") + raw)


def _frame(payload: bytes = b"", headers: bytes = b"") -> bytes:
    prelude = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    message = prelude + crc32(prelude).to_bytes(4, "big") + headers + payload
    return message + crc32(message).to_bytes(4, "big")


def _event(kind: str, payload: bytes) -> bytes:
    return _frame(payload, _text(":message-type", "event") + _text(":event-type", kind))


def test_known_frame() -> None:
    """A known frame is read, and so are two at once."""
    expected = Frame(
        {
            ":message-type": "event",
            ":event-type": "contentBlockDelta",
            ":content-type": "application/json",
        },
        b'{"contentBlockIndex":0,"delta":{"text":"Hi"}}',
    )
    assert FrameParser().feed(KNOWN) == [expected]
    assert FrameParser().feed(KNOWN + KNOWN) == [expected, expected]


def test_pieces() -> None:
    """A frame is complete with its last byte, not earlier; nothing is left then."""
    parser = FrameParser()
    for index in range(len(KNOWN) - 1):
        assert parser.feed(KNOWN[index : index + 1]) == []
        assert parser.pending == index + 1
    assert len(parser.feed(KNOWN[-1:] + KNOWN[:3])) == 1
    assert parser.pending == 3


def test_other_headers() -> None:
    """Headers of all types are passed over; only texts are kept."""
    headers = b"".join(
        [
            _header("t", 0, b""),
            _header("f", 1, b""),
            _header("byte", 2, b"\x01"),
            _header("short", 3, b"\x00\x01"),
            _header("int", 4, b"\x00" * 4),
            _header("long", 5, b"\x00" * 8),
            _header("bytes", 6, b"\x00\x03abc"),
            _text("text", "ü"),
            _header("time", 8, b"\x00" * 8),
            _header("uuid", 9, b"\x00" * 16),
            _text("last", ""),
        ]
    )
    assert FrameParser().feed(_frame(b"p", headers)) == [Frame({"text": "ü", "last": ""}, b"p")]


@pytest.mark.parametrize("index", range(len(KNOWN)))
def test_every_flipped_byte(index: int) -> None:
    """A frame with any byte changed is refused, or waits for more that never comes."""
    data = bytearray(KNOWN)
    data[index] ^= 0x40
    with pytest.raises(FrameError):
        FrameParser().feed(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        _frame(b"", _header("a", 10, b"")),
        _frame(b"", _header("a", 7, b"\x00\x09abc")),
        _frame(b"", b"\x05a"),
        _frame(b"", _header("a", 7, b"\x00")),
        _frame(b"", b"\x01\xff\x00"),
        (20).to_bytes(4, "big") + (5).to_bytes(4, "big") + crc32(b"\0\0\0\x14\0\0\0\x05").to_bytes(4, "big"),
        b"\xff" * 8 + crc32(b"\xff" * 8).to_bytes(4, "big"),
        b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_broken_frames(data: bytes) -> None:
    """Impossible lengths and headers are refused."""
    with pytest.raises(FrameError):
        FrameParser().feed(data)


@PROPERTY
@given(
    st.lists(
        st.tuples(
            st.dictionaries(
                st.text(st.characters(codec="ascii"), min_size=1, max_size=9), st.text(max_size=9)
            ),
            st.binary(max_size=30),
        ),
        max_size=4,
    ),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_like_botocore(messages: list[tuple[dict[str, str], bytes]], cuts: list[int]) -> None:
    """Whatever frames come in whatever pieces, botocore reads them the same."""
    data = b"".join(
        _frame(payload, b"".join(_text(name, value) for name, value in headers.items()))
        for headers, payload in messages
    )
    reference = EventStreamBuffer()
    reference.add_data(data)
    expected = [Frame(dict(event.headers), event.payload) for event in reference]
    parser = FrameParser()
    places = [0, *sorted(cuts), len(data)]
    found = []
    for begin, end in zip(places, places[1:], strict=False):
        found += parser.feed(data[begin:end])
    assert found == expected == [Frame(headers, payload) for headers, payload in messages]


@PROPERTY
@given(st.lists(st.binary(max_size=40), max_size=4))
def test_any_bytes(pieces: list[bytes]) -> None:
    """No bytes whatsoever raise anything but our error."""
    parser = FrameParser()
    try:
        for piece in pieces:
            parser.feed(piece)
    except FrameError as exc:
        assert str(exc)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (_text(":message-type", "exception") + _text(":exception-type", "throttled"), "throttled"),
        (_text(":message-type", "error") + _text(":error-code", "E"), "E"),
        (_text(":message-type", "exception"), "unknown"),
    ],
)
def test_exceptions(headers: bytes, name: str) -> None:
    """A frame that tells of a failure is an event whose name says so."""
    expected = [WireEvent(b"{}", f"exception {name}")]
    assert FrameEvents().feed(_frame(b"{}", headers)) == expected
    assert PayloadEvents().feed(_frame(b"{}", headers)) == expected


def test_events() -> None:
    """Each frame is an event under its type."""
    data = _event("a", b"1") + _frame(b"2", b"")
    assert FrameEvents().feed(data) == [WireEvent(b"1", "a"), WireEvent(b"2", "")]


def test_payloads() -> None:
    """Frames may carry pieces of another stream, cut anywhere; other frames and empty ones say nothing."""
    cutter = PayloadEvents()
    assert cutter.feed(_event("PayloadPart", b"data: 1\n\nda") + _event("Other", b"data: x\n\n")) == [
        WireEvent(b"1")
    ]
    assert cutter.feed(_event("PayloadPart", b"")) == []
    assert cutter.feed(_event("PayloadPart", b"ta: 2\r\n\r\ndata: 3\n\n")) == [
        WireEvent(b"2"),
        WireEvent(b"3"),
    ]


def test_endless_payload() -> None:
    """An inner event without end is refused like a broken frame."""
    cutter = PayloadEvents()
    part = _event("PayloadPart", b"data: " + b"x" * (1 << 20))
    with pytest.raises(FrameError):
        for _ in range(40):
            cutter.feed(part)


@pytest.mark.parametrize("make", [FrameEvents, PayloadEvents])
def test_end(make: type[FrameEvents] | type[PayloadEvents]) -> None:
    """A stream may end after a frame, but not within one."""
    cutter = make()
    cutter.end()
    cutter.feed(KNOWN)
    cutter.end()
    cutter.feed(KNOWN[:-1])
    with pytest.raises(FrameError, match="the stream ends within a frame"):
        cutter.end()
