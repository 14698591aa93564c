# cython: language_level=3
"""How chunked bodies are framed: sizes, extensions, line ends and trailers. Hot.

Sees only the bytes between the chunks; their data never passes through here. For `http1` alone.
Source: RFC 9112, section 7.1.
"""

from libc.stdint cimport int64_t

from tzproxy.errors import UpstreamProtocolError

ctypedef unsigned char uchar

cdef enum State:
    SIZE
    SIZE_SPACE
    EXTENSION
    SIZE_LF
    DATA_CR
    DATA_LF
    TRAILER_START
    TRAILER_NAME
    TRAILER_VALUE
    TRAILER_LF
    LAST_LF
    FAILED

cdef enum:
    CR = 13
    LF = 10
    MAX_SIZE_DIGITS = 15
    MAX_EXTENSION_BYTES = 4096


cdef inline int hex_digit(uchar c) noexcept:
    if 48 <= c <= 57:
        return c - 48
    if 97 <= c <= 102:
        return c - 87
    if 65 <= c <= 70:
        return c - 55
    return -1


cdef inline bint is_token(uchar c) noexcept:
    if 48 <= c <= 57 or 65 <= c <= 90 or 94 <= c <= 122:
        return True
    return c == 33 or 35 <= c <= 39 or c == 42 or c == 43 or c == 45 or c == 46 or c == 124 or c == 126


cdef inline bint is_value(uchar c) noexcept:
    return c == 9 or (32 <= c and c != 127)


cdef class ChunkedFraming:
    """Walks over the bytes between chunks: `left` is what the current chunk still owes, `ended` the end."""

    def __cinit__(self, Py_ssize_t max_trailer_bytes):
        self._limit = max_trailer_bytes
        self.restart()

    cdef void restart(self) noexcept:
        self.left = 0
        self.ended = False
        self._state = SIZE
        self._digits = 0
        self._size = 0
        self._counted = 0

    cdef Py_ssize_t skip(self, const uchar* p, Py_ssize_t n) except -1:
        """Consume framing until chunk data, the end of the body or the end of the input; return how much."""
        cdef Py_ssize_t at = 0
        while at < n and self.left == 0 and not self.ended:
            self.step(p[at])
            at += 1
        return at

    cdef int fail(self, str reason) except -1:
        self._state = FAILED
        raise UpstreamProtocolError(reason)

    cdef int step(self, uchar c) except -1:
        cdef int digit
        if self._state == SIZE:
            digit = hex_digit(c)
            if digit >= 0:
                self._digits += 1
                if self._digits > MAX_SIZE_DIGITS:
                    self.fail("a chunk of the response has an absurd size")
                self._size = self._size * 16 + digit
            elif self._digits == 0:
                self.fail("a chunk of the response has a malformed size")
            else:
                self.end_size(c)
        elif self._state == SIZE_SPACE or self._state == EXTENSION:
            self._counted += 1
            if self._counted > MAX_EXTENSION_BYTES:
                self.fail("a chunk of the response has too long an extension")
            self.end_size(c)
        elif self._state == SIZE_LF:
            if c != LF:
                self.fail("a chunk size of the response does not end with CR LF")
            # The data follows; DATA_CR is what comes after it.
            self._state = DATA_CR if self._size else TRAILER_START
            self.left = self._size
            self._counted = 0
        elif self._state == DATA_CR:
            if c != CR:
                self.fail("a chunk of the response is longer than its size says")
            self._state = DATA_LF
        elif self._state == DATA_LF:
            if c != LF:
                self.fail("a chunk of the response does not end with CR LF")
            self.restart()
        else:
            self.take_trailer(c)
        return 0

    cdef int end_size(self, uchar c) except -1:
        if c == CR:
            self._state = SIZE_LF
        elif self._state == EXTENSION:
            if not is_value(c):
                self.fail("a chunk of the response has a malformed extension")
        elif c == 59:
            self._state = EXTENSION
        elif c == 32 or c == 9:
            self._state = SIZE_SPACE
        else:
            self.fail("a chunk of the response has a malformed size")
        return 0

    cdef int take_trailer(self, uchar c) except -1:
        """Check and drop trailer fields: nothing here needs them."""
        self._counted += 1
        if self._state == FAILED:
            self.fail("the response was already found to be malformed")
        elif self._counted > self._limit:
            self.fail("the trailers of the response are larger than %d bytes" % self._limit)
        elif self._state == LAST_LF or self._state == TRAILER_LF:
            if c != LF:
                self.fail("a trailer of the response does not end with CR LF")
            self.ended = self._state == LAST_LF
            self._state = TRAILER_START
        elif self._state == TRAILER_VALUE:
            if c == CR:
                self._state = TRAILER_LF
            elif not is_value(c):
                self.fail("a trailer of the response has a malformed value")
        elif self._state == TRAILER_START and c == CR:
            self._state = LAST_LF
        elif self._state == TRAILER_NAME and c == 58:
            self._state = TRAILER_VALUE
        elif is_token(c):
            self._state = TRAILER_NAME
        else:
            self.fail("a trailer of the response has a malformed name")
        return 0
