/* Besides what is no UTF-8, this takes out what acts on a terminal or on the text around it:
 * control characters of ASCII and of Latin-1 (U+0080 to U+009F), line and paragraph separators, and
 * those that turn the direction of writing. JSON and HTML have quoting of their own, where they are
 * written. */

#include "sandbox/box.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* The character at `text`, of `length` > 1 bytes, which is well-formed. */
static uint32_t code_of(const unsigned char *text, size_t length)
{
    uint32_t code = text[0] & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        code = (code << 6) | (text[i] & 0x3FU);
    }
    return code;
}

static bool acts(uint32_t code)
{
    return code < 0xA0 || code == 0x61C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xFEFF;
}

size_t fhi_clean_text(char *out, size_t capacity, const char *text, size_t size, bool lines)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t length = 0;
    if (capacity == 0) {
        return 0;
    }
    for (size_t i = 0; i < size;) {
        uint32_t code = from[i];
        size_t read = 1;
        bool clean = (code >= 0x20 && code < 0x7F) || (lines && code == '\n');
        if (code >= 0x80) {
            read = fhi_utf8_length(text + i, size - i);
            clean = read > 0 && !acts(code_of(from + i, read));
            read = read > 0 ? read : 1;
        }
        size_t written = clean ? read : 1;
        if (length + written >= capacity) {
            break;
        }
        memcpy(out + length, clean ? text + i : "?", written);
        length += written;
        i += read;
    }
    out[length] = '\0';
    return length;
}
