"""The event stream parser, by example and against a plain reading of the standard."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tzproxy._speedups.sse import EventParser
from tzproxy.errors import UpstreamProtocolError


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\ndata:  b\n\n", [b"a", b" b"]),
        (b"data: a\ndata: b\ndata: c\n\n", [b"a\nb\nc"]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [b"a", b"b", b"c"]),
        (b": comment\n\nevent: ping\n\nid: 1\nretry: 5\n\n", []),
        (b"event: x\ndata: a\nid: 7\n\n", [b"a"]),
        (b"data\n\ndata\ndata\n\ndata:", [b"", b"\n"]),
        (b"data: \n\n", [b""]),
        (b"database: a\n\nDATA: b\n\n data: c\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [b"a"]),
        (b"\n\n\ndata: a\n\n\n\n", [b"a"]),
        (b'data: {"a": "\xc3\xa9:\x00"}\n\n', [b'{"a": "\xc3\xa9:\x00"}']),
        (b"data: [DONE]\n", []),
        (b"data: x", []),
    ],
)
def test_examples(stream: bytes, events: list[bytes]) -> None:
    """Each stream gives its events, whole and byte by byte."""
    assert EventParser().feed(stream) == events
    parser = EventParser()
    assert [event for i in range(len(stream)) for event in parser.feed(stream[i : i + 1])] == events


def test_event_is_out_at_its_last_byte() -> None:
    """A bare CR ends a line at once; a LF that follows later is part of it."""
    parser = EventParser()
    assert parser.feed(b"data: a\r") == []
    assert parser.feed(b"\r") == [b"a"]
    assert parser.feed(b"\ndata: b\r") == []
    assert parser.feed(b"\n") == []
    assert parser.feed(b"\r\n") == [b"b"]


def test_pending() -> None:
    """What is held of an unfinished event can be seen, and is nothing between events."""
    parser = EventParser()
    parser.feed(b"data: abc\ndat")
    assert parser.pending == 7
    parser.feed(b"a: x\n\n")
    assert parser.pending == 0


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 200, b"data: 12345\n" * 20, b": " + b"x" * 200])
def test_limit(stream: bytes) -> None:
    """An event, or a line of any kind, that outgrows the limit is refused however it arrives."""
    with pytest.raises(UpstreamProtocolError, match="larger than 100 bytes"):
        EventParser(100).feed(stream)
    parser = EventParser(100)
    with pytest.raises(UpstreamProtocolError, match="larger than 100 bytes"):
        for i in range(len(stream)):
            parser.feed(stream[i : i + 1])


def test_limit_counts_one_event() -> None:
    """The limit is for one event, not for the stream."""
    parser = EventParser(100)
    assert parser.feed(b"data: 0123456789\n\n" * 50) == [b"0123456789"] * 50


def reference(stream: bytes) -> list[bytes]:
    """Read a whole stream as the standard says, the slow way."""
    lines = re.split(b"\r\n|\r|\n", stream.removeprefix(b"\xef\xbb\xbf"))[:-1]
    events: list[bytes] = []
    data = b""
    for line in lines:
        if not line:
            if data:
                events.append(data[:-1])
            data = b""
        name, _, value = line.partition(b":")
        if name == b"data":
            data += value.removeprefix(b" ") + b"\n"
    return events


TOKENS = st.sampled_from(
    [b"data", b":", b" ", b"\r", b"\n", b"\r\n", b"x", b"event: y", b"\xef\xbb\xbf", b"data: z\n\n"]
)


@given(st.lists(TOKENS | st.binary(max_size=3), max_size=40), st.lists(st.integers(0, 200)))
def test_agrees_with_the_reference_at_every_cut(tokens: list[bytes], cuts: list[int]) -> None:
    """Whole, byte by byte and cut at random, the events are those of the reference."""
    stream = b"".join(tokens)
    for at in ([], cuts, list(range(len(stream)))):
        edges = [0, *sorted({cut % (len(stream) + 1) for cut in at}), len(stream)]
        parser = EventParser()
        pieces = [stream[first:last] for first, last in zip(edges, edges[1:], strict=False)]
        assert [event for piece in pieces for event in parser.feed(piece)] == reference(stream)
