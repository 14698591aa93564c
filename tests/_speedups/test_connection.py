"""A connection by itself: what it does to its transport, its slots and whoever waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from math import inf
from typing import Any

import pytest

from tzproxy._speedups.connection import Connection, Ending
from tzproxy._speedups.slots import Slots
from tzproxy.errors import UpstreamProtocolError
from tzproxy.upstream import UpstreamResponse, UpstreamSettings, UpstreamStream

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Wire(asyncio.Transport):
    """Keeps what is written, or fails to write."""

    def __init__(self, *, unsent: int = 0, broken: bool = False) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.unsent = unsent
        self.broken = broken
        self.is_aborted = False

    def write(self, data: Any) -> None:
        """Keep it."""
        if self.broken:
            raise OSError(32, "Broken pipe")
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        """Say how much the kernel has not taken."""
        return self.unsent

    def abort(self) -> None:
        """Note it."""
        self.is_aborted = True


class Made:
    """A connection in the only slot, with a clock that counts its readings."""

    def __init__(self, wire: Wire, *, served: bool = False) -> None:
        readings: Iterator[int] = count(10)
        loop = asyncio.get_running_loop()
        self.wire = wire
        self.slots = Slots(30.0, loop=loop, clock=lambda: float(next(readings)))
        assert self.slots.try_hold(1)
        self.connection = Connection(
            self.slots,
            UpstreamSettings(),
            loop=loop,
            clock=lambda: float(next(readings)),
            stream_class=UpstreamStream,
        )
        self.slots.add(self.connection)
        self.connection.connection_made(wire)
        if served:
            self.begin()
            self.connection.data_received(ANSWER)
            assert self.slots.take(0.0) is self.connection

    def begin(self, *, is_streaming: bool = False) -> asyncio.Future[Any]:
        """Send a request without deadlines."""
        return self.connection.begin(b"GET", 1.0, 2.0, inf, inf, is_streaming, False)

    @property
    def held(self) -> tuple[int, int]:
        """Idle connections, slots."""
        return self.slots.idle, self.slots.held


async def test_it_is_a_protocol_for_every_loop() -> None:
    """It has each method that a transport may call, flow control included."""
    connection = Made(Wire()).connection
    names = [name for name in dir(asyncio.Protocol) if not name.startswith("_")]
    assert len(names) >= 6
    assert [name for name in names if not callable(getattr(connection, name, None))] == []
    connection.pause_writing()
    connection.resume_writing()


async def test_the_connection_is_free_before_the_answer_is_there() -> None:
    """Whoever gets the answer finds the connection ready for the next request."""
    made = Made(Wire())
    waiter = made.begin()
    assert made.connection.is_busy and not made.connection.is_claimed
    made.connection.data_received(ANSWER)
    assert made.held == (1, 1) and not made.connection.is_busy
    answer = waiter.result()
    assert type(answer) is UpstreamResponse
    assert (answer.status, answer.body, made.wire.written) == (200, b"ok", [b"GET"])


async def test_an_answer_in_one_piece_takes_one_reading_of_the_clock() -> None:
    """What arrives at once has come and is complete at the same time."""
    made = Made(Wire())
    waiter = made.begin()
    made.connection.data_received(ANSWER)
    answer = waiter.result()
    times = (answer.started_at, answer.sent_at, answer.first_byte_at, answer.done_at)
    assert times == (1.0, 2.0, 10.0, 10.0)
    assert made.connection.idle_since == 10.0


async def test_an_answer_before_the_request_is_sent_spends_the_connection() -> None:
    """A server that answers while the request is still on its way may read the rest as another."""
    made = Made(Wire(unsent=1))
    waiter = made.begin()
    made.connection.data_received(ANSWER)
    assert waiter.result().body == b"ok"
    assert made.wire.is_aborted and made.held == (0, 0)


@pytest.mark.parametrize("served", [False, True], ids=["fresh", "kept"])
async def test_a_connection_that_cannot_be_written_to(served: bool) -> None:
    """A kept one was dead and leaves its slot to whoever asked; a fresh one fails."""
    made = Made(Wire(), served=served)
    made.wire.broken = True
    outcome = made.begin().result()
    if served:
        assert outcome is Ending.STALE and made.held == (0, 1)
    else:
        assert isinstance(outcome, UpstreamProtocolError) and made.held == (0, 0)
        assert "Broken pipe" in outcome.message
    assert made.connection.is_closed


async def test_abandoning() -> None:
    """A request that is given up closes the connection, and a stream nobody fetched does too."""
    running = Made(Wire())
    assert running.connection.abandon(running.begin()) is False
    assert running.wire.is_aborted and running.held == (0, 0)

    streaming = Made(Wire())
    waiter = streaming.begin(is_streaming=True)
    streaming.connection.data_received(ANSWER[:-1])
    assert type(waiter.result()) is UpstreamStream
    assert streaming.connection.abandon(waiter) is False
    assert streaming.wire.is_aborted and streaming.held == (0, 0)

    stale = Made(Wire(), served=True)
    waiter = stale.begin()
    stale.connection.connection_lost(None)
    assert stale.connection.abandon(waiter) is True
    assert stale.held == (0, 1)


async def test_shutting_twice_frees_one_slot() -> None:
    """A closed connection holds nothing any more."""
    made = Made(Wire())
    made.connection.shut()
    made.connection.shut()
    assert made.held == (0, 0)
