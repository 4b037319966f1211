/* A bad byte is replaced by one byte, not by U+FFFD's three: no text ever grows, and room that was
 * enough stays so. */

#include "base/utf8.h"

/* Source: the Unicode standard, table 3-7, "Well-Formed UTF-8 Byte Sequences". */
size_t fhi_utf8_length(const char *at, size_t left)
{
    const unsigned char *byte = (const unsigned char *)at;
    unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
    size_t length = 2;

    if (byte[0] < 0x80) {
        return 1;
    }
    if (byte[0] < 0xc2 || byte[0] > 0xf4) {
        return 0;
    }
    if (byte[0] >= 0xf0) {
        length = 4;
        low = byte[0] == 0xf0 ? 0x90 : low;
        high = byte[0] == 0xf4 ? 0x8f : high;
    } else if (byte[0] >= 0xe0) {
        length = 3;
        low = byte[0] == 0xe0 ? 0xa0 : low;
        high = byte[0] == 0xed ? 0x9f : high;
    }
    if (length > left || byte[1] < low || byte[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (byte[i] < 0x80 || byte[i] > 0xbf) {
            return 0;
        }
    }
    return length;
}

void fhi_utf8_clean(char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t length = text[at] == '\0' ? 0 : fhi_utf8_length(text + at, size - at);
        if (length == 0) {
            text[at] = '?';
            length = 1;
        }
        at += length;
    }
}
