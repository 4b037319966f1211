/* Short times, measured for less than a look at the clock costs: by the processor's own counter,
 * where it has one that programs may read, and what that counts is found out by the clock, now and
 * then. For statistics; nothing is decided by them. */

#ifndef FREEHOLD_BASE_STOPWATCH_H
#define FREEHOLD_BASE_STOPWATCH_H

#include "base/clock.h"
#include "base/compiler.h"

#include <stdatomic.h>

typedef struct fhi_stopwatch {
    uint64_t began_ns, began_count;
    _Atomic uint64_t scale; /* nanoseconds for 2^24 counts */
} fhi_stopwatch;

FHI_HOT_INLINE uint64_t fhi_stopwatch_count(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__) && !defined(_WIN32)
    uint64_t count;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
#else
    return fhi_now_ns();
#endif
}

void fhi_stopwatch_init(fhi_stopwatch *stopwatch);

/* Compare counter and clock: the longer after init, the better. On one thread at a time. */
void fhi_stopwatch_set(fhi_stopwatch *stopwatch);

/* What passed since fhi_stopwatch_count() gave `count`; at most UINT32_MAX. */
FHI_HOT_INLINE uint32_t fhi_stopwatch_ns(const fhi_stopwatch *stopwatch, uint64_t count)
{
    uint64_t passed = fhi_stopwatch_count() - count;
    uint64_t scale = atomic_load_explicit(&stopwatch->scale, memory_order_relaxed);
    if (passed > UINT32_MAX) {
        passed = passed > INT64_MAX ? 0 : UINT32_MAX; /* below 0: another processor's counter */
    }
    uint64_t ns = (passed * scale) >> 24;
    return (uint32_t)(ns < UINT32_MAX ? ns : UINT32_MAX);
}

#endif
