"""Taking an idle connection and giving it back.

Run: `python -m pytest benchmarks/test_slots.py --benchmark-only`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tzproxy._speedups.connection import Connection
from tzproxy._speedups.slots import Slots
from tzproxy.upstream import UpstreamSettings, UpstreamStream


def test_take_and_give_back(benchmark: Any) -> None:
    """Take the connection used last, and make it the one used last again."""
    loop = asyncio.new_event_loop()
    slots = Slots(30.0, loop=loop, clock=loop.time)
    connection = Connection(
        slots, UpstreamSettings(), loop=loop, clock=loop.time, stream_class=UpstreamStream
    )
    slots.try_hold(1)
    slots.give_back(connection)

    def turn() -> None:
        taken = slots.take(0.0)
        assert taken is not None
        slots.give_back(taken)

    benchmark(turn)
    assert slots.idle == 1
    slots.close()
    loop.close()
