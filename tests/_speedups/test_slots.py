"""Who holds a slot, without a wire."""

from __future__ import annotations

import asyncio

from tzproxy._speedups.connection import Connection
from tzproxy._speedups.slots import Slots, closed_error
from tzproxy.errors import UpstreamConnectError
from tzproxy.upstream import UpstreamSettings, UpstreamStream


class Clock:
    """A clock that moves when told."""

    now = 0.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


def slots_at(clock: Clock) -> Slots:
    """Make slots whose idle connections expire after ten seconds."""
    return Slots(10.0, loop=asyncio.get_running_loop(), clock=clock)


def connection_in(slots: Slots, clock: Clock) -> Connection:
    """Hold one more slot and fill it."""
    assert slots.try_hold(99)
    connection = Connection(
        slots,
        UpstreamSettings(),
        loop=asyncio.get_running_loop(),
        clock=clock,
        stream_class=UpstreamStream,
    )
    slots.add(connection)
    return connection


async def test_holding_up_to_the_limit() -> None:
    """A slot is counted when it is held, and not beyond the limit."""
    slots = slots_at(Clock())
    assert [slots.try_hold(2), slots.try_hold(2), slots.try_hold(2)] == [True, True, False]
    slots.free()
    assert slots.held == 1


async def test_the_last_one_used_is_taken_first() -> None:
    """So the fewest connections stay warm."""
    clock = Clock()
    slots = slots_at(clock)
    first, second = connection_in(slots, clock), connection_in(slots, clock)
    assert slots.take(0.0) is None
    slots.give_back(first)
    slots.give_back(second)
    assert (slots.idle, slots.held) == (2, 2)
    assert slots.take(0.0) is second
    assert slots.take(0.0) is first
    slots.close()


async def test_an_expired_one_is_closed_instead_of_taken() -> None:
    """Servers close what was idle for long, perhaps just now."""
    clock = Clock()
    slots = slots_at(clock)
    old = connection_in(slots, clock)
    slots.give_back(old)
    assert slots.take(10.1) is None
    assert old.is_closed and slots.held == 0


async def test_closing_the_idle() -> None:
    """Those idle for too long go; the others stay."""
    clock = Clock()
    slots = slots_at(clock)
    old, recent = connection_in(slots, clock), connection_in(slots, clock)
    slots.give_back(old)
    clock.now = 5.0
    slots.give_back(recent)
    slots.close_idle(12.0)
    assert (old.is_closed, recent.is_closed) == (True, False)
    assert (slots.idle, slots.held) == (1, 1)
    slots.close()


async def test_a_freed_slot_goes_to_the_first_that_still_waits() -> None:
    """Those who have left the queue are passed over; the count stays, as the slot is held again."""
    slots = slots_at(Clock())
    assert slots.try_hold(1)
    loop = asyncio.get_running_loop()
    gone, waiting = loop.create_future(), loop.create_future()
    slots.waiters.extend([gone, waiting])
    gone.cancel()
    slots.free()
    assert waiting.result() is None and slots.held == 1 and not slots.waiters


async def test_a_connection_given_back_goes_to_the_first_that_waits() -> None:
    """It is claimed by then, so that its death on the way does not free the slot twice."""
    clock = Clock()
    slots = slots_at(clock)
    connection = connection_in(slots, clock)
    waiting = asyncio.get_running_loop().create_future()
    slots.waiters.append(waiting)
    slots.give_back(connection)
    assert waiting.result() is connection and connection.is_claimed
    connection.connection_lost(None)
    assert connection.is_closed and slots.held == 1
    slots.discard(connection)
    assert slots.held == 0


async def test_closing() -> None:
    """Those who wait are told; what is idle is closed; what a request has claimed is left to that request."""
    clock = Clock()
    slots = slots_at(clock)
    idle, claimed = connection_in(slots, clock), connection_in(slots, clock)
    slots.give_back(idle)
    waiting = asyncio.get_running_loop().create_future()
    slots.waiters.append(waiting)
    slots.close()
    assert slots.is_closed
    assert isinstance(waiting.result(), UpstreamConnectError)
    assert str(waiting.result()) == str(closed_error())
    assert (idle.is_closed, claimed.is_closed, slots.held) == (True, False, 1)
    slots.give_back(claimed)
    assert claimed.is_closed and slots.held == 0
