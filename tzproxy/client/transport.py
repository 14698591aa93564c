"""How calls reach a gateway: from a client's thread or loop to the engine's loop, and on by a carrier.

All carriers work on one loop in a thread of its own: a client works from any thread and any event loop, and
none can hold up the answers of another.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from tzproxy.client.calls import Call
from tzproxy.client.errors import TensorZeroError, TensorZeroInternalError
from tzproxy.client.loop import EngineLoop
from tzproxy.client.streams import AsyncEventStream, EventStream

T = TypeVar("T")
FIRST_ERROR_STATUS = 400


class Source(Protocol):
    """A stream under way."""

    async def read(self) -> bytes:
        """Return what has arrived, waiting for something to; nothing at the end.

        Raises:
            TensorZeroError: when the stream breaks off.
            TensorZeroInternalError: when the gateway was closed before the end.
        """
        ...

    def leave(self, was_read: bool) -> None:
        """Say that nobody reads on, after the last event or before; from any thread, without waiting."""
        ...


class Carrier(Protocol):
    """Brings calls to one gateway. What is asynchronous here runs on the engine's loop."""

    @property
    def loop(self) -> EngineLoop:
        """The loop to call it on. Raises TensorZeroInternalError when it is closed for good."""
        ...

    async def whole(self, call: Call[Any]) -> tuple[int, bytes]:
        """Make a call and return status and body of the answer.

        Raises:
            TensorZeroInternalError: when there is none, or not in time.
        """
        ...

    async def begun(self, call: Call[Any]) -> Source:
        """Make a call whose answer is a stream; return once its status is there.

        Raises:
            TensorZeroError: when the gateway answers with an error.
            TensorZeroInternalError: as `whole`.
        """
        ...

    def close(self) -> None:
        """Let go of what is held; again is nothing. Not to be called on the loop."""
        ...


class Transport:
    """Calls that block a thread, which may have a running loop of its own."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier

    def send(self, call: Call[T]) -> T:
        """Make a call and return what its answer says.

        Raises:
            TensorZeroError: when the gateway answers with an error.
            TensorZeroInternalError: when it does not answer, or not what the call expects.
        """
        return _read(call, *self._run(self.carrier.whole(call)))

    def stream(self, call: Call[Any], read: Callable[[bytes], T]) -> EventStream[T]:
        """Make a call whose answer is a stream; return once its status is there. Raises as `send`."""
        begun: list[Source] = []
        try:
            source = self._run(_begin(self.carrier, call, begun))
        except BaseException:
            _leave(self.carrier, begun)
            raise
        return EventStream(lambda: self._run(source.read()), source.leave, read)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return _loop(self.carrier, work).run(work)

    def close(self) -> None:
        """Let go of what is held; again is nothing."""
        self.carrier.close()


class AsyncTransport:
    """Calls from a running loop, whichever it is; cancelling the caller ends the request."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier

    async def send(self, call: Call[T]) -> T:
        """As `Transport.send`."""
        return _read(call, *await self._run(self.carrier.whole(call)))

    async def stream(self, call: Call[Any], read: Callable[[bytes], T]) -> AsyncEventStream[T]:
        """As `Transport.stream`."""
        begun: list[Source] = []
        try:
            source = await self._run(_begin(self.carrier, call, begun))
        except BaseException:
            _leave(self.carrier, begun)
            raise
        reading = _Reading(self.carrier, source)
        return AsyncEventStream(reading.read, reading.leave, read)

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(_loop(self.carrier, work).submit(work))

    async def close(self) -> None:
        """As `Transport.close`; the caller's loop goes on meanwhile."""
        await asyncio.to_thread(self.carrier.close)


class _Reading:
    """Reads a source for callers that may stop waiting: what arrives meanwhile is there for the next one."""

    def __init__(self, carrier: Carrier, source: Source) -> None:
        self._carrier = carrier
        self._source = source
        self._under_way: concurrent.futures.Future[bytes] | None = None

    async def read(self) -> bytes:
        """Return what has arrived; nothing at the end, or when somebody left. Raises as `Source`."""
        while True:
            under_way = self._under_way
            if under_way is None:
                work = self._source.read()
                under_way = self._under_way = _loop(self._carrier, work).submit(work)
            await _done(under_way)
            # Else another task that waits for pieces of this stream has taken it.
            if under_way is self._under_way:
                self._under_way = None
                return b"" if under_way.cancelled() else under_way.result()

    def leave(self, was_read: bool) -> None:
        """As `Source.leave`."""
        if self._under_way is not None:
            self._under_way.cancel()
        self._source.leave(was_read)


async def _done(work: concurrent.futures.Future[Any]) -> None:
    """Return when it is done. Unlike with asyncio's own, who is cancelled here cancels nothing there."""
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def tell(_: object) -> None:
        # The loop may have ended since.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(news.set)

    work.add_done_callback(tell)
    await news.wait()


async def _begin(carrier: Carrier, call: Call[Any], begun: list[Source]) -> Source:
    source = await carrier.begun(call)
    begun.append(source)
    return source


def _leave(carrier: Carrier, begun: list[Source]) -> None:
    """Leave a stream that may have begun at the moment its caller stopped waiting for that."""

    def leave() -> None:
        for source in begun:
            source.leave(was_read=False)

    with suppress(TensorZeroInternalError):
        carrier.loop.call(leave)


def _loop(carrier: Carrier, work: Coroutine[Any, Any, Any]) -> EngineLoop:
    try:
        return carrier.loop
    except BaseException:
        work.close()
        raise


def _read(call: Call[T], status: int, body: bytes) -> T:
    if status >= FIRST_ERROR_STATUS:
        raise refused(status, body)
    return call.read(body)


def refused(status: int, body: bytes) -> TensorZeroError:
    """Make the error of an answer that is one."""
    return TensorZeroError(status, body.decode("utf-8", "replace"))
