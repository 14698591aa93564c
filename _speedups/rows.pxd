"""The ground under `rows.pyx`: texts escaped for JSON, a block of bytes at a time."""

from libc.stdint cimport uint8_t

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>

    #define TZ_BACKSLASH 0x5C
    #define TZ_LENGTH 7

    /* What is written for a byte, then how many bytes that are: an escape, or the byte itself.
       The second table is for a text within a text: what the first has, escaped again. */
    static uint8_t tz_escapes[2][256][8];

    static void tz_escapes_prepare(void) {
        static const char digits[] = "0123456789abcdef", names[] = "btn_fr";
        for (int byte = 0; byte < 256; byte++) {
            uint8_t* once = tz_escapes[0][byte];
            memset(once, 0, 8);
            once[0] = TZ_BACKSLASH;
            once[TZ_LENGTH] = 2;
            if (byte == '"' || byte == TZ_BACKSLASH) once[1] = (uint8_t)byte;
            else if (byte >= 8 && byte <= 13 && byte != 11) once[1] = (uint8_t)names[byte - 8];
            else if (byte < 32) {
                memcpy(once + 1, "u00", 3);
                once[4] = (uint8_t)digits[byte >> 4];
                once[5] = (uint8_t)digits[byte & 15];
                once[TZ_LENGTH] = 6;
            } else {
                once[0] = (uint8_t)byte;
                once[TZ_LENGTH] = 1;
            }
        }
        for (int byte = 0; byte < 256; byte++) {
            uint8_t* twice = tz_escapes[1][byte];
            uint8_t length = 0;
            for (int i = 0; i < tz_escapes[0][byte][TZ_LENGTH]; i++) {
                const uint8_t* again = tz_escapes[0][tz_escapes[0][byte][i]];
                memcpy(twice + length, again, again[TZ_LENGTH]);
                length += again[TZ_LENGTH];
            }
            twice[TZ_LENGTH] = length;
        }
    }

    #define TZ_BLOCK 16
    #define TZ_ALL(byte) {byte, byte, byte, byte, byte, byte, byte, byte, \\
                          byte, byte, byte, byte, byte, byte, byte, byte}
    typedef uint8_t tz_block __attribute__((vector_size(TZ_BLOCK)));

    /* Whether some of the next bytes must be escaped. */
    static inline int tz_block_has_escapes(const uint8_t* text) {
        static const tz_block space = TZ_ALL(' '), quote = TZ_ALL('"'), backslash = TZ_ALL(TZ_BACKSLASH);
        tz_block block;
        uint64_t halves[2];
        memcpy(&block, text, TZ_BLOCK);
        block = (tz_block)((block < space) | (block == quote) | (block == backslash));
        memcpy(halves, &block, TZ_BLOCK);
        return (halves[0] | halves[1]) != 0;
    }

    /* Writes `text` at `out`, returns the end. There must be room for 7 bytes for each, and a block more. */
    static uint8_t* tz_escape(uint8_t* out, const uint8_t* text, size_t size, int twice) {
        const uint8_t (*escapes)[8] = (const uint8_t (*)[8])tz_escapes[twice];
        const uint8_t* end = text + size;
        while (text < end) {
            const uint8_t* stop = end;
            if (end - text >= TZ_BLOCK) {
                stop = text + TZ_BLOCK;
                if (!tz_block_has_escapes(text)) {
                    memcpy(out, text, TZ_BLOCK);
                    out += TZ_BLOCK;
                    text = stop;
                    continue;
                }
            }
            /* PERF: byte by byte without a branch, since guessing where the next escape is goes wrong too often
               (test_encode_rows). */
            for (; text < stop; text++) {
                memcpy(out, escapes[*text], 8);
                out += escapes[*text][TZ_LENGTH];
            }
        }
        return out;
    }
    """
    void tz_escapes_prepare() noexcept nogil
    uint8_t* tz_escape(uint8_t* out, const uint8_t* text, size_t size, bint twice) noexcept nogil

cdef enum:
    # A text is escaped piece by piece, so that room for the worst case need not be kept for the whole of it.
    PIECE = 4096
    WORST = 7
    BLOCK = 16
