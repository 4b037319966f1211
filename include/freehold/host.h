/* The host: what the program around Freehold lends it. Host memory for bookkeeping, a log for what
 * nobody asked but somebody should know, and a sink for text. The first two are structs of plain
 * callbacks with a context, and optional: NULL in a descriptor means the default said there. The
 * sink is one function, and required where text is written. */

#ifndef FREEHOLD_HOST_H
#define FREEHOLD_HOST_H

#include <freehold/result.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where bookkeeping lives. Copied by whoever takes a pointer to one; `context` is borrowed until
 * that object is destroyed. Callbacks come on the calling thread, with no lock of Freehold's held,
 * and must not call the object that called them. Default: the C library's allocator. */
typedef struct fh_host_memory {
    /* `size` bytes (> 0) at a multiple of `alignment` (a power of two, 64 at most), or NULL. */
    void *(*alloc)(void *context, size_t size, size_t alignment);
    /* Takes back what alloc gave; `size` and `alignment` as they were asked for. Never NULL. */
    void (*free)(void *context, void *memory, size_t size, size_t alignment);
    void *context;
} fh_host_memory;

typedef enum fh_log_level {
    FH_LOG_INFO = 0,
    FH_LOG_WARNING,
    FH_LOG_ERROR
} fh_log_level;

/* Where remarks go. Copied like fh_host_memory, with the same rules. Default: silence. */
typedef struct fh_log {
    /* `message` is one line without an end-of-line, borrowed for the call. */
    void (*write)(void *context, fh_log_level level, const char *message);
    void *context;
} fh_log;

/* What time it is. Copied like fh_host_memory; called from any thread, never with a lock held, and
 * must not run backwards. Default: the system's monotonic clock. */
typedef struct fh_clock {
    uint64_t (*now_ns)(void *context); /* nanoseconds since some moment */
    void *context;
} fh_clock;

/* Takes the next `length` bytes of a text (no terminating zero). Anything but FH_OK ends the
 * writing, and is what the call that writes returns. */
typedef fh_result (*fh_write_fn)(void *context, const char *text, size_t length);

/**
 * A ready fh_write_fn whose context is a `FILE *`. The stream may hold text back: what it cannot
 * write then (a full disk) shows at the caller's fflush() or fclose(), which is to be checked.
 *
 * Errors:  INVALID (`file` is NULL), IO (the stream refused: the disk is full, the pipe is closed).
 * Threads: as the stream.
 */
FH_API fh_result fh_write_file(void *file, const char *text, size_t length);

#ifdef __cplusplus
}
#endif

#endif
