/* UTF-8, one character at a time. The C library's way to tell characters apart hangs on a
 * locale. */

#ifndef FREEHOLD_BASE_UTF8_H
#define FREEHOLD_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character at `at`, of which `left` > 0 bytes may be read; 0: what stands
 * there is none. */
size_t fhi_utf8_length(const char *at, size_t left);

/* Each byte that is no part of a character becomes a question mark, and so does each zero byte:
 * what comes out may be followed by a zero and read as a C text. */
void fhi_utf8_clean(char *text, size_t size);

#endif
