/* Names are cut and cleaned here, and not where they are written: the C library's way to tell
 * characters apart hangs on a locale, and so does its decimal point. */

#include "device/text.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CHARACTER_MAX = 4 /* bytes of one; it ends at a zero byte at the latest */
};

void fhi_name_copy(char out_name[FH_NAME_SIZE], const char *name)
{
    size_t length = 0;

    memset(out_name, 0, FH_NAME_SIZE);
    if (!name) {
        return;
    }
    while (length < FH_NAME_SIZE - 1 && name[length]) {
        length++;
    }
    /* The byte at the cut continues a character: the whole of that goes. One has four bytes at
     * most; what goes on for longer is no UTF-8, and may as well be cut here. */
    size_t cut = length;
    while (cut > 0 && length - cut < 4 && ((unsigned char)name[cut] & 0xc0) == 0x80) {
        cut--;
    }
    if (length - cut < 4) {
        length = cut;
    }
    memcpy(out_name, name, length);
}

static void clean(char *text, bool controls)
{
    while (*text) {
        unsigned char first = (unsigned char)*text;
        size_t length = fhi_utf8_length(text, CHARACTER_MAX);
        if (length == 0 || (controls && (first < 0x20 || first == 0x7f))) {
            *text = '?';
            length = 1;
        }
        text += length;
    }
}

void fhi_text_clean(char *text)
{
    clean(text, true);
}

void fhi_text_validate(char *text)
{
    clean(text, false);
}

fhi_name_text fhi_name_print(const char *name)
{
    fhi_name_text out;
    fhi_name_copy(out.text, name);
    fhi_text_clean(out.text);
    return out;
}

fhi_size_text fhi_size_print(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    fhi_size_text out;
    uint32_t unit = 0;

    if (bytes < 1024) {
        snprintf(out.text, sizeof out.text, "%" PRIu64 " B", bytes);
        return out;
    }
    while (unit < 5 && bytes >> (10 * (unit + 2)) != 0) {
        unit++;
    }
    uint32_t shift = 10 * (unit + 1);
    uint64_t rest = bytes & ((UINT64_C(1) << shift) - 1);
    if (rest == 0) {
        snprintf(out.text, sizeof out.text, "%" PRIu64 " %s", bytes >> shift, units[unit]);
    } else {
        snprintf(out.text, sizeof out.text, "%" PRIu64 ".%02" PRIu64 " %s", bytes >> shift,
                 ((rest >> (shift - 10)) * 100) >> 10, units[unit]);
    }
    return out;
}

const char *fhi_kind_name(uint32_t kind)
{
    static const char *const names[] = {
#define KIND_NAME(name, text) text,
        FH_KINDS(KIND_NAME)
#undef KIND_NAME
    };
    return kind < FH_KIND_COUNT ? names[kind] : "unknown";
}
