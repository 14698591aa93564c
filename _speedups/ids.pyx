# cython: language_level=3, boundscheck=True
"""UUIDv7 for the hot path: made, checked and ordered without `uuid.UUID` objects. Hot."""

from libc.stdint cimport uint8_t, uint64_t
from libc.time cimport time_t
from posix.time cimport clock_gettime, timespec, CLOCK_REALTIME
from cpython.bytes cimport PyBytes_AsString
from cpython.unicode cimport PyUnicode_DecodeASCII

import os

cdef const char* HEX = b"0123456789abcdef"

# Random bytes are drawn from the operating system in blocks: one system call serves many ids.
cdef enum:
    POOL_BYTES = 4096

cdef bytes _pool = b""
cdef Py_ssize_t _used = POOL_BYTES
cdef int _pid = 0


# Ids count time in 4096ths of a millisecond, so that their order is that of their making (RFC 9562, 6.2, method 3).
cdef enum:
    TICKS_PER_MS = 4096


cdef uint64_t now_ticks() noexcept:
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return <uint64_t>now.tv_sec * 1000 * TICKS_PER_MS + <uint64_t>now.tv_nsec * TICKS_PER_MS // 1000000


def _forget_pool():
    """A forked child must not hand out its parent's random bytes again."""
    global _used
    _used = POOL_BYTES


os.register_at_fork(after_in_child=_forget_pool)


cdef void fill(uint8_t* raw, uint64_t ticks):
    global _pool, _used
    cdef const char* source
    cdef int i
    if _used + 8 > POOL_BYTES:
        _pool = os.urandom(POOL_BYTES)
        _used = 0
    source = PyBytes_AsString(_pool) + _used
    _used += 8
    for i in range(6):
        raw[i] = <uint8_t>((ticks >> (52 - 8 * i)) & 0xFF)
    raw[6] = 0x70 | <uint8_t>((ticks >> 8) & 0x0F)
    raw[7] = <uint8_t>(ticks & 0xFF)
    for i in range(8):
        raw[8 + i] = <uint8_t>source[i]
    raw[8] = 0x80 | (raw[8] & 0x3F)


cdef str text_of(const uint8_t* raw):
    cdef char out[36]
    cdef int i, at = 0
    for i in range(16):
        if i == 4 or i == 6 or i == 8 or i == 10:
            out[at] = b"-"
            at += 1
        out[at] = HEX[raw[i] >> 4]
        out[at + 1] = HEX[raw[i] & 0x0F]
        at += 2
    return PyUnicode_DecodeASCII(out, 36, NULL)


def new_uuid7(offset_s=0):
    """Make a fresh UUIDv7 as canonical text.

    Units: `offset_s` seconds are added to its time (ids of workflow evaluation runs lie in the future).
    """
    cdef uint8_t raw[16]
    cdef uint64_t shift = <uint64_t>offset_s * 1000 * TICKS_PER_MS
    fill(raw, now_ticks() + shift)
    return text_of(raw)


def new_uuid7_pair():
    """Make a fresh UUIDv7 in both forms: canonical text, and its 16 bytes."""
    cdef uint8_t raw[16]
    fill(raw, now_ticks())
    return text_of(raw), (<char*>raw)[:16]


cdef inline int digit(int c) noexcept:
    if 48 <= c <= 57:
        return c - 48
    if 97 <= c <= 102:
        return c - 87
    if 65 <= c <= 70:
        return c - 55
    return -1


def parse_uuid(str text not None):
    """Read any standard text form of a UUID into its 16 bytes (big-endian).

    Accepts hyphenated, plain hex, braced and `urn:uuid:` forms, as the original does.

    Raises:
        ValueError: when the text is no UUID.
    """
    cdef uint8_t raw[16]
    cdef Py_ssize_t start = 0, stop = len(text), i
    cdef int nibbles = 0, value
    cdef Py_UCS4 c
    cdef bint hyphens
    if stop == 45 and text[:9].lower() == "urn:uuid:":
        start = 9
    elif stop == 38 and text[0] == "{" and text[37] == "}":
        start, stop = 1, 37
    hyphens = stop - start == 36
    if not hyphens and stop - start != 32:
        raise ValueError("invalid length: expected length 32 for simple format, found %d" % len(text))
    for i in range(start, stop):
        c = text[i]
        if hyphens and (i - start == 8 or i - start == 13 or i - start == 18 or i - start == 23):
            if <int>c != 45:
                raise ValueError("invalid group separator in UUID")
            continue
        value = digit(<int>c)
        if value < 0:
            raise ValueError("invalid character: found `%s` at %d" % (c, i + 1))
        if nibbles & 1:
            raw[nibbles >> 1] |= <uint8_t>value
        else:
            raw[nibbles >> 1] = <uint8_t>(value << 4)
        nibbles += 1
    return (<char*>raw)[:16]


cdef const uint8_t* checked(bytes raw) except NULL:
    """Nobody may read past the end of what is no UUID."""
    if len(raw) != 16:
        raise ValueError("a UUID has 16 bytes")
    return <const uint8_t*>PyBytes_AsString(raw)


def format_uuid(bytes raw not None):
    """Write 16 bytes as canonical hyphenated lower-case text."""
    return text_of(checked(raw))


def uuid_version(bytes raw not None):
    """Return the version nibble of a UUID's 16 bytes."""
    return checked(raw)[6] >> 4


def uuid_time_ms(bytes raw not None):
    """Return the first 48 bits of a UUIDv7: its Unix time in milliseconds."""
    cdef uint64_t ms = 0
    cdef int i
    cdef const uint8_t* p = checked(raw)
    for i in range(6):
        ms = (ms << 8) | p[i]
    return ms
