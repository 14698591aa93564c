"""Tests of `tzproxy.client.transport`: what refusals become, and callers that stop waiting."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from tzproxy.client.calls import Call
from tzproxy.client.loop import EngineLoop, engine_loop
from tzproxy.client.transport import AsyncTransport, Source, refused

CALL: Call[bytes] = Call("POST", "/inference", bytes)


class Silent:
    """A stream that says nothing, and how it was left."""

    def __init__(self) -> None:
        self.left: list[bool] = []

    async def read(self) -> bytes:
        """Wait."""
        await asyncio.Event().wait()
        return b""

    def leave(self, was_read: bool) -> None:
        """Note it."""
        self.left.append(was_read)


class Beginning:
    """A carrier whose stream begins at once."""

    def __init__(self) -> None:
        self.source = Silent()
        self.has_begun = threading.Event()

    @property
    def loop(self) -> EngineLoop:
        """The engine's."""
        return engine_loop()

    async def begun(self, call: Call[Any]) -> Source:
        """Begin."""
        self.has_begun.set()
        return self.source

    async def whole(self, call: Call[Any]) -> tuple[int, bytes]:
        """Nobody asks."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is held."""


def test_bytes_that_are_no_text() -> None:
    """A body is quoted as far as it can be."""
    error = refused(502, b"a\xff")
    assert (error.status_code, error.text) == (502, "a�")


async def nothing() -> None:
    """Take one turn of the loop."""


async def test_a_stream_that_begins_when_nobody_waits_any_more() -> None:
    """It is left: what its caller never got nobody else could close."""
    carrier = Beginning()
    caller = asyncio.create_task(AsyncTransport(carrier).stream(CALL, bytes))
    await asyncio.sleep(0)
    # The answer is on its way to this loop, which is busy; it comes second.
    assert carrier.has_begun.wait(5.0)
    engine_loop().run(nothing())
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    engine_loop().run(nothing())
    assert carrier.source.left == [False]
