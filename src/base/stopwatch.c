#include "base/stopwatch.h"

enum {
    SHIFT = 24,
    LONG_NS = 1000 * 1000 /* what a first measure should take */
};

void fhi_stopwatch_init(fhi_stopwatch *stopwatch)
{
    stopwatch->began_ns = fhi_now_ns();
    stopwatch->began_count = fhi_stopwatch_count();
    atomic_store(&stopwatch->scale, UINT64_C(1) << SHIFT);
}

void fhi_stopwatch_set(fhi_stopwatch *stopwatch)
{
    uint64_t ns = fhi_now_ns() - stopwatch->began_ns;
    uint64_t count = fhi_stopwatch_count() - stopwatch->began_count;
    /* After some seconds it is good enough, and the shift would overflow. */
    if (ns < LONG_NS || ns > UINT32_MAX || count == 0) {
        return;
    }
    atomic_store_explicit(&stopwatch->scale, (ns << SHIFT) / count, memory_order_relaxed);
}
