/* Texts of hostile scripts: as they are written down, and as they come out again. */

#include "hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t hostile_character(const unsigned char *text, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (text[0] < 0x80) {
        return 1;
    }
    size_t size = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4 || size > left) {
        return 0;
    }
    uint32_t code = text[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (text[i] & 0x3fU);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[size] || code > 0x10ffff || surrogate ? 0 : size;
}

enum {
    COPIES_MAX = 100000 /* of a line */
};

typedef struct text {
    char *out;
    size_t size;
    bool full;
} text;

static void put(text *t, const char *piece, size_t size)
{
    if (t->size + size > HOSTILE_TEXT_MAX) {
        t->full = true;
        return;
    }
    memcpy(t->out + t->size, piece, size);
    t->size += size;
}

/* A copy of `piece`, with its number for each '$'. */
static void put_copy(text *t, const char *piece, size_t size, unsigned long number)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lu", number);
    for (size_t i = 0; i < size; i++) {
        if (piece[i] == '$') {
            put(t, digits, (size_t)length);
        } else {
            put(t, piece + i, 1);
        }
    }
}

static void put_bytes(text *t, const char *piece, const char *end)
{
    while (piece < end && *piece != '\n') {
        char *behind;
        char byte = (char)(unsigned char)strtoul(piece, &behind, 16);
        if (behind == piece) {
            break;
        }
        put(t, &byte, 1);
        piece = behind;
    }
}

size_t hostile_expand(const char *source, size_t size, char *out_text)
{
    text t = {0};
    t.out = out_text;
    const char *end = source + size;
    while (source < end) {
        const char *stop = memchr(source, '\n', (size_t)(end - source));
        size_t length = (size_t)((stop != NULL ? stop + 1 : end) - source);
        bool is_line = length > 5 && source[0] == '-' && source[1] == '-' && source[3] == ' ' &&
                       (source[2] == '+' || source[2] == '*' || source[2] == '^');
        if (!is_line) {
            put(&t, source, length);
            source += length;
            continue;
        }
        char *piece;
        unsigned long count = strtoul(source + 4, &piece, 10) % COPIES_MAX;
        const char *line_end = source + length - (stop != NULL ? 1 : 0);
        piece += piece < line_end ? 1 : 0;
        for (unsigned long i = 1; i <= count && !t.full; i++) {
            if (source[2] == '^') {
                put_bytes(&t, piece, line_end);
                continue;
            }
            put_copy(&t, piece, (size_t)(line_end - piece), i);
            put(&t, " ", source[2] == '+' && i < count ? 1 : 0);
        }
        put(&t, "\n", 1);
        source += length;
    }
    return t.full ? 0 : t.size;
}
