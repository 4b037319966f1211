/* What the host program lends, with the defaults filled in. */

#ifndef FREEHOLD_BASE_HOST_H
#define FREEHOLD_BASE_HOST_H

#include <freehold/host.h>

#include <stdint.h>

/* NULL becomes the C library's allocator. INVALID when a callback is missing. */
fh_result fhi_host_memory_resolve(const fh_host_memory *memory, fh_host_memory *out_memory);

/* NULL becomes the system's clock. INVALID when the callback is missing. */
fh_result fhi_clock_resolve(const fh_clock *clock, fh_clock *out_clock);

/* NULL becomes a log whose `write` is NULL: silence. INVALID when the callback is missing. */
fh_result fhi_log_resolve(const fh_log *log, fh_log *out_log);

/* `count` * `size` bytes, count and size > 0, or NULL, also when the product overflows. */
void *fhi_host_alloc(const fh_host_memory *memory, size_t count, size_t size, size_t alignment);

/* NULL is a no-op; the other arguments as they were at fhi_host_alloc(). */
void fhi_host_free(const fh_host_memory *memory, void *pointer, size_t count, size_t size,
                   size_t alignment);

/* printf to the log, one line, cut at 255 bytes. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void fhi_log(const fh_log *log, fh_log_level level, const char *format, ...);

/* A number that differs from call to call, so that handles of one object mean nothing to another.
 * Not for secrets. `object` is the address of what is salted. */
uint64_t fhi_salt(const void *object);

#endif
