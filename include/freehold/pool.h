/* Pools: growing, shrinking sets of memory blocks of one memory type. A device has its own, one per
 * type; a program makes more where some parcels should live by rules of their own: a ring for what
 * streams, a fixed region that never grows, short-lived buffers away from long-lived ones. */

#ifndef FREEHOLD_POOL_H
#define FREEHOLD_POOL_H

#include <freehold/device.h>
#include <freehold/resource.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fh_pool fh_pool;

typedef struct fh_pool_desc {
    uint32_t type_mask;   /* memory types it may be of; 0 = any. The first that `memory` prefers is
                             taken, for good */
    fh_location location; /* 0 = device */
    fh_access access;     /* 0 = what the location implies */
    fh_block_algorithm algorithm; /* 0 = TLSF */
    uint64_t block_size;      /* bytes of every block; 0 = by the growth rule, up to the device's
                                     block size */
    uint32_t block_count_min; /* made at once, and kept */
    uint32_t block_count_max; /* 0 = no maximum */
    bool keep_empty;          /* blocks that fell empty stay until fh_device_trim() */
    float priority;           /* of its memory; 0 = 0.5 */
    const char *name;         /* copied; NULL = none */
} fh_pool_desc;

typedef struct fh_pool_info {
    uint32_t type, heap;
    fh_memory_flags flags;
    uint64_t block_size; /* bytes of the next block */
    fh_stats stats;
    char name[64];
} fh_pool_info;

/**
 * Make a pool.
 *
 * Owns:    the caller owns *out_pool; destroy it before the device, after its parcels.
 * Errors:  INVALID, UNSUPPORTED (no memory type will do), HOST_MEMORY, and, with block_count_min,
 *          OUT_OF_MEMORY, BUDGET, DEVICE_LOST; *out_pool is then NULL.
 * Threads: any.
 */
FH_API fh_result fh_pool_create(fh_device *device, const fh_pool_desc *desc, fh_pool **out_pool);

/**
 * Destroy a pool and give its memory back. NULL is a no-op.
 *
 * Errors:  BUSY (parcels live in it, or still retire, or one is being made that the policy sent
 *          there, or a callback of its trimming asks); nothing has changed.
 * Threads: any, but no other call on the pool may be under way.
 */
FH_API fh_result fh_pool_destroy(fh_pool *pool);

/**
 * What a pool is and has.
 *
 * Errors:  INVALID (an argument is NULL); *out_info is then zero.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API fh_result fh_pool_get(fh_pool *pool, fh_pool_info *out_info);

#ifdef __cplusplus
}
#endif

#endif
