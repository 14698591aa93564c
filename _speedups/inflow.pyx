# cython: language_level=3
"""What has arrived of a streamed answer and was not taken yet. Hot: everything here runs for each piece.

The connection pushes, the consumer takes; whoever waits or listens is told. Knows no socket and no HTTP;
`tzproxy.upstream.stream` adds what has to be awaited.

PERF: 15 us less CPU for a stream of 50 tokens than in Python (test_10_streams).
"""

from tzproxy._speedups.sse cimport EventParser

from asyncio import get_running_loop

from tzproxy.errors import UpstreamConnectError, UpstreamProtocolError, UpstreamTimeoutError


cdef class StreamInflow:
    """Status, head and pieces of an answer; see `UpstreamStream`."""

    cdef readonly int status
    cdef readonly bytes head
    cdef readonly double started_at, sent_at, first_byte_at, done_at
    cdef object _source, _error, _waiter, _listener, _loop
    # Bytes: held for a slow reader, collected as a whole, of one event.
    cdef readonly tuple limits
    cdef Py_ssize_t _buffer_bytes, _size
    cdef list _pieces
    cdef EventParser _events
    cdef bint _is_paused, _is_lifted, _first_item_overdue, _ended

    def __init__(
        self,
        source,
        int status,
        bytes head not None,
        *,
        double started_at,
        double sent_at,
        double first_byte_at,
        tuple limits not None,
    ):
        self.status = status
        self.head = head
        self.started_at = started_at
        self.sent_at = sent_at
        self.first_byte_at = first_byte_at
        self.done_at = 0.0
        self.limits = limits
        self._buffer_bytes = limits[0]
        self._source = source
        self._pieces = []

    # ---- the consumer's side

    def take_events(self):
        """Return the data payloads of the events that are complete by now, perhaps none; None at a clean end.

        Raises:
            UpstreamTimeoutError: when a deadline passed first.
            UpstreamProtocolError: when the server closed too early, its bytes are not HTTP, or an event is
                too large.
        """
        cdef bytes piece = self.take()
        cdef list events
        if piece is None:
            return None
        if not piece:
            return []
        if self._events is None:
            self._events = EventParser(self.limits[2])
        try:
            events = self._events.feed(piece)
        except UpstreamProtocolError:
            self.abort()
            raise
        if events:
            self.lift()
        elif self._first_item_overdue:
            self.abort()
            raise UpstreamTimeoutError("the deadline for the first event passed")
        return events

    def take_bytes(self):
        """Return the body bytes that have arrived since, perhaps none; None at a clean end.

        Raises:
            UpstreamTimeoutError: when a deadline passed first.
            UpstreamProtocolError: when the server closed too early or its bytes are not HTTP.
        """
        cdef bytes piece = self.take()
        if piece is None or piece:
            self.lift()
        return piece

    def more(self):
        """Return what is done when there may be something new to take.

        Whoever is cancelled while waiting for it has to `close` the stream.
        """
        if self._loop is None:
            # Asked for once a stream: in Python 3.11 each asking is a system call.
            self._loop = get_running_loop()
        waiter = self._loop.create_future()
        if self._pieces or self._ended or self._error is not None:
            waiter.set_result(None)
        else:
            self._waiter = waiter
        return waiter

    def listen(self, listener):
        """Have `listener` called, in the callback that brings it, when there may be something new to take.

        It must not raise. It is not called any more once the consumer is done with the stream.
        """
        self._listener = listener

    def finish(self):
        """Be done with a stream whose last interesting event has been read (`[DONE]`).

        The little that may still follow is taken and dropped for a short while, so that the connection
        can serve again. Not for streams that are broken off: those should `close`, which stops the server.
        """
        source = self.let_go()
        if source is not None:
            source.drain()

    cpdef abort(self):
        """Do what `close` does, from places that cannot await."""
        source = self.let_go()
        if source is not None:
            source.give_up()

    cdef object let_go(self):
        """Take no more from the source, and return it if there still is one."""
        source = self._source
        self._listener = None
        self._pieces.clear()
        if source is not None:
            # Another task may be waiting for the next bytes.
            self.fail(UpstreamConnectError("the stream was closed"))
        return source

    cdef bytes take(self):
        """Return what was pushed; empty when nothing was, None at a clean end."""
        cdef list pieces = self._pieces
        cdef bytes piece
        if not pieces:
            if self._error is not None:
                raise self._error
            return None if self._ended else b""
        piece = <bytes>pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._size = 0
        if self._is_paused:
            self._is_paused = False
            if self._source is not None:
                self._source.resume()
        return piece

    cdef int lift(self) except -1:
        if not self._is_lifted:
            self._is_lifted = True
            self._first_item_overdue = False
            if self._source is not None:
                self._source.lift_first_byte()
        return 0

    # ---- the connection's side

    @property
    def has_unread(self):
        """Whether bytes have arrived that the consumer has not fetched."""
        return bool(self._pieces)

    def push(self, bytes piece not None):
        """Hand over body bytes; the source is paused when the consumer does not keep up."""
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._buffer_bytes and not self._is_paused and self._source is not None:
            self._is_paused = True
            self._source.pause()
        self.wake()

    def note_overdue(self):
        """Note that the deadline for the first item passed while unread bytes, perhaps one, were waiting."""
        self._first_item_overdue = True

    def end(self, double done_at):
        """Note that the body is complete; the connection is no longer this stream's."""
        self.done_at = done_at
        self._ended = True
        self._source = None
        self.wake()

    cpdef fail(self, error):
        """Note that no more will come."""
        self._source = None
        self._error = error
        self.wake()

    cdef int wake(self) except -1:
        listener = self._listener
        if listener is not None:
            listener()
            return 0
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
        return 0
