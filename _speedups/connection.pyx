# cython: language_level=3
"""One connection and the exchange that runs on it. Hot.

Turns the loop's callbacks into outcomes: every exchange ends by exactly one call that takes it off the
connection, and only then tells the owner. Opens nothing and knows no queue; the pool does.
"""

from enum import Enum

cimport cython
from libc.math cimport INFINITY

from tzproxy._speedups.http1 cimport ResponseParser
from tzproxy._speedups.response cimport UpstreamResponse

from tzproxy.errors import UpstreamProtocolError, UpstreamSilenceError, UpstreamTimeoutError

# A drained stream may have this much left; more is not worth a connection.
cdef Py_ssize_t DRAIN_BYTES = 64 * 1024
# The loop's timers count milliseconds and may fire that much early.
cdef double TIMER_SLACK_S = 0.001


class Ending(Enum):
    """An exchange that ended without an answer and without an error of its own."""

    STALE = "stale"


cdef object DEAD = Ending.STALE


cdef class Owner:
    """What a connection tells the pool it belongs to."""

    cdef int release(self, Connection connection, double now) except -1:
        raise NotImplementedError

    cdef int forget(self, Connection connection) except -1:
        raise NotImplementedError

    cdef int detach(self, Connection connection) except -1:
        raise NotImplementedError


@cython.final
cdef class Connection:
    """A transport, a parser and at most one exchange; an `asyncio.Protocol` in all but its ancestry.

    `is_claimed` means: given to a request that has not begun its exchange; whoever claimed it answers for
    the slot, even if the connection dies meanwhile.
    """

    def __init__(self, Owner owner not None, settings, *, loop, clock, stream_class):
        self._owner = owner
        self._loop = loop
        self._clock = clock
        self._stream_class = stream_class
        self._parser = ResponseParser(settings.max_head_bytes)
        self.is_claimed = True
        self._drained = -1
        self._pieces = []
        self._max_response_bytes = settings.max_response_bytes
        self._stream_limits = (
            settings.stream_buffer_bytes, settings.max_response_bytes, settings.max_event_bytes
        )
        self._drain_timeout_s = settings.drain_timeout_s
        self._deadline = self._total_deadline = self._heard_at = self._timer_at = INFINITY
        self._silence_s = INFINITY if settings.silence_timeout_s is None else settings.silence_timeout_s

    cdef double now(self) except -1:
        return self._clock()

    # ---- the client's side

    def begin(
        self,
        bytes request not None,
        double started_at,
        double sent_at,
        double first_deadline,
        double deadline,
        bint is_streaming,
        bint has_no_body,
    ):
        """Send a request; the future becomes the answer, the head of a stream, or an error (as its result)."""
        cdef double until = first_deadline if first_deadline < deadline else deadline
        assert self._transport is not None and not self.is_closed
        self.is_claimed = False
        self._is_streaming = is_streaming
        self._first_byte_at = 0.0
        self._started_at = started_at
        self._total_deadline = deadline
        self._deadline = until
        self._sent_at = self._heard_at = sent_at
        self._parser.start(has_no_body)
        waiter = self._waiter = self._loop.create_future()
        try:
            self._transport.write(request)
        except (OSError, RuntimeError) as exc:
            # Lost, but the loop has not got round to saying so.
            self.lose(exc)
            return waiter
        until = min(until, sent_at + self._silence_s)
        # PERF: the timer of an earlier exchange stays armed and is looked at again when it fires, so
        # that a steady row of requests arms none (test_http1.py::test_send).
        if until < self._timer_at:
            self.arm(until)
        return waiter

    def abandon(self, waiter not None):
        """Stop an exchange nobody waits for any more; say whether its slot is now the caller's to free."""
        if self._waiter is waiter:
            self._waiter = None
            self.shut()
            return False
        outcome = waiter.result() if waiter.done() and not waiter.cancelled() else None
        if isinstance(outcome, self._stream_class):
            outcome.abort()
        return outcome is DEAD

    cpdef shut(self):
        """Close at once and free the slot. Does nothing to a closed connection."""
        if self.is_closed:
            return
        self.cut()
        self._owner.forget(self)

    cpdef fail(self, error):
        """End the exchange with an error and close."""
        waiter, stream = self._waiter, self._stream
        self._waiter = self._stream = None
        self.shut()
        if waiter is not None and not waiter.done():
            waiter.set_result(error)
        if stream is not None:
            stream.fail(error)

    cdef int cut(self) except -1:
        self.is_closed = True
        self._pieces.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()
        return 0

    cdef bint has_exchange(self) noexcept:
        return self._waiter is not None or self._stream is not None or self._drained >= 0

    @property
    def is_busy(self):
        """Whether an exchange runs."""
        return self.has_exchange()

    # ---- the stream's side

    def pause(self):
        """Stop reading from the server."""
        if self._transport is not None and not self.is_closed:
            self._heard_at = INFINITY
            self._transport.pause_reading()

    def resume(self):
        """Go on reading."""
        if self._transport is not None and not self.is_closed:
            self._heard_at = self.now()
            self._transport.resume_reading()

    def lift_first_byte(self):
        """Let only the total deadline count from now on."""
        self._deadline = self._total_deadline
        if self._deadline < self._timer_at:
            self.arm(self._deadline)

    def give_up(self):
        """Close at once; the consumer does not want the rest."""
        self._stream = None
        self.shut()

    def drain(self):
        """Take the rest without keeping it, so that the connection can serve again; not for long."""
        self._stream = None
        self._drained = 0
        self._deadline = self._total_deadline = self.now() + self._drain_timeout_s
        if self._deadline < self._timer_at:
            self.arm(self._deadline)
        self.resume()

    # ---- the loop's side

    def connection_made(self, transport not None):
        """Take the transport."""
        self._transport = transport

    def pause_writing(self):
        """Do nothing: a request is one write, whose size its caller has in memory anyway."""

    def resume_writing(self):
        """Do nothing."""

    def data_received(self, bytes data not None):
        """Parse what arrived and pass it on."""
        cdef ResponseParser parser = self._parser
        cdef double now = 0.0
        cdef bytes piece
        if self._first_byte_at == 0.0:
            self._first_byte_at = now = self.now()
        if self._silence_s < INFINITY:
            self._heard_at = now = now or self.now()
        if not self.has_exchange():
            # Nothing was asked: whatever this is, the next answer could not be trusted.
            self.lose(None)
            return
        try:
            piece = parser.feed(data)
        except UpstreamProtocolError as exc:
            self.fail(exc)
            return
        if self._is_streaming:
            self.pass_on(piece)
        elif piece:
            self._pieces.append(piece)
            self._size += len(piece)
            if self._size > self._max_response_bytes:
                self.refuse_size()
                return
        if parser.complete:
            self.complete(now or self.now())
        elif parser.content_length > self._max_response_bytes and not self._is_streaming:
            self.refuse_size()

    def eof_received(self):
        """End the exchange: cleanly when the body ends by closing."""
        if self.has_exchange() and not self.is_stale():
            try:
                self._parser.feed_eof()
            except UpstreamProtocolError as exc:
                self.fail(exc)
            else:
                self.complete(self.now())
        else:
            self.lose(None)
        return False

    def connection_lost(self, exc):
        """End the exchange: the transport is gone."""
        if not self.is_closed:
            self.lose(exc)
        self._transport = None

    # ---- what follows

    cdef bint is_stale(self) noexcept:
        return self._first_byte_at == 0.0 and self.served > 0 and self._waiter is not None

    cdef int lose(self, object exc) except -1:
        if self.is_stale():
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                # Whoever waits keeps the slot and fills it with a fresh connection.
                self.cut()
                self._owner.detach(self)
                waiter.set_result(DEAD)
                return 0
        elif self.is_claimed:
            self.cut()
            self._owner.detach(self)
            return 0
        reason = "the server closed the connection before the response was complete"
        self.fail(UpstreamProtocolError(reason if exc is None else f"the connection broke: {exc}"))
        return 0

    cdef int pass_on(self, bytes piece) except -1:
        if self._stream is None and self._drained < 0:
            if self._parser.status == 0:
                return 0
            self._stream = self._stream_class(
                self,
                self._parser.status,
                self._parser.head,
                started_at=self._started_at,
                sent_at=self._sent_at,
                first_byte_at=self._first_byte_at,
                limits=self._stream_limits,
            )
            waiter, self._waiter = self._waiter, None
            if waiter is None or waiter.done():
                self.give_up()
                return 0
            waiter.set_result(self._stream)
        if self._stream is not None:
            if piece:
                self._stream.push(piece)
        else:
            self._drained += len(piece)
            if self._drained > DRAIN_BYTES:
                self._drained = -1
                self.shut()
        return 0

    cdef int complete(self, double done_at) except -1:
        """Take the finished exchange off, give the connection back, then hand over the answer."""
        cdef ResponseParser parser = self._parser
        cdef UpstreamResponse answer = None
        if self.is_closed:
            return 0
        waiter, stream = self._waiter, self._stream
        self._waiter = self._stream = None
        self._drained = -1
        if waiter is not None:
            answer = UpstreamResponse.__new__(UpstreamResponse)
            answer.status = parser.status
            answer._head = parser.head
            answer.body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            answer.started_at = self._started_at
            answer.sent_at = self._sent_at
            answer.first_byte_at = self._first_byte_at
            answer.done_at = done_at
            self._pieces.clear()
            self._size = 0
        self.served += 1
        if (
            parser.keep_alive
            and not parser.excess
            and self._transport is not None
            and not self._transport.get_write_buffer_size()
        ):
            self._owner.release(self, done_at)
        else:
            self.shut()
        if stream is not None:
            stream.end(done_at)
        elif waiter is not None and not waiter.done():
            waiter.set_result(answer)
        return 0

    cdef int refuse_size(self) except -1:
        self.fail(UpstreamProtocolError(f"the response body is larger than {self._max_response_bytes} bytes"))
        return 0

    cdef int arm(self, double at) except -1:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_later(max(at - self.now(), TIMER_SLACK_S), self._on_timer)
        return 0

    def _on_timer(self):
        cdef double silent_until, now, until
        self._timer = None
        self._timer_at = INFINITY
        if not self.has_exchange():
            return
        silent_until = self._heard_at + self._silence_s
        now = self.now() + TIMER_SLACK_S
        if now >= silent_until:
            self.fail(UpstreamSilenceError(f"nothing arrived for {self._silence_s:g} s"))
        elif now < self._deadline:
            # Of a stream that waits for its reader nothing is expected; it is looked at again.
            until = min(self._deadline, silent_until, now + self._silence_s)
            if until < INFINITY:
                self.arm(until)
        elif self._stream is not None and self._stream.has_unread and self._deadline < self._total_deadline:
            self._stream.note_overdue()
            self.lift_first_byte()
        elif self._drained >= 0:
            self._drained = -1
            self.shut()
        else:
            began = "reading the response" if self._first_byte_at else "waiting for the response"
            self.fail(UpstreamTimeoutError(f"the deadline passed while {began}"))
