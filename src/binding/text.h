/* Text that the core writes, for Lua: measured, then written, since its length is not known before
 * and a string cannot grow while the core writes. */

#ifndef BINDING_TEXT_H
#define BINDING_TEXT_H

#include <freehold/host.h>

/* Takes as much text as it has room for, and counts all of it. */
typedef struct fhi_text {
    char *data;
    size_t length, capacity;
} fhi_text;

/* The fh_write_fn whose context is a fhi_text. */
fh_result fhi_text_add(void *text, const char *bytes, size_t length);

#endif
