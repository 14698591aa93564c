# cython: language_level=3
"""What `tzproxy._speedups.http1` may use of the chunked coding without going through Python."""

from libc.stdint cimport int64_t


cdef class ChunkedFraming:
    # Bytes of the current chunk that are still to come; 0 between chunks.
    cdef int64_t left
    cdef bint ended
    cdef int _state, _digits
    cdef int64_t _size
    cdef Py_ssize_t _counted, _limit

    cdef void restart(self) noexcept
    cdef Py_ssize_t skip(self, const unsigned char* p, Py_ssize_t n) except -1
    cdef int step(self, unsigned char c) except -1
    cdef int end_size(self, unsigned char c) except -1
    cdef int take_trailer(self, unsigned char c) except -1
    cdef int fail(self, str reason) except -1
