# cython: language_level=3
"""Server-sent events: bytes in, complete `data` payloads out. Hot.

Knows no event loop and no JSON. The incomplete tail is kept between calls; every byte is looked at once.
Source: HTML Standard, section 9.2.6 "Interpreting an event stream".
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memchr, memcmp, memcpy

from tzproxy.errors import UpstreamProtocolError


cdef class EventParser:
    """Cuts an event stream into payloads; comments, other fields and events without data give nothing."""

    def __cinit__(self, Py_ssize_t max_event_bytes=16777216):
        self._limit = max_event_bytes
        self._tail = NULL
        self._capacity = self._kept = self._event_bytes = 0
        self._after_cr = False
        self._at_start = True

    def __dealloc__(self):
        PyMem_Free(self._tail)

    @property
    def pending(self):
        """Say how many bytes of an unfinished event are held."""
        return self._kept + self._event_bytes

    cpdef list feed(self, bytes data):
        """Take the next bytes of the stream and return the payloads of all events they complete.

        Raises:
            UpstreamProtocolError: when an event outgrows the limit.
        """
        cdef const char* p = PyBytes_AS_STRING(data)
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data), at = 0, stop
        cdef const char* newline
        cdef const char* carriage
        cdef list events = []
        if self._after_cr and n:
            # The LF of a CR LF that was cut in two.
            self._after_cr = False
            if p[0] == 10:
                at = 1
        # `newline` and `carriage` stay valid over several lines: neither is searched for twice.
        newline = <const char*>memchr(p + at, 10, n - at)
        carriage = <const char*>memchr(p + at, 13, n - at)
        while newline != NULL or carriage != NULL:
            if carriage == NULL or (newline != NULL and newline < carriage):
                stop = newline - p
                self.end_line(p + at, stop - at, events)
                at = stop + 1
            else:
                stop = carriage - p
                self.end_line(p + at, stop - at, events)
                at = stop + 1
                if at == n:
                    self._after_cr = True
                elif p[at] == 10:
                    at += 1
                carriage = <const char*>memchr(p + at, 13, n - at)
            if newline != NULL and newline < p + at:
                newline = <const char*>memchr(p + at, 10, n - at)
        if at < n:
            self.keep(p + at, n - at)
        return events

    cdef int keep(self, const char* p, Py_ssize_t n) except -1:
        cdef Py_ssize_t wanted = self._kept + n
        cdef char* grown
        self.check_size(wanted)
        if wanted > self._capacity:
            wanted = max(2 * wanted, 512)
            grown = <char*>PyMem_Realloc(self._tail, wanted)
            if grown == NULL:
                raise MemoryError
            self._tail = grown
            self._capacity = wanted
        memcpy(self._tail + self._kept, p, n)
        self._kept += n
        return 0

    cdef int check_size(self, Py_ssize_t line) except -1:
        if self._event_bytes + line > self._limit:
            raise UpstreamProtocolError("an event of the stream is larger than %d bytes" % self._limit)
        return 0

    cdef int end_line(self, const char* p, Py_ssize_t n, list events) except -1:
        if self._kept:
            self.keep(p, n)
            p = self._tail
            n = self._kept
            self._kept = 0
        if self._at_start:
            self._at_start = False
            if n >= 3 and memcmp(p, b"\xef\xbb\xbf", 3) == 0:
                p += 3
                n -= 3
        if n == 0:
            self.dispatch(events)
        elif n >= 4 and memcmp(p, b"data", 4) == 0:
            if n == 4:
                self.add_data(p, 0)
            elif p[4] == 58:
                if n > 5 and p[5] == 32:
                    self.add_data(p + 6, n - 6)
                else:
                    self.add_data(p + 5, n - 5)
        return 0

    cdef int add_data(self, const char* p, Py_ssize_t n) except -1:
        cdef bytes line
        self.check_size(n + 1)
        self._event_bytes += n + 1
        line = PyBytes_FromStringAndSize(p, n)
        if self._first is None:
            self._first = line
        elif self._lines is None:
            self._lines = [self._first, line]
        else:
            self._lines.append(line)
        return 0

    cdef void dispatch(self, list events):
        if self._first is None:
            return
        if self._lines is None:
            events.append(self._first)
        else:
            events.append(b"\n".join(self._lines))
        self._first = None
        self._lines = None
        self._event_bytes = 0
