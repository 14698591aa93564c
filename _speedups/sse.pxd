# cython: language_level=3
"""Declarations of `sse`, for `inflow`."""


cdef class EventParser:
    cdef Py_ssize_t _limit
    cdef bint _after_cr, _at_start
    # The incomplete line at the end of the last input.
    cdef char* _tail
    cdef Py_ssize_t _kept, _capacity
    # The data lines of the event that has not ended yet: the first alone, more in a list.
    cdef bytes _first
    cdef list _lines
    cdef Py_ssize_t _event_bytes

    cpdef list feed(self, bytes data)
    cdef int keep(self, const char* p, Py_ssize_t n) except -1
    cdef int check_size(self, Py_ssize_t line) except -1
    cdef int end_line(self, const char* p, Py_ssize_t n, list events) except -1
    cdef int add_data(self, const char* p, Py_ssize_t n) except -1
    cdef void dispatch(self, list events)
