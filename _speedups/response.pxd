# cython: language_level=3
"""What `tzproxy._speedups.connection` may use of answers without going through Python."""


cdef class UpstreamResponse:
    cdef readonly int status
    cdef readonly bytes body
    cdef readonly double started_at
    cdef readonly double sent_at
    cdef readonly double first_byte_at
    cdef readonly double done_at
    cdef bytes _head
    cdef object _headers
