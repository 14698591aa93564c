"""Tests of `tzproxy.inference.stream_sources`: events to items, from a wire and from this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tzproxy.errors import UpstreamProtocolError
from tzproxy.inference.model import CallContext
from tzproxy.inference.stream_sources import FramedSource, LocalSource, StreamItem, WireSource
from tzproxy.providers.dummy.provider import SPEC
from tzproxy.providers.errors import FatalStreamError, ProviderError
from tzproxy.providers.protocol import LocalEvent, LocalStream, WireEvent
from tzproxy.types.content import TextChunk
from tzproxy.types.model import ProviderChunk


def chunk(text: str) -> ProviderChunk:
    """A piece of text."""
    return ProviderChunk(content=[TextChunk("0", text)])


class Wire:
    """An answer that gives lists of events, or fails."""

    headers: Any = None

    def __init__(self, *rounds: list[bytes] | Exception | None) -> None:
        self.rounds = list(rounds)
        self.is_finished = False
        self.is_closed = False

    def take_events(self) -> Any:
        """Give the next list."""
        given = self.rounds.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    take_bytes = take_events

    async def more(self) -> None:
        """Have nothing to wait for."""

    def finish(self) -> None:
        """Note that nothing more is wanted."""
        self.is_finished = True

    async def close(self) -> None:
        """Note it."""
        self.is_closed = True


class Parser:
    """Events are texts; `end` ends, `bad` is wrong, `-` says nothing."""

    done = False

    def feed(self, event: bytes, name: str = "") -> ProviderChunk | None:
        """Read one."""
        if name:
            return chunk(f"{name}={event.decode()}")
        if event == b"end":
            self.done = True
            return None
        if event == b"bad":
            raise ProviderError("bad event")
        return None if event == b"-" else chunk(event.decode())


def source(*rounds: list[bytes] | Exception | None) -> tuple[WireSource, Wire]:
    """A source of these events."""
    wire: Any = Wire(*rounds)
    parser: Any = Parser()
    context = CallContext(variant_name="v", credentials={})
    return WireSource(wire, parser, SPEC, "raw request", context), wire


async def test_events_that_come_together_are_items_together() -> None:
    """Each has the text it was read from; silent events are left out."""
    made, _ = source([b"a", b"-", b"b"], [b"c"])
    assert await made.items() == [StreamItem(chunk("a"), None, "a"), StreamItem(chunk("b"), None, "b")]
    assert await made.items() == [StreamItem(chunk("c"), None, "c")]


async def test_silence_is_waited_through() -> None:
    """An empty hand is never given: the next events are awaited."""
    made, _ = source([b"-"], [], [b"a"])
    assert await made.items() == [StreamItem(chunk("a"), None, "a")]


async def test_the_provider_says_when_it_is_over() -> None:
    """After its mark nothing is read; the connection may serve others."""
    made, wire = source([b"a", b"end", b"never"], [b"never"])
    assert await made.items() == [StreamItem(chunk("a"), None, "a")]
    assert await made.items() is None
    assert wire.is_finished
    assert wire.rounds == [[b"never"]]


async def test_the_body_may_end_without_a_mark() -> None:
    """The end of the answer is the end of the stream."""
    made, wire = source([b"a"], None)
    await made.items()
    assert await made.items() is None
    assert not wire.is_finished


async def test_an_event_that_cannot_be_read_is_an_item() -> None:
    """The failure has the request it belongs to, the item the event's text."""
    made, _ = source([b"a", b"bad", b"b"])
    items = await made.items()
    assert items is not None
    assert [item.raw for item in items] == ["a", "bad", "b"]
    error = items[1].error
    assert isinstance(error, ProviderError)
    assert (error.message, error.raw_request) == ("bad event", "raw request")


async def test_a_lost_connection_is_the_last_item() -> None:
    """What the wire raises becomes the stream's fatal failure."""
    made, _ = source([b"a"], UpstreamProtocolError("cut off"))
    await made.items()
    items = await made.items()
    assert items is not None
    (item,) = items
    assert isinstance(item.error, FatalStreamError)
    assert "cut off" in item.error.message


async def test_closing_closes_the_answer() -> None:
    """Whoever leaves early lets go of the connection."""
    made, wire = source([b"a"])
    await made.close()
    assert wire.is_closed


async def test_a_stream_of_this_process() -> None:
    """Events of a provider without a wire are items one by one, failures among them."""
    failure = ProviderError("broken")

    async def events() -> AsyncIterator[LocalEvent]:
        yield LocalEvent(chunk=chunk("a"), raw="raw a", latency_ms=1)
        yield LocalEvent(chunk=failure, raw="", latency_ms=2)
        yield LocalEvent(chunk=chunk("b"), raw="raw b", latency_ms=3)

    made = LocalSource(LocalStream(events(), "raw request"))
    assert made.raw_request == "raw request"
    assert await made.items() == [StreamItem(chunk("a"), None, "raw a")]
    assert await made.items() == [StreamItem(None, failure, "")]
    assert await made.items() == [StreamItem(chunk("b"), None, "raw b")]
    assert await made.items() is None
    await made.close()


class Cutter:
    """Every two bytes are an event: its name and its data."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> list[WireEvent]:
        """Cut off what is complete."""
        data = self.rest + data
        if b"?" in data:
            raise ValueError("no event begins so")
        whole = len(data) // 2 * 2
        self.rest = data[whole:]
        return [WireEvent(data[at + 1 : at + 2], chr(data[at])) for at in range(0, whole, 2)]

    def end(self) -> None:
        """Refuse a cut event."""
        if self.rest:
            raise ValueError("the stream ends within an event")


def framed(*rounds: Any) -> FramedSource:
    """A source of bytes in a format of its own."""
    wire: Any = Wire(*rounds)
    parser: Any = Parser()
    return FramedSource(wire, parser, SPEC, "raw", CallContext(variant_name="v", credentials={}), Cutter())


async def test_a_format_of_its_own_is_cut_and_named() -> None:
    """Events may span what arrives together; the parser is told their names."""
    made = framed(b"a", b"1b2c", b"3", None)
    assert await made.items() == [StreamItem(chunk("a=1"), None, "1"), StreamItem(chunk("b=2"), None, "2")]
    assert await made.items() == [StreamItem(chunk("c=3"), None, "3")]
    assert await made.items() is None


@pytest.mark.parametrize(("rest", "reason"), [(b"??", "no event begins so"), (b"b", "within an event")])
async def test_bytes_that_are_not_the_format_break_the_stream(rest: bytes, reason: str) -> None:
    """Whether they are wrong or end too early: a failure of the provider's, and the last item."""
    made = framed(b"a1", rest, None)
    assert await made.items() == [StreamItem(chunk("a=1"), None, "1")]
    (broken,) = await made.items() or ()
    assert isinstance(broken.error, FatalStreamError)
    assert reason in broken.error.message
