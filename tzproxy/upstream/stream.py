"""An answer that is read while it arrives: events, bytes, or all of it. Hot.

The connection pushes into it and takes it back from the pool's view; the consumer pulls. Nothing here
opens connections or parses HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from tzproxy._speedups.headers import Headers
from tzproxy._speedups.sse import EventParser
from tzproxy.errors import UpstreamConnectError, UpstreamError, UpstreamProtocolError, UpstreamTimeoutError


class StreamSource(Protocol):
    """What a stream may ask of the connection that feeds it."""

    def pause(self) -> None:
        """Stop reading from the server."""

    def resume(self) -> None:
        """Go on reading."""

    def lift_first_byte(self) -> None:
        """Drop the deadline for the first item; the total one stays."""

    def give_up(self) -> None:
        """Close at once; the rest of the answer is not wanted."""

    def drain(self) -> None:
        """Take the rest of the answer without keeping it, for a short while."""


class UpstreamStream:
    """Status, headers and the body to come.

    Read it with one of `next_events`, `next_bytes` and `read_all`, from one task. What arrived before an
    error is delivered before the error. Cancelling a read closes the connection, as `close` does; a body that
    has arrived completely has already given its connection back to the pool. To read without a coroutine for
    each piece, use `take_events` or `take_bytes`, and in between wait for `more` or `listen`.

    Units: all `_at` fields are seconds of `time.perf_counter`; `done_at` is 0 until the last byte arrived.
    """

    __slots__ = (
        "_ended",
        "_error",
        "_events",
        "_first_item_overdue",
        "_head",
        "_headers",
        "_is_lifted",
        "_is_paused",
        "_limits",
        "_listener",
        "_loop",
        "_pieces",
        "_size",
        "_source",
        "_waiter",
        "done_at",
        "first_byte_at",
        "sent_at",
        "started_at",
        "status",
    )

    def __init__(
        self,
        source: StreamSource,
        status: int,
        head: bytes,
        *,
        started_at: float,
        sent_at: float,
        first_byte_at: float,
        limits: tuple[int, int, int],
    ) -> None:
        self.status = status
        self.started_at = started_at
        self.sent_at = sent_at
        self.first_byte_at = first_byte_at
        self.done_at = 0.0
        self._head = head
        self._headers: Headers | None = None
        self._source: StreamSource | None = source
        # Bytes: held for a slow reader, collected by `read_all`, of one event.
        self._limits = limits
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_paused = False
        self._is_lifted = False
        self._first_item_overdue = False
        self._ended = False
        self._error: UpstreamError | None = None
        self._events: EventParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._listener: Callable[[], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def headers(self) -> Headers:
        """The headers, looked up without regard to case."""
        headers = self._headers
        if headers is None:
            headers = self._headers = Headers(self._head)
        return headers

    @property
    def reason(self) -> str:
        """The reason phrase as the server wrote it, often empty."""
        return self.headers.reason

    # ---- the consumer's side

    def take_events(self) -> list[bytes] | None:
        """Return the data payloads of the events that are complete by now, perhaps none; None at a clean end.

        Raises:
            UpstreamTimeoutError: when a deadline passed first.
            UpstreamProtocolError: when the server closed too early, its bytes are not HTTP, or an event is
                too large.
        """
        piece = self._take()
        if not piece:
            return [] if piece is not None else None
        parser = self._events
        if parser is None:
            parser = self._events = EventParser(self._limits[2])
        try:
            events = parser.feed(piece)
        except UpstreamProtocolError:
            self.abort()
            raise
        if events:
            self._lift()
        elif self._first_item_overdue:
            self.abort()
            raise UpstreamTimeoutError("the deadline for the first event passed")
        return events

    def take_bytes(self) -> bytes | None:
        """Return the body bytes that have arrived since, perhaps none; None at a clean end.

        Raises:
            UpstreamTimeoutError: when a deadline passed first.
            UpstreamProtocolError: when the server closed too early or its bytes are not HTTP.
        """
        piece = self._take()
        if piece != b"":
            self._lift()
        return piece

    def more(self) -> asyncio.Future[None]:
        """Return what is done when there may be something new to take.

        Whoever is cancelled while waiting for it has to `close` the stream.
        """
        loop = self._loop
        if loop is None:
            # Asked for once a stream: in Python 3.11 each asking is a system call.
            loop = self._loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        if self._pieces or self._ended or self._error is not None:
            waiter.set_result(None)
        else:
            self._waiter = waiter
        return waiter

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, in the callback that brings it, when there may be something new to take.

        It must not raise. It is not called any more once the consumer is done with the stream.
        """
        self._listener = listener

    async def next_events(self) -> list[bytes] | None:
        """Wait for events: as `take_events`, but at least one."""
        while True:
            events = self.take_events()
            if events is None or events:
                return events
            await self._wait()

    async def next_bytes(self) -> bytes | None:
        """Wait for bytes: as `take_bytes`, but at least one."""
        while True:
            piece = self.take_bytes()
            if piece is None or piece:
                return piece
            await self._wait()

    async def read_all(self) -> bytes:
        """Return all of the body that was not read yet.

        Raises:
            UpstreamTimeoutError: when a deadline passed first.
            UpstreamProtocolError: as `next_bytes`, and when the body outgrows the limit.
        """
        pieces: list[bytes] = []
        size = 0
        while (piece := await self.next_bytes()) is not None:
            pieces.append(piece)
            size += len(piece)
            if size > self._limits[1]:
                self.abort()
                raise UpstreamProtocolError(f"the response body is larger than {self._limits[1]} bytes")
        return b"".join(pieces)

    async def close(self) -> None:
        """Be done with the stream. The connection is closed unless the whole body has arrived."""
        self.abort()

    def finish(self) -> None:
        """Be done with a stream whose last interesting event has been read (`[DONE]`).

        The little that may still follow is taken and dropped for a short while, so that the connection
        can serve again. Not for streams that are broken off: those should `close`, which stops the server.
        """
        source = self._source
        self._listener = None
        self._pieces.clear()
        if source is not None:
            self.fail(UpstreamConnectError("the stream was closed"))
            source.drain()

    async def __aenter__(self) -> UpstreamStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    async def _wait(self) -> None:
        try:
            await self.more()
        except BaseException:
            self.abort()
            raise

    def _take(self) -> bytes | None:
        """Return what was pushed; empty when nothing was, None at a clean end."""
        pieces = self._pieces
        if not pieces:
            if self._error is not None:
                raise self._error
            return None if self._ended else b""
        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._size = 0
        if self._is_paused:
            self._is_paused = False
            if self._source is not None:
                self._source.resume()
        return piece

    def _lift(self) -> None:
        if not self._is_lifted:
            self._is_lifted = True
            self._first_item_overdue = False
            if self._source is not None:
                self._source.lift_first_byte()

    def abort(self) -> None:
        """Do what `close` does, from places that cannot await."""
        source = self._source
        self._listener = None
        self._pieces.clear()
        if source is not None:
            # Another task may be waiting for the next bytes.
            self.fail(UpstreamConnectError("the stream was closed"))
            source.give_up()

    # ---- the connection's side

    @property
    def has_unread(self) -> bool:
        """Whether bytes have arrived that the consumer has not fetched."""
        return bool(self._pieces)

    def push(self, piece: bytes) -> None:
        """Hand over body bytes; the source is paused when the consumer does not keep up."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._limits[0] and not self._is_paused and self._source is not None:
            self._is_paused = True
            self._source.pause()
        self._wake()

    def note_overdue(self) -> None:
        """Note that the deadline for the first item passed while unread bytes, perhaps one, were waiting."""
        self._first_item_overdue = True

    def end(self, done_at: float) -> None:
        """Note that the body is complete; the connection is no longer this stream's."""
        self.done_at = done_at
        self._ended = True
        self._source = None
        self._wake()

    def fail(self, error: UpstreamError) -> None:
        """Note that no more will come."""
        self._source = None
        self._error = error
        self._wake()

    def _wake(self) -> None:
        listener = self._listener
        if listener is not None:
            listener()
            return
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def __repr__(self) -> str:
        return f"<UpstreamStream {self.status}>"
