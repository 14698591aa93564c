"""The C beneath the ring: ordered loads and stores between two processes, and CRC-32C."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

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
    __attribute__((target("sse4.2")))
    static uint32_t tz_crc_hardware(uint32_t crc, const uint8_t* bytes, size_t size) {
        uint64_t state = crc, word;
        for (; size >= 8; bytes += 8, size -= 8) {
            memcpy(&word, bytes, 8);
            state = __builtin_ia32_crc32di(state, word);
        }
        for (; size; bytes++, size--) state = __builtin_ia32_crc32qi((uint32_t)state, *bytes);
        return (uint32_t)state;
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
        if (hardware && __builtin_cpu_supports("sse4.2")) tz_crc_update = tz_crc_hardware;
    #endif
    }
    """
    uint64_t tz_load_acquire(const uint64_t* address) noexcept nogil
    void tz_store_release(uint64_t* address, uint64_t value) noexcept nogil
    uint64_t tz_load_relaxed(const uint64_t* address) noexcept nogil
    void tz_store_relaxed(uint64_t* address, uint64_t value) noexcept nogil
    void tz_fence_acquire() noexcept nogil
    void tz_crc_prepare(int hardware) noexcept nogil
    uint32_t tz_crc_update(uint32_t crc, const uint8_t* data, size_t size) noexcept nogil
