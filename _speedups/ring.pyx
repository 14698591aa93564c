# cython: language_level=3, boundscheck=True
"""A lock-free byte ring in a shared file: one producer, one consumer, two processes. Hot where it appends.

Owns the bytes of a ring file (`tzproxy/recording/README.md` draws them): header, records, counters, checksum.
Must not: open, create, lock or rename files (`tzproxy.recording.rings` does), know what a row means, make a
system call while appending. What a producer has published stays in the file when either process is killed.
"""

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from tzproxy.errors import StoreError

tz_crc_prepare(1)

MAGIC = b"TZRING\r\n"
VERSION = 1
TABLES = 32
HEADER_BYTES = 4096
NO_ROOM = -1
TOO_LONG = -2
LONGEST_BYTES = 4 * 1024 * 1024

cdef uint64_t LONGEST = LONGEST_BYTES

class RingCorruptError(StoreError):
    """The bytes of a ring contradict themselves; `position` says where reading stopped."""

    code = "ring_corrupt"

    def __init__(self, message, position):
        super().__init__(message)
        self.position = position


def crc32c(const uint8_t[::1] data not None, uint32_t crc=0):
    """Return the CRC-32C of `data`, going on from `crc`."""
    if data.shape[0] == 0:
        return crc
    return <uint32_t>(~tz_crc_update(~crc, &data[0], data.shape[0]))


def use_crc_tables(bint tables):
    """Choose the portable checksum instead of the processor's (for tests: both must agree)."""
    tz_crc_prepare(0 if tables else 1)


def build_header(bytes ring_id not None, bytes boot_id not None, uint64_t capacity):
    """Return the header page of an empty ring."""
    if len(ring_id) != 16 or len(boot_id) != 16 or capacity < 64 or capacity % CURSOR_ALIGN:
        raise ValueError("a ring has 16-byte ids and a capacity of at least 64 bytes, a multiple of 8")
    head = MAGIC + VERSION.to_bytes(4, "little") + HEADER_BYTES.to_bytes(4, "little") + ring_id
    head += int(capacity).to_bytes(8, "little") + bytes(8) + boot_id
    return head + bytes(HEADER_BYTES - len(head))


cdef class RingView:
    """What both sides share: mapping, cursors and counters. Needs no more than the header page."""

    cdef Py_buffer view
    cdef uint8_t* base
    cdef uint8_t* data
    cdef readonly uint64_t capacity
    cdef readonly bytes ring_id
    cdef readonly bytes boot_id

    def __cinit__(self, memory):
        self.base = NULL
        PyObject_GetBuffer(memory, &self.view, PyBUF_WRITABLE)
        self.base = <uint8_t*>self.view.buf
        head = bytes((<uint8_t*>self.base)[:64]) if self.view.len >= HEADER else b""
        if head[:16] != MAGIC + VERSION.to_bytes(4, "little") + HEADER_BYTES.to_bytes(4, "little"):
            raise RingCorruptError("not a ring file of this version", 0)
        self.capacity = tz_load_relaxed(self.word(AT_CAPACITY))
        if self.capacity < 64 or self.capacity % CURSOR_ALIGN or (
            self.view.len != HEADER and self.view.len != <Py_ssize_t>(HEADER + self.capacity)
        ):
            raise RingCorruptError("the ring file's size does not fit its capacity", 0)
        self.data = self.base + HEADER
        self.ring_id, self.boot_id = head[16:32], head[48:64]
        self.check_cursors()

    cdef int check_whole(self) except -1:
        if self.view.len == HEADER:
            raise RingCorruptError("the ring file is shorter than its header says", 0)
        return 0

    def __dealloc__(self):
        self.release()

    cdef void release(self):
        if self.base != NULL:
            self.base = NULL
            PyBuffer_Release(&self.view)

    def close(self):
        """Let go of the mapping; every later call raises ValueError."""
        self.release()

    cdef inline uint64_t* word(self, int offset) noexcept nogil:
        return <uint64_t*>(self.base + offset)

    cdef int check_open(self) except -1:
        if self.base == NULL:
            raise ValueError("the ring is closed")
        return 0

    cdef int check_cursors(self) except -1:
        # Both sides may move on meanwhile: each bound is compared with a value read on its safe side.
        cdef uint64_t acked = tz_load_acquire(self.word(AT_ACKED))
        cdef uint64_t published = self.cursor
        cdef uint64_t later = tz_load_acquire(self.word(AT_ACKED))
        if acked > published or acked % CURSOR_ALIGN or published > later + self.capacity:
            raise RingCorruptError(f"cursors contradict: written {published}, acknowledged {acked}", acked)
        return 0

    @property
    def cursor(self):
        """End of the last published record (a byte offset that only grows)."""
        self.check_open()
        return tz_load_acquire(self.word(AT_PUBLISHED)) & ~<uint64_t>(CURSOR_ALIGN - 1)

    @property
    def acked(self):
        """Everything before is safe elsewhere; its bytes may be overwritten."""
        self.check_open()
        return tz_load_acquire(self.word(AT_ACKED))

    @property
    def stored(self):
        """Everything before has been stored (or refused by the store and set aside)."""
        self.check_open()
        return tz_load_acquire(self.word(AT_STORED))

    @property
    def heartbeat_ns(self):
        """When the consumer last said that it lives (its monotonic clock), 0 if never."""
        self.check_open()
        return tz_load_acquire(self.word(AT_HEARTBEAT))

    def accepted(self):
        """Return (cursor, records, rows per table) as they were at one moment."""
        cdef uint64_t before, after
        cdef uint64_t[COUNT_WORDS] copy
        cdef int attempt, i
        self.check_open()
        for attempt in range(100000):
            before = tz_load_acquire(self.word(AT_PUBLISHED))
            for i in range(COUNT_WORDS):
                copy[i] = tz_load_relaxed(self.word(AT_SLOTS) + (before & SLOT_BIT) * SLOT_WORDS + i)
            tz_fence_acquire()
            after = tz_load_relaxed(self.word(AT_PUBLISHED))
            if before == after:
                break
        rows = tuple([copy[2 + i] for i in range(TABLE_COUNT)])
        return before & ~<uint64_t>(CURSOR_ALIGN - 1), copy[0], rows

    def accepted_rows(self):
        """Return how many rows of all tables were ever accepted (cheap, for polling)."""
        self.check_open()
        cdef uint64_t published = tz_load_acquire(self.word(AT_PUBLISHED))
        return tz_load_relaxed(self.word(AT_SLOTS) + (published & SLOT_BIT) * SLOT_WORDS + 1)

    def refused(self):
        """Return (records, rows per table) that found no room and were dropped."""
        cdef int i
        self.check_open()
        cdef uint64_t* words = self.word(AT_REFUSED)
        return tz_load_relaxed(words), tuple([tz_load_relaxed(words + 2 + i) for i in range(TABLE_COUNT)])


cdef class RingProducer(RingView):
    """The writing side. At most one may exist per ring (`tzproxy.recording.rings` holds a lock for it)."""

    cdef uint64_t position
    cdef uint64_t slot
    cdef uint64_t acked_seen

    def __init__(self, memory):
        self.check_whole()
        cdef uint64_t published = tz_load_acquire(self.word(AT_PUBLISHED))
        self.position = published & ~<uint64_t>(CURSOR_ALIGN - 1)
        self.slot = published & SLOT_BIT
        self.acked_seen = tz_load_acquire(self.word(AT_ACKED))

    def append(self, rows not None):
        """Copy the rows of one inference into the ring as one record.

        Shape: a list or tuple of (table id, line as bytes).
        Returns the position after the record, 0 if `rows` is empty, `NO_ROOM` if there was none (then they
        are counted as refused), `TOO_LONG` for a record above half the capacity or `LONGEST_BYTES` (not counted).
        A line feed inside a row becomes a space, which JSON cannot tell apart.
        """
        cdef uint64_t at, tail, total, need = 0
        cdef Py_ssize_t i, count
        cdef long table
        if self.base == NULL:
            raise ValueError("the ring is closed")
        if type(rows) is not list:
            rows = list(rows)
        count = len(<list>rows)
        if count == 0:
            return 0
        for i in range(count):
            pair = (<list>rows)[i]
            table = (<tuple?>pair)[0]
            if table < 0 or table >= TABLE_COUNT:
                raise ValueError(f"no such table id: {table}")
            need += ROW_HEAD + PyBytes_GET_SIZE(<bytes?>(<tuple>pair)[1])
        total = (RECORD_HEAD + need + CURSOR_ALIGN - 1) & ~<uint64_t>(CURSOR_ALIGN - 1)
        # Half the capacity finds room in an empty ring wherever the cursor stands; of the longest, several do.
        if total > self.capacity // 2 or total > LONGEST:
            return TOO_LONG
        at = self.position
        tail = self.capacity - at % self.capacity
        if total > tail:
            at += tail
        if at + total - self.acked_seen > self.capacity:
            self.acked_seen = tz_load_acquire(self.word(AT_ACKED))
            if at + total - self.acked_seen > self.capacity:
                return self.refuse(<list>rows)
        if at != self.position:
            self.write_skip()
        self.write_record(at, <uint32_t>need, <list>rows)
        self.publish(at + total, <list>rows)
        return self.position

    cdef void write_skip(self) noexcept:
        cdef uint8_t* marker = self.data + self.position % self.capacity
        cdef uint32_t crc = checksum(self.position, 0, NULL, 0), skip = SKIP
        memcpy(marker, &skip, 4)
        memcpy(marker + 4, &crc, 4)

    cdef void write_record(self, uint64_t at, uint32_t size, list rows) noexcept:
        cdef uint8_t* record = self.data + at % self.capacity
        cdef uint64_t sequence = self.counts(self.slot)[0] + 1
        cdef uint32_t crc = ~copy_rows(record + RECORD_HEAD, rows, checksum_seed(at, sequence, size))
        memcpy(record, &size, 4)
        memcpy(record + 4, &crc, 4)
        memcpy(record + 8, &sequence, 8)

    cdef void publish(self, uint64_t end, list rows) noexcept:
        cdef uint64_t other = self.slot ^ SLOT_BIT
        cdef uint64_t* counts = self.counts(other)
        cdef int i
        # There are two sets of counters, chosen by the lowest bit of the cursor: one store publishes the
        # record and its counts together, and a producer killed before it leaves neither.
        for i in range(COUNT_WORDS):
            tz_store_relaxed(counts + i, tz_load_relaxed(self.counts(self.slot) + i))
        add_counts(counts, rows)
        self.slot = other
        self.position = end
        tz_store_release(self.word(AT_PUBLISHED), self.position | other)

    cdef inline uint64_t* counts(self, uint64_t slot) noexcept:
        return self.word(AT_SLOTS) + slot * SLOT_WORDS

    def refuse(self, rows not None):
        """Count rows as refused; return `NO_ROOM`."""
        self.check_open()
        add_counts(self.word(AT_REFUSED), list(rows))
        return NO_ROOM


cdef class RingConsumer(RingView):
    """The reading side. At most one may exist per ring (the recorder holds a lock for it)."""

    def __init__(self, memory):
        self.check_whole()

    def peek(self, uint64_t start, uint64_t limit, uint64_t max_bytes, uint64_t max_rows):
        """Read whole records from `start` (at most up to `limit`, 0 = all) without moving any cursor.

        Returns (end, rows, {table id: (rows, lines joined by line feeds)}): at least one record if there is
        one, further ones while `max_bytes` and `max_rows` are kept.
        Raises: RingCorruptError if the record at `start` is damaged (those before one are returned).
        """
        cdef uint64_t end, at, position = start, payload = 0, rows = 0
        cdef uint64_t[TABLE_COUNT] sizes, counts, row_sizes, row_counts
        cdef uint64_t step, record_rows, record_bytes
        cdef int i
        end = min(self.cursor, limit) if limit else self.cursor
        memset(sizes, 0, sizeof(sizes))
        memset(counts, 0, sizeof(counts))
        at = position
        while at < end:
            step = self.scan(at, end, row_sizes, row_counts)
            if step == 0:
                if rows:
                    break
                raise RingCorruptError(f"damaged record at position {at}", position)
            at += step
            record_rows = record_bytes = 0
            for i in range(TABLE_COUNT):
                record_rows += row_counts[i]
                record_bytes += row_sizes[i]
            if rows and (rows + record_rows > max_rows or payload + record_bytes > max_bytes):
                break
            if record_rows == 0:
                continue
            for i in range(TABLE_COUNT):
                sizes[i] += row_sizes[i]
                counts[i] += row_counts[i]
            rows += record_rows
            payload += record_bytes
            position = at
        return position, rows, self.gather(start, position, sizes, counts)

    cdef uint64_t scan(self, uint64_t position, uint64_t end, uint64_t* sizes, uint64_t* counts) noexcept:
        """Check the record at `position`, add up its rows; return its size in the ring, 0 if damaged."""
        cdef uint64_t tail = self.capacity - position % self.capacity
        cdef uint8_t* record = self.data + position % self.capacity
        cdef uint32_t size, crc, length
        cdef uint64_t sequence, total, at = 0
        memset(sizes, 0, TABLE_COUNT * 8)
        memset(counts, 0, TABLE_COUNT * 8)
        if position % CURSOR_ALIGN:
            return 0
        memcpy(&size, record, 4)
        memcpy(&crc, record + 4, 4)
        if size == SKIP:
            return tail if crc == checksum(position, 0, NULL, 0) and position + tail <= end else 0
        total = (RECORD_HEAD + <uint64_t>size + CURSOR_ALIGN - 1) & ~<uint64_t>(CURSOR_ALIGN - 1)
        if total > tail or position + total > end:
            return 0
        memcpy(&sequence, record + 8, 8)
        if crc != checksum(position, sequence, record + RECORD_HEAD, size):
            return 0
        while at < size:
            memcpy(&length, record + RECORD_HEAD + at + 1, 4)
            if record[RECORD_HEAD + at] >= TABLE_COUNT or at + ROW_HEAD + length > size:
                return 0
            sizes[record[RECORD_HEAD + at]] += length
            counts[record[RECORD_HEAD + at]] += 1
            at += ROW_HEAD + length
        return total

    cdef dict gather(self, uint64_t position, uint64_t end, uint64_t* sizes, uint64_t* counts):
        """Copy the rows of the checked range, table by table, each line once."""
        cdef uint8_t* targets[TABLE_COUNT]
        cdef bint[TABLE_COUNT] started
        cdef dict out = {}
        cdef bytes lines
        cdef uint32_t size, length
        cdef uint64_t at
        cdef int i
        for i in range(TABLE_COUNT):
            if counts[i]:
                lines = PyBytes_FromStringAndSize(NULL, sizes[i] + counts[i] - 1)
                targets[i] = <uint8_t*>PyBytes_AS_STRING(lines)
                started[i] = False
                out[i] = (counts[i], lines)
        while position < end:
            record = self.data + position % self.capacity
            memcpy(&size, record, 4)
            if size == SKIP:
                position += self.capacity - position % self.capacity
                continue
            at = 0
            while at < size:
                i = record[RECORD_HEAD + at]
                memcpy(&length, record + RECORD_HEAD + at + 1, 4)
                if started[i]:
                    targets[i][0] = 10
                    targets[i] += 1
                started[i] = True
                memcpy(targets[i], record + RECORD_HEAD + at + ROW_HEAD, length)
                targets[i] += length
                at += ROW_HEAD + length
            position += (RECORD_HEAD + <uint64_t>size + CURSOR_ALIGN - 1) & ~<uint64_t>(CURSOR_ALIGN - 1)
        return out

    def raw(self, uint64_t start, uint64_t end):
        """Return the ring's bytes of a range that holds a damaged record, for the rejected folder."""
        cdef uint64_t first = start % self.capacity, size = min(end - start, self.capacity)
        self.check_open()
        return bytes((self.data + first)[:min(size, self.capacity - first)]) + bytes(
            self.data[:size - min(size, self.capacity - first)]
        )

    def ack(self, uint64_t position):
        """Give the room before `position` back to the producer. Going backwards is ignored."""
        self.check_open()
        if position > self.cursor:
            raise ValueError("cannot acknowledge what was never written")
        if position > tz_load_relaxed(self.word(AT_ACKED)):
            tz_store_release(self.word(AT_ACKED), position)

    def mark_stored(self, uint64_t position):
        """Say that everything before `position` is stored. Going backwards is ignored."""
        self.check_open()
        if position > tz_load_relaxed(self.word(AT_STORED)):
            tz_store_release(self.word(AT_STORED), position)

    def beat(self, uint64_t now_ns):
        """Leave a sign of life."""
        self.check_open()
        tz_store_release(self.word(AT_HEARTBEAT), now_ns)
