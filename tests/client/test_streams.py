"""Tests of `tzproxy.client.streams`: iterators that can be left."""

from __future__ import annotations

import asyncio
import gc
import json

import pytest

from client.scripted_server import CHUNK
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.reading import read_chunk
from tzproxy.client.streams import AsyncInferenceStream, Events, InferenceStream, timed_out

EVENT = b"data: " + json.dumps(CHUNK).encode() + b"\n\n"


class Source:
    """Bytes in parts, and how it was left: after all was read, or before."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.left: list[bool] = []

    def receive(self) -> bytes:
        """Return the next part, in the end nothing."""
        return self.parts.pop(0) if self.parts else b""

    async def receive_later(self) -> bytes:
        """Return the next part, in the end nothing."""
        return self.receive()


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
    stream = InferenceStream(source.receive, source.left.append, read_chunk)
    assert len(list(stream)) == 2
    with pytest.raises(StopIteration):
        next(stream)
    stream.close()
    assert source.left == [True]


def test_a_stream_that_is_left() -> None:
    """Closing it, leaving its block or forgetting it tells the source; then there is nothing more."""
    source = Source(EVENT, EVENT)
    with InferenceStream(source.receive, source.left.append, read_chunk) as stream:
        next(stream)
    assert list(stream) == []
    assert source.left == [False]
    InferenceStream(source.receive, source.left.append, read_chunk)
    gc.collect()
    assert source.left == [False, False]


def test_a_source_that_fails() -> None:
    """The failure is raised, and the source let go of."""
    source = Source()

    def fail() -> bytes:
        raise timed_out()

    stream = InferenceStream(fail, source.left.append, read_chunk)
    with pytest.raises(TensorZeroInternalError, match="timed out"):
        next(stream)
    assert (list(stream), source.left) == ([], [False])


async def test_streams_of_event_loops() -> None:
    """The asynchronous kind does the same."""
    source = Source(EVENT, EVENT, b"data: [DONE]\n\n")
    stream = AsyncInferenceStream(source.receive_later, source.left.append, read_chunk)
    assert len([piece async for piece in stream]) == 2
    await stream.aclose()
    assert source.left == [True]
    source = Source(EVENT, EVENT)
    async with AsyncInferenceStream(source.receive_later, source.left.append, read_chunk) as stream:
        await anext(stream)
    assert [piece async for piece in stream] == []
    assert source.left == [False]


async def test_a_wait_that_is_cut_short() -> None:
    """A caller that stops waiting for a piece can wait again; nothing is lost, no end is made up."""
    source, go_on = Source(EVENT, EVENT), asyncio.Event()

    async def receive() -> bytes:
        await go_on.wait()
        return source.receive()

    stream = AsyncInferenceStream(receive, source.left.append, read_chunk)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.01)
    assert source.left == []
    go_on.set()
    assert len([piece async for piece in stream]) == 2
    assert source.left == [True]


async def test_a_stream_that_is_forgotten() -> None:
    """The source is told by whoever collects it."""
    source = Source(EVENT)
    AsyncInferenceStream(source.receive_later, source.left.append, read_chunk)
    gc.collect()
    assert source.left == [False]
