"""One connection and the exchange that runs on it. Hot.

Turns the loop's callbacks into outcomes: every exchange ends by exactly one call that takes it off the
connection, and only then tells the pool. Opens nothing and knows no queue; the pool does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from math import inf
from typing import Protocol, TypeAlias, cast

from tzproxy._speedups.http1 import ResponseParser
from tzproxy.errors import UpstreamError, UpstreamProtocolError, UpstreamSilenceError, UpstreamTimeoutError
from tzproxy.upstream.response import UpstreamResponse
from tzproxy.upstream.settings import UpstreamSettings
from tzproxy.upstream.stream import UpstreamStream

# A drained stream may have this much left; more is not worth a connection.
_DRAIN_BYTES = 64 * 1024
# The loop's timers count milliseconds and may fire that much early.
_TIMER_SLACK_S = 0.001


class Ending(Enum):
    """An exchange that ended without an answer and without an error of its own."""

    STALE = "stale"
    """A kept-alive connection was dead. Its slot now belongs to whoever waited for the exchange."""


Outcome: TypeAlias = UpstreamResponse | UpstreamStream | UpstreamError | Ending


class Owner(Protocol):
    """What a connection tells the pool it belongs to."""

    def release(self, connection: Connection, now: float) -> None:
        """Take back a connection that can serve again."""

    def forget(self, connection: Connection) -> None:
        """Drop a connection that is closed, and free its slot."""

    def detach(self, connection: Connection) -> None:
        """Drop a connection that is closed; its slot stays with the request that claimed or used it."""


class Connection(asyncio.Protocol):
    """A transport, a parser and at most one exchange.

    `is_claimed` means: given to a request that has not begun its exchange; whoever claimed it answers for
    the slot, even if the connection dies meanwhile.
    """

    __slots__ = (
        "_clock",
        "_deadline",
        "_drained",
        "_first_byte_at",
        "_heard_at",
        "_is_streaming",
        "_loop",
        "_owner",
        "_parser",
        "_pieces",
        "_sent_at",
        "_settings",
        "_silence_s",
        "_size",
        "_started_at",
        "_stream",
        "_timer",
        "_timer_at",
        "_total_deadline",
        "_transport",
        "_waiter",
        "idle_since",
        "is_claimed",
        "is_closed",
        "served",
    )

    def __init__(self, owner: Owner, settings: UpstreamSettings, *, clock: Callable[[], float]) -> None:
        self._owner = owner
        self._settings = settings
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._parser = ResponseParser(settings.max_head_bytes)
        self._transport: asyncio.Transport | None = None
        self.is_closed = False
        self.is_claimed = True
        self.served = 0
        self.idle_since = 0.0
        self._waiter: asyncio.Future[Outcome] | None = None
        self._stream: UpstreamStream | None = None
        self._is_streaming = False
        self._drained = -1
        self._pieces: list[bytes] = []
        self._size = 0
        self._started_at = self._sent_at = self._first_byte_at = 0.0
        self._deadline = self._total_deadline = inf
        self._silence_s = inf if settings.silence_timeout_s is None else settings.silence_timeout_s
        self._heard_at = inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf

    # ---- the pool's side

    def begin(
        self,
        request: bytes,
        *,
        started_at: float,
        first_deadline: float,
        deadline: float,
        is_streaming: bool,
        has_no_body: bool,
    ) -> asyncio.Future[Outcome]:
        """Send a request; the future becomes the answer, the head of a stream, or an error (as its result).

        Units: deadlines are times of the clock, `inf` for none.
        """
        transport = self._transport
        assert transport is not None and not self.is_closed
        self.is_claimed = False
        self._is_streaming = is_streaming
        self._first_byte_at = 0.0
        self._started_at = started_at
        self._total_deadline = deadline
        self._deadline = until = first_deadline if first_deadline < deadline else deadline
        self._parser.start(has_no_body)
        waiter = self._waiter = self._loop.create_future()
        self._sent_at = self._heard_at = self._clock()
        until = min(until, self._sent_at + self._silence_s)
        try:
            transport.write(request)
        except (OSError, RuntimeError) as exc:
            # Lost, but the loop has not got round to saying so.
            self._lose(exc)
            return waiter
        # PERF: the timer of an earlier exchange stays armed and is looked at again when it fires, so
        # that a steady row of requests arms none (test_http1.py::test_send).
        if until < self._timer_at:
            self._arm(until)
        return waiter

    def abandon(self, waiter: asyncio.Future[Outcome]) -> bool:
        """Stop an exchange nobody waits for any more; say whether its slot is now the caller's to free."""
        if self._waiter is waiter:
            self._waiter = None
            self.shut()
            return False
        outcome = waiter.result() if waiter.done() and not waiter.cancelled() else None
        if isinstance(outcome, UpstreamStream):
            outcome.abort()
        return outcome is Ending.STALE

    def shut(self) -> None:
        """Close at once and free the slot. Does nothing to a closed connection."""
        if self.is_closed:
            return
        self._cut()
        self._owner.forget(self)

    def fail(self, error: UpstreamError) -> None:
        """End the exchange with an error and close."""
        waiter, stream = self._waiter, self._stream
        self._waiter = self._stream = None
        self.shut()
        if waiter is not None and not waiter.done():
            waiter.set_result(error)
        if stream is not None:
            stream.fail(error)

    def _cut(self) -> None:
        self.is_closed = True
        self._pieces.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_busy(self) -> bool:
        """Whether an exchange runs."""
        return self._waiter is not None or self._stream is not None or self._drained >= 0

    # ---- the stream's side

    def pause(self) -> None:
        """Stop reading from the server."""
        if self._transport is not None and not self.is_closed:
            self._heard_at = inf
            self._transport.pause_reading()

    def resume(self) -> None:
        """Go on reading."""
        if self._transport is not None and not self.is_closed:
            self._heard_at = self._clock()
            self._transport.resume_reading()

    def lift_first_byte(self) -> None:
        """Let only the total deadline count from now on."""
        self._deadline = self._total_deadline
        if self._deadline < self._timer_at:
            self._arm(self._deadline)

    def give_up(self) -> None:
        """Close at once; the consumer does not want the rest."""
        self._stream = None
        self.shut()

    def drain(self) -> None:
        """Take the rest without keeping it, so that the connection can serve again; not for long."""
        self._stream = None
        self._drained = 0
        self._deadline = self._total_deadline = self._clock() + self._settings.drain_timeout_s
        if self._deadline < self._timer_at:
            self._arm(self._deadline)
        self.resume()

    # ---- the loop's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived and pass it on."""
        if self._first_byte_at == 0.0:
            self._first_byte_at = self._clock()
        if self._silence_s < inf:
            self._heard_at = self._clock()
        if self._waiter is None and self._stream is None and self._drained < 0:
            # Nothing was asked: whatever this is, the next answer could not be trusted.
            self._lose(None)
            return
        parser = self._parser
        try:
            piece = parser.feed(data)
        except UpstreamProtocolError as exc:
            self.fail(exc)
            return
        if self._is_streaming:
            self._pass_on(piece)
        elif piece:
            self._pieces.append(piece)
            self._size += len(piece)
            if self._size > self._settings.max_response_bytes:
                self._refuse_size()
                return
        if parser.complete:
            self._complete()
        elif parser.content_length > self._settings.max_response_bytes and not self._is_streaming:
            self._refuse_size()

    def eof_received(self) -> bool:
        """End the exchange: cleanly when the body ends by closing."""
        if self.is_busy and not self._is_stale():
            try:
                self._parser.feed_eof()
            except UpstreamProtocolError as exc:
                self.fail(exc)
            else:
                self._complete()
        else:
            self._lose(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange: the transport is gone."""
        if not self.is_closed:
            self._lose(exc)
        self._transport = None

    # ---- what follows

    def _is_stale(self) -> bool:
        return self._first_byte_at == 0.0 and self.served > 0 and self._waiter is not None

    def _lose(self, exc: Exception | None) -> None:
        if self._is_stale():
            waiter, self._waiter = self._waiter, None
            assert waiter is not None
            if not waiter.done():
                # Whoever waits keeps the slot and fills it with a fresh connection.
                self._cut()
                self._owner.detach(self)
                waiter.set_result(Ending.STALE)
                return
        elif self.is_claimed:
            self._cut()
            self._owner.detach(self)
            return
        reason = "the server closed the connection before the response was complete"
        self.fail(UpstreamProtocolError(reason if exc is None else f"the connection broke: {exc}"))

    def _pass_on(self, piece: bytes) -> None:
        stream = self._stream
        if stream is None and self._drained < 0:
            if self._parser.status == 0:
                return
            settings = self._settings
            stream = self._stream = UpstreamStream(
                self,
                self._parser.status,
                self._parser.head,
                started_at=self._started_at,
                sent_at=self._sent_at,
                first_byte_at=self._first_byte_at,
                limits=(settings.stream_buffer_bytes, settings.max_response_bytes, settings.max_event_bytes),
            )
            waiter, self._waiter = self._waiter, None
            if waiter is None or waiter.done():
                self.give_up()
                return
            waiter.set_result(stream)
        if stream is not None:
            if piece:
                stream.push(piece)
        else:
            self._drained += len(piece)
            if self._drained > _DRAIN_BYTES:
                self._drained = -1
                self.shut()

    def _complete(self) -> None:
        """Take the finished exchange off, give the connection back, then hand over the answer."""
        if self.is_closed:
            return
        done_at = self._clock()
        parser = self._parser
        waiter, stream, pieces = self._waiter, self._stream, self._pieces
        self._waiter = self._stream = None
        self._drained = -1
        if waiter is not None:
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            self._size = 0
        self.served += 1
        transport = self._transport
        if parser.keep_alive and not parser.excess and transport and not transport.get_write_buffer_size():
            self._owner.release(self, done_at)
        else:
            self.shut()
        if stream is not None:
            stream.end(done_at)
        elif waiter is not None and not waiter.done():
            waiter.set_result(
                UpstreamResponse(
                    parser.status,
                    parser.head,
                    body,
                    started_at=self._started_at,
                    sent_at=self._sent_at,
                    first_byte_at=self._first_byte_at,
                    done_at=done_at,
                )
            )

    def _refuse_size(self) -> None:
        limit = self._settings.max_response_bytes
        self.fail(UpstreamProtocolError(f"the response body is larger than {limit} bytes"))

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_later(max(at - self._clock(), _TIMER_SLACK_S), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at = inf
        if not self.is_busy:
            return
        silent_until = self._heard_at + self._silence_s
        now = self._clock() + _TIMER_SLACK_S
        if now >= silent_until:
            self.fail(UpstreamSilenceError(f"nothing arrived for {self._silence_s:g} s"))
            return
        if now < self._deadline:
            # Of a stream that waits for its reader nothing is expected; it is looked at again.
            until = min(self._deadline, silent_until, now + self._silence_s)
            if until < inf:
                self._arm(until)
            return
        stream = self._stream
        if stream is not None and stream.has_unread and self._deadline < self._total_deadline:
            stream.note_overdue()
            self.lift_first_byte()
            return
        if self._drained >= 0:
            self._drained = -1
            self.shut()
            return
        began = "reading the response" if self._first_byte_at else "waiting for the response"
        self.fail(UpstreamTimeoutError(f"the deadline passed while {began}"))
