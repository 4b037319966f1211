/* Arrays that grow, of plain items. What a trace holds is not known before it was read, and what a
 * replay keeps grows with it. */

#ifndef FREEHOLD_REPLAY_ARRAY_H
#define FREEHOLD_REPLAY_ARRAY_H

#include "base/host.h"

#include <stdbool.h>
#include <stdint.h>

/* A larger array with the `count` items of `items`, which is freed; *capacity is then its own.
 * NULL: no host memory, and nothing has changed. At most 2^32 - 2 items. */
void *fhi_array_extend(const fh_host_memory *memory, void *items, uint32_t count,
                       uint32_t *capacity, size_t size);

/* NULL is a no-op. */
void fhi_array_free(const fh_host_memory *memory, void *items, uint32_t capacity, size_t size);

/* `count` items of zeroes, an array of that capacity; NULL: no host memory, or `count` is 0. */
void *fhi_array_make(const fh_host_memory *memory, uint32_t count, size_t size);

#endif
