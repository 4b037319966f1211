/* Defaults for what the host program may lend (host memory, log, clock), and the text sink for a
 * FILE. */

#include "base/host.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(_WIN32)
#include <malloc.h>
#include <windows.h>
#endif

static void *default_alloc(void *context, size_t size, size_t alignment)
{
    (void)context;
#if defined(_WIN32)
    return _aligned_malloc(size, alignment);
#else
    if (alignment <= _Alignof(max_align_t)) {
        return malloc(size);
    }
    size_t whole = (size + (alignment - 1)) & ~(alignment - 1); /* C11 wants a multiple */
    return whole < size ? NULL : aligned_alloc(alignment, whole);
#endif
}

static void default_free(void *context, void *memory, size_t size, size_t alignment)
{
    (void)context;
    (void)size;
    (void)alignment;
#if defined(_WIN32)
    _aligned_free(memory);
#else
    free(memory);
#endif
}

fh_result fhi_host_memory_resolve(const fh_host_memory *memory, fh_host_memory *out_memory)
{
    *out_memory = (fh_host_memory){.alloc = default_alloc, .free = default_free};
    if (!memory) {
        return FH_OK;
    }
    if (!memory->alloc || !memory->free) {
        return fhi_fail(FH_ERR_INVALID, "memory: both callbacks, alloc and free, are required");
    }
    *out_memory = *memory;
    return FH_OK;
}

static uint64_t system_now_ns(void *context)
{
    (void)context;
    return fhi_now_ns();
}

fh_result fhi_clock_resolve(const fh_clock *clock, fh_clock *out_clock)
{
    *out_clock = (fh_clock){.now_ns = system_now_ns};
    if (!clock) {
        return FH_OK;
    }
    if (!clock->now_ns) {
        return fhi_fail(FH_ERR_INVALID, "clock: the callback now_ns is required");
    }
    *out_clock = *clock;
    return FH_OK;
}

fh_result fhi_log_resolve(const fh_log *log, fh_log *out_log)
{
    *out_log = (fh_log){.write = NULL};
    if (!log) {
        return FH_OK;
    }
    if (!log->write) {
        return fhi_fail(FH_ERR_INVALID, "log: the callback write is required");
    }
    *out_log = *log;
    return FH_OK;
}

void *fhi_host_alloc(const fh_host_memory *memory, size_t count, size_t size, size_t alignment)
{
    if (count > SIZE_MAX / size) {
        return NULL;
    }
    return memory->alloc(memory->context, count * size, alignment);
}

void fhi_host_free(const fh_host_memory *memory, void *pointer, size_t count, size_t size,
                   size_t alignment)
{
    if (pointer) {
        memory->free(memory->context, pointer, count * size, alignment);
    }
}

void fhi_log(const fh_log *log, fh_log_level level, const char *format, ...)
{
    char line[256];
    va_list arguments;

    if (!log->write) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log->write(log->context, level, line);
}

/* Some count that moves all the time; what it counts does not matter. */
static uint64_t ticks(void)
{
#if defined(_WIN32)
    LARGE_INTEGER count;
    QueryPerformanceCounter(&count);
    return (uint64_t)count.QuadPart;
#else
    struct timespec now = {0};
    timespec_get(&now, TIME_UTC);
    return ((uint64_t)now.tv_sec << 30) + (uint64_t)now.tv_nsec;
#endif
}

uint64_t fhi_salt(const void *object)
{
    uint64_t mix = (uint64_t)(uintptr_t)object + ticks() * UINT64_C(0x9e3779b97f4a7c15);
    /* Source: the finaliser of splitmix64 (Steele, Lea, Flood 2014). */
    mix = (mix ^ (mix >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mix = (mix ^ (mix >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mix ^ (mix >> 31);
}

fh_result fh_write_file(void *file, const char *text, size_t length)
{
    if (!file) {
        return fhi_fail(FH_ERR_INVALID, "file: must be a FILE *, not NULL");
    }
    if (fwrite(text, 1, length, (FILE *)file) != length) {
        return fhi_fail_with(FH_ERR_IO, "the stream did not take {} bytes", length, 0, 0);
    }
    return FH_OK;
}
