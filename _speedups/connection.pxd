# cython: language_level=3
"""A connection and its owner, for `tzproxy._speedups.slots`: they call each other without Python between."""

from tzproxy._speedups.http1 cimport ResponseParser


cdef class Owner:
    # Take back a connection that can serve again.
    cdef int release(self, Connection connection, double now) except -1
    # Drop a connection that is closed, and free its slot.
    cdef int forget(self, Connection connection) except -1
    # Drop a connection that is closed; its slot stays with the request that claimed or used it.
    cdef int detach(self, Connection connection) except -1


cdef class Connection:
    cdef readonly bint is_closed
    cdef public bint is_claimed
    # How many exchanges have ended well.
    cdef readonly Py_ssize_t served
    # When it last became free; the owner's.
    cdef public double idle_since

    cdef Owner _owner
    cdef ResponseParser _parser
    cdef object _clock, _loop, _transport, _stream_class
    # At most one of the two: who waits for the answer (or the head of a stream), and the stream it goes to.
    cdef object _waiter, _stream
    cdef bint _is_streaming
    # How much of an unwanted rest has been dropped; -1 unless there is one.
    cdef Py_ssize_t _drained
    cdef list _pieces
    cdef Py_ssize_t _size, _max_response_bytes
    cdef tuple _stream_limits
    cdef double _started_at, _sent_at, _first_byte_at
    cdef double _deadline, _total_deadline, _silence_s, _heard_at, _drain_timeout_s
    cdef object _timer
    cdef double _timer_at

    cpdef shut(self)
    cpdef fail(self, error)
    cdef double now(self) except -1
    cdef bint has_exchange(self) noexcept
    cdef bint is_stale(self) noexcept
    cdef int cut(self) except -1
    cdef int lose(self, object exc) except -1
    cdef int pass_on(self, bytes piece) except -1
    cdef int complete(self, double done_at) except -1
    cdef int refuse_size(self) except -1
    cdef int arm(self, double at) except -1
