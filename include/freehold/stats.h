/* Statistics: the same few counters for one block, and later for a pool, a heap or a device, so
 * that they can be added and compared. The unit is the block's own (bytes wherever memory stands
 * behind). */

#ifndef FREEHOLD_STATS_H
#define FREEHOLD_STATS_H

#include <stdint.h>

/* O(1) to get, always exact. */
typedef struct fh_stats {
    uint64_t block_count;
    uint64_t block_bytes; /* sum of the blocks' sizes */
    uint64_t range_count;
    uint64_t range_bytes; /* sum of the ranges' sizes as asked for, without padding */
} fh_stats;

/* Needs a walk. The smallest of an empty set is UINT64_MAX, the largest is 0. */
typedef struct fh_stats_detail {
    fh_stats stats;
    uint64_t free_count; /* gaps: maximal runs of units that no range covers */
    uint64_t range_min, range_max;
    uint64_t free_min, free_max;
} fh_stats_detail;

#endif
