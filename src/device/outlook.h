/* What would come of a request that is not made: the walk of request.c through the types that may
 * be tried, with the same tests, but without taking anything. */

#ifndef FREEHOLD_DEVICE_OUTLOOK_H
#define FREEHOLD_DEVICE_OUTLOOK_H

#include "device/request.h"

/* Where its memory would come from, and by what rule. */
typedef enum fhi_source {
    FHI_SOURCE_POOL = 0,
    /* The rest is a driver allocation of its own: */
    FHI_SOURCE_IMPORT,
    FHI_SOURCE_DRIVER_REQUIRES,
    FHI_SOURCE_REQUIRED,
    FHI_SOURCE_LARGER_THAN_BLOCK,
    FHI_SOURCE_PREFERRED,
    FHI_SOURCE_DRIVER_PREFERS,
    FHI_SOURCE_HALF_A_BLOCK
} fhi_source;

/* What stands in the way. */
typedef enum fhi_obstacle_kind {
    FHI_OBSTACLE_NONE = 0,
    FHI_OBSTACLE_HIDDEN, /* host memory is imported, and the type is not host-visible */
    FHI_OBSTACLE_SIZE,   /* the adapter's largest allocation is smaller */
    FHI_OBSTACLE_COUNT,  /* the adapter gives no more allocations */
    FHI_OBSTACLE_HEAP,   /* the heap ends */
    FHI_OBSTACLE_LIMIT,  /* an account's limit */
    FHI_OBSTACLE_SYSTEM, /* what the system gives the process, and the request heeds that */
    FHI_OBSTACLE_BLOCKS, /* the pool has all the blocks it may have */
    FHI_OBSTACLE_BLOCK   /* the pool's blocks are smaller */
} fhi_obstacle_kind;

typedef struct fhi_obstacle {
    fhi_obstacle_kind kind;
    fh_result result;   /* what the request fails with, if that is the end of it */
    fh_account account; /* HEAP, LIMIT, SYSTEM */
    uint64_t asked;     /* bytes */
    uint64_t left;      /* of `most`, bytes */
    uint64_t most;      /* SIZE, COUNT, HEAP, LIMIT, SYSTEM, BLOCKS, BLOCK: bytes, or a count */
    bool lasts;         /* whatever is freed: relief cannot help */
} fhi_obstacle;

/* One memory type. */
typedef struct fhi_prospect {
    fhi_obstacle obstacle;  /* NONE: it has memory */
    fhi_obstacle dedicated; /* why what would rather be dedicated is not */
    fhi_source source;
    fh_pool *pool;
    uint64_t reserved; /* bytes */
    /* Of POOL: */
    bool is_small;       /* comes from a slab */
    bool has_room;       /* a block may have room; says nothing of slabs */
    fhi_obstacle growth; /* why no block can be made; what is there may have room */
    uint32_t block_count;
    uint64_t block_bytes, next_block;
} fhi_prospect;

typedef struct fhi_outlook {
    fh_result result; /* FH_OK, or what the request would fail with, and: */
    fhi_obstacle why; /* the account of its kind or its tag refuses; or the last type's obstacle */
    uint32_t count;   /* types looked at, in their order; 0: an account of its uses came first */
    fhi_prospect types[FH_MEMORY_TYPE_MAX]; /* FH_OK: the last of them is what it comes from */
    bool relief; /* something is refused that might not be, once something else is freed */
} fhi_outlook;

/* The request is decided, and has a type to try. What is said is said of a request that is made
 * outside all callbacks, and that the native rule relieves. No lock held. */
void fhi_outlook_make(fhi_core *core, const fhi_request *request, fhi_outlook *out_outlook);

#endif
