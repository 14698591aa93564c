"""Streams as the methods return them: iterators over pieces of an answer, whoever brings the bytes."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Self, TypeVar

from tzproxy._speedups.sse import EventParser
from tzproxy.client.errors import TensorZeroInternalError
from tzproxy.client.types.answers import InferenceChunk

T = TypeVar("T")
DONE = b"[DONE]"


class Events:
    """The events that have arrived and were not handed out, and whether the last one was among them."""

    def __init__(self) -> None:
        self._parser = EventParser()
        self._waiting: deque[bytes] = deque()
        self.is_over = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes; none at all means that there will be no more."""
        if not data:
            self.is_over = True
        for event in self._parser.feed(data):
            if event == DONE:
                self.is_over = True
                return
            self._waiting.append(event)

    def pop(self) -> bytes | None:
        """Return the next event, None if it has not arrived."""
        return self._waiting.popleft() if self._waiting else None

    def drop(self) -> None:
        """Forget what waits: nobody reads on."""
        self.is_over = True
        self._waiting.clear()


class _Left:
    """Tells the other side, once, that nobody reads on: `leave(True)` when all was read."""

    def __init__(self, leave: Callable[[bool], None]) -> None:
        self._leave = leave
        self._events = Events()
        self._is_left = False

    def _go(self) -> None:
        if not self._is_left:
            self._is_left = True
            self._leave(self._events.is_over)
        self._events.drop()

    def __del__(self) -> None:
        self._go()


class EventStream(_Left, Iterator[T]):
    """What one stream tells. Left before the end, it tells the gateway; `close` does so at once."""

    def __init__(
        self, receive: Callable[[], bytes], leave: Callable[[bool], None], read: Callable[[bytes], T]
    ) -> None:
        """Read from `receive`: empty bytes are the end. Each event is handed out as `read` makes it."""
        super().__init__(leave)
        self._receive = receive
        self._read = read
        self._turn = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        """Return the next piece; threads that share the stream get one each.

        Raises:
            TensorZeroError: for an error inside of the stream.
            TensorZeroInternalError: when the connection breaks or the client is closed.
        """
        with self._turn:
            return self._next()

    def _next(self) -> T:
        while True:
            event = self._events.pop()
            if event is not None:
                return self._read(event)
            if self._events.is_over:
                self._go()
                raise StopIteration
            try:
                self._events.feed(self._receive())
            except BaseException:
                self._go()
                raise

    def close(self) -> None:
        """Stop reading: the gateway stops asking the model, and records what had arrived."""
        self._go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._go()


class AsyncEventStream(_Left, AsyncIterator[T]):
    """What one stream tells, asynchronously."""

    def __init__(
        self,
        receive: Callable[[], Awaitable[bytes]],
        leave: Callable[[bool], None],
        read: Callable[[bytes], T],
    ) -> None:
        """As `EventStream`."""
        super().__init__(leave)
        self._receive = receive
        self._read = read

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """Return the next piece; a wait that was cut short can be repeated. Raises as `EventStream` does."""
        while True:
            event = self._events.pop()
            if event is not None:
                return self._read(event)
            if self._events.is_over:
                self._go()
                raise StopAsyncIteration
            try:
                self._events.feed(await self._receive())
            except asyncio.CancelledError:
                # The caller has stopped waiting, perhaps for a while only.
                raise
            except BaseException:
                self._go()
                raise

    async def aclose(self) -> None:
        """Stop reading: the gateway stops asking the model, and records what had arrived."""
        self._go()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._go()


InferenceStream = EventStream[InferenceChunk]
AsyncInferenceStream = AsyncEventStream[InferenceChunk]


def timed_out() -> TensorZeroInternalError:
    """Make the error of a request that took longer than the client waits."""
    return TensorZeroInternalError("HTTP Error: request timed out")
