# cython: language_level=3
"""What `tzproxy._speedups.connection` may use of the response parser without going through Python."""

from libc.stdint cimport int64_t

from tzproxy._speedups.chunked cimport ChunkedFraming

ctypedef unsigned char uchar

cdef enum State:
    HEAD
    LENGTH_BODY
    CLOSE_BODY
    CHUNKED_BODY
    COMPLETE
    FAILED


cdef class ResponseParser:
    cdef readonly int status
    cdef readonly bytes head
    cdef readonly bint keep_alive
    cdef readonly bint complete
    cdef readonly bint excess
    cdef readonly int64_t content_length
    cdef State _state
    cdef bint _no_body, _chunked
    cdef int64_t _left
    cdef ChunkedFraming _chunks
    cdef Py_ssize_t _limit, _interim
    # An incomplete head is kept here, with the places up to which it has been looked at.
    cdef uchar* _buffer
    cdef Py_ssize_t _kept, _capacity, _line, _scanned

    cpdef start(self, bint no_body=*)
    cpdef bytes feed(self, bytes data)
    cpdef feed_eof(self)
    cdef int fail(self, str reason) except -1
    cdef void finish(self) noexcept
    cdef Py_ssize_t take_head(self, const uchar* p, Py_ssize_t n) except -1
    cdef int keep(self, const uchar* p, Py_ssize_t n) except -1
    cdef Py_ssize_t find_end(self, const uchar* block, Py_ssize_t size) except -2
    cdef int read_head(self, const uchar* block, Py_ssize_t size) except -1
    cdef int read_status_line(self, const uchar* line, Py_ssize_t size) except -1
    cdef int read_header(
        self, const uchar* name, Py_ssize_t name_size, const uchar* value, Py_ssize_t size
    ) except -1
    cdef int read_length(self, const uchar* value, Py_ssize_t size) except -1
    cdef void read_connection(self, const uchar* value, Py_ssize_t size) noexcept
    cdef int skip_interim(self, Py_ssize_t size) except -1
    cdef int choose_framing(self) except -1
