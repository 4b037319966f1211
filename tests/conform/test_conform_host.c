/* The conformance suite on the host backend: all its profiles, and one of no coherent memory at all
 * whose copies take their time. */

#include "conform.h"

#include <freehold/simulated.h>

#include <stdio.h>

static const fh_profile late = {
    .name = "late",
    .heap_count = 2,
    .heaps = {{UINT64_C(1) << 30, true}, {UINT64_C(1) << 30, false}},
    .type_count = 3,
    .types = {{0, FH_MEMORY_DEVICE_LOCAL},
              {1, FH_MEMORY_HOST_VISIBLE},
              {1, FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_CACHED}},
    .queue_count = 4,
    .granularity = 65536,
    .atom = 256,
    .buffer_alignment = 256,
    .copy_latency_ns = 100000,
};

int main(void)
{
    const fh_backend_ops *host = fh_backend_find("host");
    int failed = 0;

    for (uint32_t i = 0; fh_profile_at(i); i++) {
        failed += conform_run(&(conform_target){fh_profile_at(i)->name, host, NULL, i});
    }
    fh_simulated_desc custom = {.profile = &late};
    failed += conform_run(&(conform_target){late.name, host, &custom, 0});
    return failed;
}
