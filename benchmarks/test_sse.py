"""Cutting event streams: one token per read, as models send them, and many in one read.

Run: `python -m pytest benchmarks/test_sse.py --benchmark-only`.
"""

from __future__ import annotations

from typing import Any

from tzproxy._speedups.http1 import ResponseParser
from tzproxy._speedups.sse import EventParser

PAYLOAD = (
    b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini",'
    b'"choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}]}'
)
EVENT = b"data: " + PAYLOAD + b"\n\n"


def test_one_event(benchmark: Any) -> None:
    """One event in one read."""
    parser = EventParser()
    assert benchmark(lambda: parser.feed(EVENT)) == [PAYLOAD]


def test_hundred_events(benchmark: Any) -> None:
    """A hundred events in one read."""
    parser = EventParser()
    data = EVENT * 100
    assert len(benchmark(lambda: parser.feed(data))) == 100


def test_event_cut_in_four(benchmark: Any) -> None:
    """One event that arrives in four reads."""
    parser = EventParser()
    pieces = [EVENT[i : i + 50] for i in range(0, len(EVENT), 50)]

    def feed() -> list[bytes]:
        return [event for piece in pieces for event in parser.feed(piece)]

    assert benchmark(feed) == [PAYLOAD]


def test_chunked_event(benchmark: Any) -> None:
    """One event in one chunk, through both parsers: what each token of a stream costs."""
    http, sse = ResponseParser(), EventParser()
    http.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    data = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)
    assert benchmark(lambda: sse.feed(http.feed(data))) == [PAYLOAD]
