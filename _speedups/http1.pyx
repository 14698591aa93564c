# cython: language_level=3
"""HTTP/1.1 responses as a strict state machine: bytes in, body bytes and flags out. Hot.

Knows no event loop, no socket and no clock; `tzproxy.upstream` does. What is not HTTP/1.1 by the letter
raises `UpstreamProtocolError`, so that a garbled or hostile server can never make two readers disagree.
Source: RFC 9112 (message syntax) and RFC 9110 (field syntax).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport int64_t
from libc.string cimport memchr, memcmp, memcpy

from tzproxy.errors import UpstreamProtocolError

cdef enum:
    CR = 13
    LF = 10
    TAB = 9
    SPACE = 32

# Which bytes may stand in a field name, and which in a field value (RFC 9110, sections 5.6.2 and 5.5).
cdef uchar TOKEN[256]
cdef uchar VALUE[256]
cdef uchar LOWER[256]


cdef void fill_tables():
    cdef int c
    for c in range(256):
        VALUE[c] = c == TAB or (32 <= c and c != 127)
        LOWER[c] = <uchar>(c + 32 if 65 <= c <= 90 else c)
        TOKEN[c] = 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122
    for c in b"!#$%&'*+-.^_`|~":
        TOKEN[c] = 1


fill_tables()


cdef inline bint same(const uchar* p, Py_ssize_t n, const char* lower, Py_ssize_t size) noexcept:
    """Whether n bytes equal a lower-case literal, letters in any case."""
    cdef Py_ssize_t i
    if n != size:
        return False
    for i in range(n):
        if LOWER[p[i]] != <uchar>lower[i]:
            return False
    return True


cdef class ResponseParser:
    """Reads one response after another from a connection; `start` begins each.

    `status` is 0 until the final head is complete (interim 1xx heads are skipped). `head` then holds the
    raw status line and header lines. `keep_alive` is trustworthy once `complete`. `excess` says that
    bytes followed the message, after which the connection must not be used again.
    """

    def __cinit__(self, Py_ssize_t max_head_bytes=65536):
        self._buffer = NULL
        self._capacity = 0
        self._limit = max_head_bytes
        self._chunks = ChunkedFraming(max_head_bytes)
        self.start()

    def __dealloc__(self):
        PyMem_Free(self._buffer)

    cpdef start(self, bint no_body=False):
        """Expect a new response; `no_body` for answers that end with their head (HEAD, CONNECT)."""
        self._state = HEAD
        self._no_body = no_body
        self._chunked = False
        self._kept = self._line = self._scanned = self._interim = 0
        self.status = 0
        self.head = b""
        self.complete = self.excess = False
        self.keep_alive = False
        self.content_length = -1

    cpdef bytes feed(self, bytes data):
        """Take the next bytes of the connection and return the body bytes among them.

        Raises:
            UpstreamProtocolError: when they are not HTTP/1.1; every later call then raises as well.
        """
        cdef const uchar* p = <const uchar*>PyBytes_AS_STRING(data)
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data), at = 0, size
        cdef bytes body = None, piece
        cdef list pieces = None
        while at < n:
            if self._state == HEAD:
                at += self.take_head(p + at, n - at)
                continue
            if self._state == LENGTH_BODY:
                size = <Py_ssize_t>min(self._left, <int64_t>(n - at))
                self._left -= size
                if self._left == 0:
                    self.finish()
            elif self._state == CHUNKED_BODY:
                at += self._chunks.skip(p + at, n - at)
                if self._chunks.ended:
                    self.finish()
                size = <Py_ssize_t>min(self._chunks.left, <int64_t>(n - at))
                self._chunks.left -= size
            elif self._state == CLOSE_BODY:
                size = n - at
            elif self._state == COMPLETE:
                self.excess = True
                break
            else:
                self.fail("the response was already found to be malformed")
            if size == 0:
                continue
            piece = data if size == n else PyBytes_FromStringAndSize(<const char*>p + at, size)
            at += size
            if body is None:
                body = piece
            elif pieces is None:
                pieces = [body, piece]
            else:
                pieces.append(piece)
        if pieces is not None:
            return b"".join(pieces)
        return body if body is not None else b""

    cpdef feed_eof(self):
        """Note that the server has closed its side; a body that ends by closing is then complete.

        Raises:
            UpstreamProtocolError: when the message was not complete.
        """
        if self._state == CLOSE_BODY:
            self._state = COMPLETE
            self.complete = True
        elif self._state != COMPLETE:
            self.fail("the server closed the connection before the response was complete")

    cdef int fail(self, str reason) except -1:
        self._state = FAILED
        raise UpstreamProtocolError(reason)

    cdef void finish(self) noexcept:
        self._state = COMPLETE
        self.complete = True

    # ---- the head

    cdef Py_ssize_t take_head(self, const uchar* p, Py_ssize_t n) except -1:
        """Consume head bytes and return how many; all of them while its end is not in sight."""
        cdef const uchar* block = p
        cdef Py_ssize_t size = n, before = self._kept, end
        if before:
            self.keep(p, n)
            block = self._buffer
            size = self._kept
        end = self.find_end(block, size)
        if end < 0:
            if not before:
                self.keep(p, n)
            if self._kept > self._limit:
                self.fail("the response head is larger than %d bytes" % self._limit)
            return n
        if end > self._limit:
            self.fail("the response head is larger than %d bytes" % self._limit)
        self._kept = self._line = self._scanned = 0
        self.read_head(block, end - 2)
        if 100 <= self.status < 200:
            self.skip_interim(end)
        else:
            self.choose_framing()
        return end - before

    cdef int keep(self, const uchar* p, Py_ssize_t n) except -1:
        # One byte beyond the limit is enough to know that the head is too large.
        cdef Py_ssize_t size = min(n, self._limit + 1 - self._kept), wanted = self._kept + size
        cdef uchar* grown
        if wanted > self._capacity:
            wanted = max(2 * wanted, 1024)
            grown = <uchar*>PyMem_Realloc(self._buffer, wanted)
            if grown == NULL:
                raise MemoryError
            self._buffer = grown
            self._capacity = wanted
        memcpy(self._buffer + self._kept, p, size)
        self._kept += size
        return 0

    cdef Py_ssize_t find_end(self, const uchar* block, Py_ssize_t size) except -2:
        """Return the offset after the empty line, or -1; looks at each byte once over all calls."""
        cdef const uchar* hit
        cdef Py_ssize_t at
        if self._scanned < 7 and memcmp(block, b"HTTP/1.", min(size, 7)) != 0:
            self.fail("the server does not speak HTTP/1.1")
        while True:
            hit = <const uchar*>memchr(block + self._scanned, LF, size - self._scanned)
            if hit == NULL:
                self._scanned = size
                return -1
            at = hit - block
            if at == 0 or block[at - 1] != CR:
                self.fail("a line of the response head does not end with CR LF")
            if at - 1 == self._line:
                return at + 1
            self._line = self._scanned = at + 1

    cdef int read_head(self, const uchar* block, Py_ssize_t size) except -1:
        """Check every line of the head and take what frames the body; the rest stays raw."""
        cdef Py_ssize_t at, stop, colon, first, last, i
        stop = <const uchar*>memchr(block, LF, size) - block - 1
        self.read_status_line(block, stop)
        self.head = PyBytes_FromStringAndSize(<const char*>block, size)
        at = stop + 2
        while at < size:
            stop = <const uchar*>memchr(block + at, LF, size - at) - block - 1
            colon = at
            while TOKEN[block[colon]]:
                colon += 1
            if colon == at or block[colon] != b":":
                self.fail("a header of the response has a malformed name")
            first, last = colon + 1, stop
            while first < last and (block[first] == SPACE or block[first] == TAB):
                first += 1
            while last > first and (block[last - 1] == SPACE or block[last - 1] == TAB):
                last -= 1
            for i in range(first, last):
                if not VALUE[block[i]]:
                    self.fail("a header of the response has a malformed value")
            self.read_header(block + at, colon - at, block + first, last - first)
            at = stop + 2
        return 0

    cdef int read_status_line(self, const uchar* line, Py_ssize_t size) except -1:
        cdef Py_ssize_t i
        if size < 12 or not 48 <= line[7] <= 49 or line[8] != SPACE or (size > 12 and line[12] != SPACE):
            self.fail("the response has a malformed status line")
        self.status = 0
        for i in range(9, 12):
            if not 48 <= line[i] <= 57:
                self.fail("the response has a malformed status line")
            self.status = self.status * 10 + line[i] - 48
        for i in range(12, size):
            if not VALUE[line[i]]:
                self.fail("the response has a malformed status line")
        if self.status < 100:
            self.fail("the response has a malformed status line")
        self.keep_alive = line[7] == 49
        return 0

    cdef int read_header(
        self, const uchar* name, Py_ssize_t name_size, const uchar* value, Py_ssize_t size
    ) except -1:
        if name_size == 14 and same(name, name_size, b"content-length", 14):
            self.read_length(value, size)
        elif name_size == 17 and same(name, name_size, b"transfer-encoding", 17):
            if self._chunked or not same(value, size, b"chunked", 7):
                self.fail("the response has a transfer-encoding other than chunked")
            self._chunked = True
        elif name_size == 10 and same(name, name_size, b"connection", 10):
            self.read_connection(value, size)
        return 0

    cdef int read_length(self, const uchar* value, Py_ssize_t size) except -1:
        cdef int64_t length = 0
        cdef Py_ssize_t i
        if size < 1 or size > 18:
            self.fail("the response has a malformed content-length")
        for i in range(size):
            if not 48 <= value[i] <= 57:
                self.fail("the response has a malformed content-length")
            length = length * 10 + value[i] - 48
        if self.content_length >= 0 and self.content_length != length:
            self.fail("the response has two different content-lengths")
        self.content_length = length
        return 0

    cdef void read_connection(self, const uchar* value, Py_ssize_t size) noexcept:
        cdef Py_ssize_t at = 0, stop, last
        while at < size:
            stop = at
            while stop < size and value[stop] != b",":
                stop += 1
            last = stop
            while at < last and (value[at] == SPACE or value[at] == TAB):
                at += 1
            while last > at and (value[last - 1] == SPACE or value[last - 1] == TAB):
                last -= 1
            if same(value + at, last - at, b"close", 5):
                self.keep_alive = False
                return
            if same(value + at, last - at, b"keep-alive", 10):
                self.keep_alive = True
            at = stop + 1

    cdef int skip_interim(self, Py_ssize_t size) except -1:
        if self.status == 101:
            self.fail("the server switched protocols without being asked")
        # Interim heads count together, so that an endless row of them is not waited for.
        self._interim += size
        if self._interim > self._limit:
            self.fail("the server sent too many interim responses")
        self.status = 0
        self.head = b""
        self._chunked = False
        self.content_length = -1
        return 0

    cdef int choose_framing(self) except -1:
        """Decide how the body ends (RFC 9112, section 6.3)."""
        if self._chunked and self.content_length >= 0:
            self.fail("the response has both a content-length and a transfer-encoding")
        if self._chunked and self.head[7] == 48:
            self.fail("an HTTP/1.0 response has a transfer-encoding")
        if self._no_body or self.status == 204 or self.status == 304:
            self.finish()
        elif self._chunked:
            self._chunks.restart()
            self._state = CHUNKED_BODY
        elif self.content_length > 0:
            self._left = self.content_length
            self._state = LENGTH_BODY
        elif self.content_length == 0:
            self.finish()
        else:
            self.keep_alive = False
            self._state = CLOSE_BODY
        return 0
