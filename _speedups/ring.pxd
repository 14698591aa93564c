"""The ground under `ring.pyx`: where things lie, ordered loads and stores, CRC-32C, copying of rows."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>

    #define tz_load_acquire(address) __atomic_load_n((address), __ATOMIC_ACQUIRE)
    #define tz_store_release(address, value) __atomic_store_n((address), (value), __ATOMIC_RELEASE)
    #define tz_load_relaxed(address) __atomic_load_n((address), __ATOMIC_RELAXED)
    #define tz_store_relaxed(address, value) __atomic_store_n((address), (value), __ATOMIC_RELAXED)
    #define tz_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)

    /* The length of a record that only fills the ring up to its end. */
    #define TZ_SKIP 0xFFFFFFFFu

    /* CRC-32C, polynomial 0x1EDC6F41 reflected (RFC 3720, appendix B.4). */
    static uint32_t tz_crc_table[8][256];
    static uint32_t (*tz_crc_update)(uint32_t, const uint8_t*, size_t);

    static uint32_t tz_crc_tables(uint32_t crc, const uint8_t* bytes, size_t size) {
        for (; size >= 8; bytes += 8, size -= 8) {
            uint32_t low = crc ^ ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8
                                  | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
            crc = tz_crc_table[7][low & 255] ^ tz_crc_table[6][low >> 8 & 255]
                ^ tz_crc_table[5][low >> 16 & 255] ^ tz_crc_table[4][low >> 24]
                ^ tz_crc_table[3][bytes[4]] ^ tz_crc_table[2][bytes[5]]
                ^ tz_crc_table[1][bytes[6]] ^ tz_crc_table[0][bytes[7]];
        }
        for (; size; bytes++, size--) crc = crc >> 8 ^ tz_crc_table[0][(crc ^ *bytes) & 255];
        return crc;
    }

    #if defined(__x86_64__)
    /* A lane's bytes; a step takes three lanes side by side, since the processor's instruction can start each
       cycle but takes three. PERF: 0.24 us less for a record of 5 kB (test_checksum_two_kilobytes). */
    #define TZ_LANE 256
    static uint32_t tz_crc_carry[4][256];

    /* The checksum after one more lane of zeros: linear, so each byte of `crc` has its own table. */
    static inline uint32_t tz_crc_carried(uint32_t crc) {
        return tz_crc_carry[0][crc & 255] ^ tz_crc_carry[1][crc >> 8 & 255]
             ^ tz_crc_carry[2][crc >> 16 & 255] ^ tz_crc_carry[3][crc >> 24];
    }

    static inline uint64_t tz_word_at(const uint8_t* bytes) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        return word;
    }

    __attribute__((target("sse4.2")))
    static uint32_t tz_crc_hardware(uint32_t crc, const uint8_t* bytes, size_t size) {
        uint64_t state = crc;
        for (; size >= 3 * TZ_LANE; bytes += 3 * TZ_LANE, size -= 3 * TZ_LANE) {
            uint64_t second = 0, third = 0;
            for (const uint8_t* word = bytes; word < bytes + TZ_LANE; word += 8) {
                state = __builtin_ia32_crc32di(state, tz_word_at(word));
                second = __builtin_ia32_crc32di(second, tz_word_at(word + TZ_LANE));
                third = __builtin_ia32_crc32di(third, tz_word_at(word + 2 * TZ_LANE));
            }
            second ^= tz_crc_carried((uint32_t)state);
            state = third ^ tz_crc_carried((uint32_t)second);
        }
        for (; size >= 8; bytes += 8, size -= 8) state = __builtin_ia32_crc32di(state, tz_word_at(bytes));
        for (; size; bytes++, size--) state = __builtin_ia32_crc32qi((uint32_t)state, *bytes);
        return (uint32_t)state;
    }

    static void tz_crc_prepare_lanes(void) {
        static const uint8_t zeros[TZ_LANE];
        for (int byte = 0; byte < 4; byte++)
            for (uint32_t value = 0; value < 256; value++)
                tz_crc_carry[byte][value] = tz_crc_hardware(value << 8 * byte, zeros, TZ_LANE);
    }
    #endif

    static void tz_crc_prepare(int hardware) {
        for (uint32_t value = 0; value < 256; value++) {
            uint32_t crc = value;
            for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
            tz_crc_table[0][value] = crc;
        }
        for (int row = 1; row < 8; row++)
            for (int value = 0; value < 256; value++) {
                uint32_t crc = tz_crc_table[row - 1][value];
                tz_crc_table[row][value] = crc >> 8 ^ tz_crc_table[0][crc & 255];
            }
        tz_crc_update = tz_crc_tables;
    #if defined(__x86_64__)
        if (hardware && __builtin_cpu_supports("sse4.2")) {
            tz_crc_prepare_lanes();
            tz_crc_update = tz_crc_hardware;
        }
    #endif
    }
    """
    const uint32_t SKIP "TZ_SKIP"
    uint64_t tz_load_acquire(const uint64_t* address) noexcept nogil
    void tz_store_release(uint64_t* address, uint64_t value) noexcept nogil
    uint64_t tz_load_relaxed(const uint64_t* address) noexcept nogil
    void tz_store_relaxed(uint64_t* address, uint64_t value) noexcept nogil
    void tz_fence_acquire() noexcept nogil
    void tz_crc_prepare(int hardware) noexcept nogil
    uint32_t tz_crc_update(uint32_t crc, const uint8_t* data, size_t size) noexcept nogil

cdef enum:
    TABLE_COUNT = 32
    HEADER = 4096
    # Byte offsets in the header. Producer and consumer never write to the same cache line (nor to the pair
    # of lines that the hardware fetches together).
    AT_CAPACITY = 32
    AT_PUBLISHED = 128
    AT_SLOTS = 256
    AT_REFUSED = 1024
    AT_ACKED = 2048
    AT_STORED = 2056
    AT_HEARTBEAT = 2176
    SLOT_WORDS = 48
    # Words of one slot: records, rows of all tables, rows of each table.
    COUNT_WORDS = 34
    RECORD_HEAD = 16
    ROW_HEAD = 5
    SLOT_BIT = 1
    CURSOR_ALIGN = 8


cdef inline uint32_t checksum_seed(uint64_t position, uint64_t sequence, uint32_t size) noexcept nogil:
    """The position takes part, so a record of an earlier lap at the same place never passes for a new one."""
    cdef uint64_t[2] seed
    seed[0] = position
    seed[1] = sequence
    return tz_crc_update(0xFFFFFFFFU ^ size, <const uint8_t*>seed, 16)


cdef inline uint32_t checksum(
    uint64_t position, uint64_t sequence, const uint8_t* data, uint32_t size
) noexcept nogil:
    return ~tz_crc_update(checksum_seed(position, sequence, size), data, size)


cdef inline uint32_t copy_rows(uint8_t* target, list rows, uint32_t crc) noexcept:
    """Copy rows, each with its head; return the checksum's state after them."""
    cdef Py_ssize_t i, size
    cdef uint32_t length
    cdef const uint8_t* line
    cdef uint8_t* feed
    for i in range(len(rows)):
        pair = <tuple>rows[i]
        line = <const uint8_t*>PyBytes_AS_STRING(<bytes>pair[1])
        size = PyBytes_GET_SIZE(<bytes>pair[1])
        length = <uint32_t>size
        target[0] = <uint8_t>(<long>pair[0])
        memcpy(target + 1, &length, 4)
        crc = tz_crc_update(crc, target, ROW_HEAD)
        target += ROW_HEAD
        memcpy(target, line, size)
        if memchr(line, 10, size) != NULL:
            feed = <uint8_t*>memchr(target, 10, size)
            while feed != NULL:
                feed[0] = 32
                feed = <uint8_t*>memchr(feed, 10, size - (feed - target))
            line = target
        # PERF: the line is at hand still, its copy may not be (test_sink_accept_to_file).
        crc = tz_crc_update(crc, line, size)
        target += size
    return crc


cdef inline void add_counts(uint64_t* counts, list rows) noexcept:
    cdef Py_ssize_t i
    cdef long table
    tz_store_relaxed(counts, counts[0] + 1)
    tz_store_relaxed(counts + 1, counts[1] + <uint64_t>len(rows))
    for i in range(len(rows)):
        table = (<tuple>rows[i])[0]
        tz_store_relaxed(counts + 2 + table, counts[2 + table] + 1)
