# cython: language_level=3
"""The header lines of a response, looked up in their raw bytes only when somebody asks. Hot.

Reads heads that `tzproxy._speedups.http1` has already checked; it must not be given others.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeLatin1
from libc.string cimport memchr

ctypedef unsigned char uchar


cdef inline uchar lower(uchar c) noexcept:
    return <uchar>(c + 32 if 65 <= c <= 90 else c)


cdef str text(const uchar* p, Py_ssize_t first, Py_ssize_t last):
    while first < last and (p[first] == 32 or p[first] == 9):
        first += 1
    while last > first and (p[last - 1] == 32 or p[last - 1] == 9):
        last -= 1
    return PyUnicode_DecodeLatin1(<const char*>p + first, last - first, NULL)


cdef class Headers:
    """Case-insensitive view of a checked response head (status line and header lines, as received)."""

    cdef readonly bytes raw

    def __init__(self, bytes raw not None):
        self.raw = raw

    @property
    def reason(self):
        """Return the reason phrase of the status line, often empty."""
        cdef const uchar* p = <const uchar*>PyBytes_AS_STRING(self.raw)
        cdef const uchar* stop = <const uchar*>memchr(p, 10, PyBytes_GET_SIZE(self.raw))
        if stop == NULL or stop - p < 14:
            return ""
        return text(p, 13, stop - p - 1)

    cpdef list get_all(self, str name):
        """Return every value of a header, in the order received."""
        cdef bytes wanted = name.lower().encode("latin-1", "replace")
        cdef const uchar* want = <const uchar*>PyBytes_AS_STRING(wanted)
        cdef Py_ssize_t want_size = PyBytes_GET_SIZE(wanted), i
        cdef const uchar* p = <const uchar*>PyBytes_AS_STRING(self.raw)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(self.raw), at = 0, stop
        cdef const uchar* hit = <const uchar*>memchr(p, 10, size)
        cdef list found = []
        while hit != NULL:
            at = hit - p + 1
            hit = <const uchar*>memchr(p + at, 10, size - at)
            if hit == NULL:
                break
            stop = hit - p - 1
            if stop - at <= want_size or p[at + want_size] != 58:
                continue
            for i in range(want_size):
                if lower(p[at + i]) != want[i]:
                    break
            else:
                found.append(text(p, at + want_size + 1, stop))
        return found

    def get(self, str name not None, default=None):
        """Return the value of a header, several joined by a comma, or the default."""
        cdef list found = self.get_all(name)
        if not found:
            return default
        return found[0] if len(found) == 1 else ", ".join(found)

    def __contains__(self, str name not None):
        return bool(self.get_all(name))

    def __getitem__(self, str name not None):
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def items(self):
        """Return all headers as (name in lower case, value) pairs, in the order received."""
        cdef list pairs = []
        for line in self.raw.split(b"\r\n")[1:]:
            if line:
                name, _, value = line.partition(b":")
                pairs.append((name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")))
        return pairs

    def __repr__(self):
        return "<Headers %s>" % ", ".join(name for name, _ in self.items())
