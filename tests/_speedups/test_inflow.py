"""What has arrived of a stream: taking, waiting, listening, and what the source is asked to do."""

from __future__ import annotations

import pytest

from tzproxy._speedups.inflow import StreamInflow
from tzproxy.errors import UpstreamConnectError, UpstreamProtocolError, UpstreamTimeoutError


class Source:
    """A connection that notes what it is asked to do."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pause(self) -> None:
        """Note it."""
        self.asked.append("pause")

    def resume(self) -> None:
        """Note it."""
        self.asked.append("resume")

    def lift_first_byte(self) -> None:
        """Note it."""
        self.asked.append("lift")

    def give_up(self) -> None:
        """Note it."""
        self.asked.append("give up")

    def drain(self) -> None:
        """Note it."""
        self.asked.append("drain")


def inflow(*, held: int = 100, event: int = 100) -> tuple[StreamInflow, Source]:
    """A stream that holds so many bytes, with events of so many."""
    source = Source()
    made = StreamInflow(
        source, 200, b"head", started_at=1.0, sent_at=2.0, first_byte_at=3.0, limits=(held, 100, event)
    )
    return made, source


def test_what_a_stream_knows() -> None:
    """Status, head and times are what it was made with; the end's time comes with the end."""
    made, _ = inflow()
    assert (made.status, made.head, made.limits) == (200, b"head", (100, 100, 100))
    assert (made.started_at, made.sent_at, made.first_byte_at, made.done_at) == (1.0, 2.0, 3.0, 0.0)
    made.end(4.0)
    assert made.done_at == 4.0


def test_pieces_are_taken_together() -> None:
    """What was pushed since comes joined, once; the deadline for the first item is lifted once."""
    made, source = inflow()
    assert made.take_bytes() == b""
    made.push(b"a")
    made.push(b"b")
    assert made.has_unread
    assert made.take_bytes() == b"ab"
    assert not made.has_unread
    made.push(b"c")
    assert made.take_bytes() == b"c"
    made.end(4.0)
    assert made.take_bytes() is None
    assert source.asked == ["lift"]


def test_events_are_taken_when_they_are_whole() -> None:
    """Half an event is none, and lifts no deadline."""
    made, source = inflow()
    made.push(b"data: 1")
    assert made.take_events() == []
    assert source.asked == []
    made.push(b"\n\ndata: 2\n\nda")
    assert made.take_events() == [b"1", b"2"]
    assert source.asked == ["lift"]


def test_a_slow_consumer_pauses_the_source() -> None:
    """It is paused once above the limit, and resumed when the bytes are taken."""
    made, source = inflow(held=2)
    for _ in range(3):
        made.push(b"ab")
    assert source.asked == ["pause"]
    made.take_bytes()
    assert source.asked == ["pause", "resume", "lift"]


def test_an_event_that_is_too_large() -> None:
    """The source is given up."""
    made, source = inflow(event=4)
    made.push(b"data: 12345\n\n")
    with pytest.raises(UpstreamProtocolError):
        made.take_events()
    assert source.asked == ["give up"]


def test_a_first_event_that_is_late() -> None:
    """Bytes without an event, after the deadline was noted, are a timeout."""
    made, source = inflow()
    made.push(b"da")
    made.note_overdue()
    with pytest.raises(UpstreamTimeoutError):
        made.take_events()
    assert source.asked == ["give up"]


def test_a_failure_comes_after_what_had_arrived() -> None:
    """And stays."""
    made, _ = inflow()
    made.push(b"a")
    made.fail(UpstreamProtocolError("cut off"))
    assert made.take_bytes() == b"a"
    for _ in range(2):
        with pytest.raises(UpstreamProtocolError):
            made.take_bytes()


async def test_waiting() -> None:
    """What is waited for is done with the next piece, the end, or at once when there is something."""
    made, _ = inflow()
    waiting = made.more()
    assert not waiting.done()
    made.push(b"a")
    assert waiting.done()
    assert made.more().done()
    made.take_bytes()
    given_up = made.more()
    given_up.cancel()
    made.push(b"b")
    made.take_bytes()
    waiting = made.more()
    made.end(4.0)
    assert waiting.done()


@pytest.mark.parametrize(("how", "asked"), [("finish", "drain"), ("abort", "give up")])
def test_being_done(how: str, asked: str) -> None:
    """The source is told once, nothing is left to take, and the listener hears no more."""
    made, source = inflow()
    heard: list[bool] = []
    made.listen(lambda: heard.append(made.has_unread))
    made.push(b"a")
    assert heard == [True]
    for _ in range(2):
        getattr(made, how)()
    assert heard == [True]
    assert source.asked == [asked]
    with pytest.raises(UpstreamConnectError):
        made.take_bytes()
