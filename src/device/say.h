/* Text that is said piece by piece: put together in a buffer of fixed size, passed on when that
 * is full. Allocates nothing. The first error of the sink sticks, and the rest is not written. */

#ifndef FREEHOLD_DEVICE_SAY_H
#define FREEHOLD_DEVICE_SAY_H

#include <freehold/host.h>

#include <stdint.h>

typedef struct fhi_text {
    fh_write_fn write;
    void *context;
    fh_result result; /* FH_OK, or the sink's first error */
    size_t length;
    char buffer[1024];
} fhi_text;

void fhi_text_init(fhi_text *text, fh_write_fn write, void *context);

/* Writes what is still buffered; returns the sink's first error. No lock held. */
fh_result fhi_text_finish(fhi_text *text);

/* As printf; 399 bytes at most. What is no UTF-8 becomes question marks; that no name ends its line
 * is the caller's to see to (fhi_name_print). No lock held. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void fhi_say(fhi_text *text, const char *format, ...);

/* "4 MiB (4194304 bytes)", "96 bytes" */
void fhi_say_size(fhi_text *text, uint64_t bytes);

/* Names of flags, with spaces between them, or `nothing`. */
typedef struct fhi_flag_name {
    uint32_t flag;
    const char *name;
} fhi_flag_name;

void fhi_say_flags(fhi_text *text, const fhi_flag_name *names, size_t count, uint32_t flags,
                   const char *nothing);

#endif
