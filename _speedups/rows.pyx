# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Rows as lines of JSON: what is constant prepared once, values written one after the other. Hot.

Owns the text of rows, byte for byte what msgspec makes of the Structs that define them; what is not written here
(fractions, objects, Structs that were not named) msgspec writes. JSON that a row holds as a text is escaped while
it is written, not encoded twice. Must not know any table: `tzproxy.types.rows` has them.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

import msgspec

cdef extern from *:
    """
    /* Reads a field by its descriptor. PERF: a search by name takes three times as long (test_encode_rows). */
    #define tz_field(descriptor, value) \\
        Py_TYPE(descriptor)->tp_descr_get(descriptor, value, (PyObject*)Py_TYPE(value))

    static inline const char* tz_utf8(PyObject* text, Py_ssize_t* size) {
        if (!PyUnicode_IS_COMPACT_ASCII(text)) return PyUnicode_AsUTF8AndSize(text, size);
        *size = PyUnicode_GET_LENGTH(text);
        return (const char*)PyUnicode_DATA(text);
    }
    """
    object tz_field(object descriptor, object value)
    const char* tz_utf8(object text, Py_ssize_t* size) except NULL

tz_escapes_prepare()

cdef enum:
    FIRST_ROOM = 16 * 1024
    # A line may be of megabytes; that much is not kept for the next.
    MOST_KEPT = 1024 * 1024
    # Always free beyond what was asked for, so that a bracket or a comma need not ask.
    MARGIN = 32
    # So much of a constant text is copied at once, whatever its length: most are shorter.
    MOVE = 32

cdef object UNSET = msgspec.UNSET


cdef bytes escaped(bytes text):
    """Return JSON as it stands within a JSON text."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
    cdef bytes out = PyBytes_FromStringAndSize(NULL, WORST * size + BLOCK)
    cdef char* start = PyBytes_AS_STRING(out)
    end = <char*>tz_escape(<uint8_t*>start, <const uint8_t*>PyBytes_AS_STRING(text), size, 0)
    return out[: end - start]


cdef struct Part:
    # Text that stands in rows as it is.
    const uint8_t* text
    size_t size


cdef struct Field:
    PyObject* descriptor
    Part plain
    Part nested
    bint omits_none
    bint json_text


@cython.final
cdef class Shape:
    """A Struct as it is written: what it begins with, plain and within a JSON text, and its fields."""

    cdef object kind
    cdef Part plain
    cdef Part nested
    cdef Field* fields
    cdef Py_ssize_t count
    cdef list kept

    def __cinit__(self):
        self.fields = NULL
        self.count = 0
        self.kept = []

    def __init__(self, struct, json_texts=(), left_out=()):
        config = struct.__struct_config__
        infos = [info for info in msgspec.structs.fields(struct) if info.name not in left_out]
        if config.array_like:
            raise ValueError(f"{struct.__name__} is written as an array")
        self.kind = struct
        head = b"{" if config.tag is None else b'{"%s":"%s",' % (config.tag_field.encode(), config.tag.encode())
        self.keep(head, &self.plain)
        self.keep(escaped(head), &self.nested)
        self.fields = <Field*>PyMem_Malloc(max(1, len(infos)) * sizeof(Field))
        if self.fields == NULL:
            raise MemoryError
        for info in infos:
            self.add_field(struct, info, info.name in json_texts)

    cdef int add_field(self, object struct, object info, bint json_text) except -1:
        cdef Field* field = &self.fields[self.count]
        leaves_out = struct.__struct_config__.omit_defaults and not info.required
        if leaves_out and info.default is not None:
            raise ValueError(f"{struct.__name__}.{info.name} is left out for other values than None")
        descriptor = next(vars(base)[info.name] for base in struct.__mro__ if info.name in vars(base))
        self.kept.append(descriptor)
        field.descriptor = <PyObject*>descriptor
        field.omits_none = leaves_out
        field.json_text = json_text
        key = b'"%s":' % info.encode_name.encode()
        self.keep(key, &field.plain)
        self.keep(escaped(key), &field.nested)
        self.count += 1
        return 0

    cdef int keep(self, bytes text, Part* part) except -1:
        cdef bytes padded = text + bytes(MOVE)
        self.kept.append(padded)
        part.text = <const uint8_t*>PyBytes_AS_STRING(padded)
        part.size = len(text)
        return 0

    def __dealloc__(self):
        PyMem_Free(self.fields)


@cython.final
cdef class RowEncoder:
    """Writes the rows of one table.

    Args:
        row: the Struct that defines the columns.
        json_texts: the columns that are texts of JSON; they take the values that the JSON is of.
        left_out: the columns that these rows do not have.
        written: Structs that are written here where values hold them, instead of by msgspec.

    Raises:
        ValueError: for Structs that are written as arrays or leave out other defaults than None.
    """

    cdef Shape row
    cdef list written
    cdef object encode_other
    cdef uint8_t* start
    cdef size_t size
    cdef size_t room

    def __cinit__(self):
        self.start = NULL
        self.room = 0

    def __init__(self, row, *, json_texts=(), left_out=(), written=()):
        self.row = Shape(row, json_texts, left_out)
        self.written = [Shape(struct) for struct in written]
        self.encode_other = msgspec.json.Encoder().encode

    def __dealloc__(self):
        PyMem_Free(self.start)

    def encode(self, tuple values not None):
        """Return one row as a line of JSON.

        Shape: a value for each column, in the order of the Struct's fields. UNSET leaves a column out; bytes are
        JSON already.
        """
        cdef Py_ssize_t i
        if len(values) != self.row.count:
            raise TypeError(f"a row has {self.row.count} values, not {len(values)}")
        self.size = 0
        self.put_part(&self.row.plain)
        for i in range(self.row.count):
            self.put_field(&self.row.fields[i], values[i], False)
        self.close_with(b"}")
        line = PyBytes_FromStringAndSize(<char*>self.start, self.size)
        if self.room > MOST_KEPT:
            PyMem_Free(self.start)
            self.start, self.room = NULL, 0
        return line

    cdef int put_field(self, const Field* field, object value, bint nested) except -1:
        if value is UNSET:
            return 0
        self.put_part(&field.nested if nested else &field.plain)
        if field.json_text:
            self.put_byte(b'"')
            self.put_value(value, True)
            self.put_byte(b'"')
        else:
            self.put_value(value, nested)
        self.put_byte(b",")
        return 0

    cdef int put_value(self, object value, bint nested) except -1:
        cdef Shape shape
        cdef Py_ssize_t i
        # The margin is whole for each value: an empty text asks for no more, and many may follow one another.
        self.reserve(0)
        kind = type(value)
        if kind is str:
            return self.put_text(<str>value, nested)
        if value is None:
            return self.put(b"null")
        if kind is int:
            return self.put_number(value, nested)
        if kind is list:
            return self.put_list(<list>value, nested)
        if kind is bool:
            return self.put(b"true" if value is True else b"false")
        if kind is bytes:
            return self.put_json(<bytes>value, nested)
        if kind is dict and not <dict>value:
            return self.put(b"{}")
        for i in range(len(self.written)):
            shape = <Shape>self.written[i]
            if kind is shape.kind:
                return self.put_struct(value, shape, nested)
        return self.put_json(<bytes?>self.encode_other(value), nested)

    cdef int put_struct(self, object value, Shape shape, bint nested) except -1:
        cdef Py_ssize_t i
        cdef const Field* field
        self.put_part(&shape.nested if nested else &shape.plain)
        for i in range(shape.count):
            field = &shape.fields[i]
            inner = tz_field(<object>field.descriptor, value)
            if inner is not None or not field.omits_none:
                self.put_field(field, inner, nested)
        return self.close_with(b"}")

    cdef int put_list(self, list values, bint nested) except -1:
        self.put(b"[")
        for value in values:
            self.put_value(value, nested)
            self.put_byte(b",")
        return self.close_with(b"]")

    cdef int close_with(self, char bracket) except -1:
        """Put a bracket in the place of the last comma; where there are no members, there is none."""
        if self.start[self.size - 1] == b",":
            self.size -= 1
        self.put_byte(bracket)
        return self.reserve(0)

    cdef int put_text(self, str text, bint nested) except -1:
        cdef Py_ssize_t size
        cdef const uint8_t* source = <const uint8_t*>tz_utf8(text, &size)
        if nested:
            self.put_byte(b"\\")
        self.put_byte(b'"')
        self.escape(source, size, nested)
        if nested:
            self.put_byte(b"\\")
        self.put_byte(b'"')
        return 0

    cdef int put_number(self, object value, bint nested) except -1:
        cdef uint8_t digits[20]
        cdef int overflow, at = 20
        cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow or number < 0:
            return self.put_json(<bytes?>self.encode_other(value), nested)
        while True:
            at -= 1
            digits[at] = <uint8_t>(48 + number % 10)
            number //= 10
            if number == 0:
                return self.put_bytes(&digits[at], 20 - at)

    cdef int put_json(self, bytes encoded, bint nested) except -1:
        if nested:
            return self.escape(<const uint8_t*>PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded), False)
        return self.put(encoded)

    cdef int escape(self, const uint8_t* text, size_t size, bint twice) except -1:
        cdef size_t part
        while size > 0:
            part = size if size < <size_t>PIECE else <size_t>PIECE
            self.reserve(WORST * part + BLOCK)
            self.size = tz_escape(self.start + self.size, text, part, twice) - self.start
            text += part
            size -= part
        return 0

    cdef inline int put_part(self, const Part* part) except -1:
        self.reserve(part.size + MOVE)
        memcpy(self.start + self.size, part.text, MOVE)
        if part.size > MOVE:
            memcpy(self.start + self.size + MOVE, part.text + MOVE, part.size - MOVE)
        self.size += part.size
        return 0

    cdef inline int put(self, bytes text) except -1:
        return self.put_bytes(<const uint8_t*>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))

    cdef inline int put_bytes(self, const uint8_t* text, size_t size) except -1:
        self.reserve(size)
        memcpy(self.start + self.size, text, size)
        self.size += size
        return 0

    cdef inline void put_byte(self, char byte) noexcept:
        # Within the margin: quotation marks, a bracket and a comma at most, from one value to the next.
        self.start[self.size] = <uint8_t>byte
        self.size += 1

    cdef inline int reserve(self, size_t more) except -1:
        """Make room for so many bytes and the margin."""
        if self.size + more + MARGIN > self.room:
            return self.grow(more + MARGIN)
        return 0

    cdef int grow(self, size_t more) except -1:
        cdef size_t room = max(self.size + more, 2 * self.room, <size_t>FIRST_ROOM)
        cdef uint8_t* start = <uint8_t*>PyMem_Realloc(self.start, room)
        if start == NULL:
            raise MemoryError
        self.start, self.room = start, room
        return 0
