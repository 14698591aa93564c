"""Tests of `tzproxy.client.streams`: iterators that can be left."""

from __future__ import annotations

import gc
import json

import pytest

from client.scripted_server import CHUNK
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.streams import AsyncInferenceStream, Events, InferenceStream, timed_out

EVENT = b"data: " + json.dumps(CHUNK).encode() + b"\n\n"


class Source:
    """Bytes in parts, and how often it was left and forgotten."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.left = self.forgotten = 0

    def receive(self) -> bytes:
        """Return the next part, in the end nothing."""
        return self.parts.pop(0) if self.parts else b""

    def leave(self) -> None:
        """Count."""
        self.left += 1

    async def receive_later(self) -> bytes:
        """Return the next part, in the end nothing."""
        return self.receive()

    async def leave_later(self) -> None:
        """Count."""
        self.left += 1

    def forget(self) -> None:
        """Count."""
        self.forgotten += 1


def test_events_are_cut_out_of_any_parts() -> None:
    """Two events in one part, or one in many, are two and one; the mark of the end is none."""
    events = Events()
    for part in (EVENT[:7], EVENT[7:] + EVENT, b"data: [DONE]\n\ndata: late\n\n"):
        events.feed(part)
    assert events.is_over
    assert [events.pop() is not None for _ in range(3)] == [True, True, False]
    events.drop()
    assert events.pop() is None


@pytest.mark.parametrize("end", [b"data: [DONE]\n\n", b""])
def test_a_stream_read_to_its_end(end: bytes) -> None:
    """It ends with the mark, or with the bytes; its source is let go of, once."""
    source = Source(EVENT, b": keep-alive\n\n", EVENT, end)
    stream = InferenceStream(source.receive, source.leave)
    assert len(list(stream)) == 2
    with pytest.raises(StopIteration):
        next(stream)
    stream.close()
    assert source.left == 1


def test_a_stream_that_is_left() -> None:
    """Closing it, leaving its block or forgetting it tells the source; then there is nothing more."""
    source = Source(EVENT, EVENT)
    with InferenceStream(source.receive, source.leave) as stream:
        next(stream)
    assert list(stream) == []
    assert source.left == 1
    InferenceStream(source.receive, source.leave)
    gc.collect()
    assert source.left == 2


def test_a_source_that_fails() -> None:
    """The failure is raised, and the source let go of."""
    source = Source()

    def fail() -> bytes:
        raise timed_out()

    stream = InferenceStream(fail, source.leave)
    with pytest.raises(TensorZeroInternalError, match="timed out"):
        next(stream)
    assert (list(stream), source.left) == ([], 1)


async def test_streams_of_event_loops() -> None:
    """The asynchronous kind does the same."""
    source = Source(EVENT, EVENT, b"data: [DONE]\n\n")
    stream = AsyncInferenceStream(source.receive_later, source.leave_later, source.forget)
    assert len([piece async for piece in stream]) == 2
    await stream.aclose()
    assert (source.left, source.forgotten) == (1, 0)
    source = Source(EVENT, EVENT)
    async with AsyncInferenceStream(source.receive_later, source.leave_later, source.forget) as stream:
        await anext(stream)
    assert [piece async for piece in stream] == []
    assert (source.left, source.forgotten) == (1, 0)


async def test_a_stream_that_is_forgotten() -> None:
    """Nobody can wait for its end: the source is told without waiting."""
    source = Source(EVENT)
    AsyncInferenceStream(source.receive_later, source.leave_later, source.forget)
    gc.collect()
    assert (source.left, source.forgotten) == (0, 1)
