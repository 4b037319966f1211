/* What is known of a request that is explained: explain.c finds it out, explain_text.c says it. */

#ifndef FREEHOLD_DEVICE_EXPLAIN_H
#define FREEHOLD_DEVICE_EXPLAIN_H

#include "device/request.h"

#include <freehold/parcel.h>

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

typedef struct fhi_explanation {
    fhi_request request;       /* decided; no types in its order: none will do */
    fh_parcel_info backing;    /* what it would lie on, when its description says so */
    const char *allocator;     /* in front of the device; NULL = none */
    char policy[FH_NAME_SIZE]; /* "" = native */
    bool decided, denied;      /* by the policy: */
    fh_verdict verdict;
    fhi_source source;
    fh_pool *pool;     /* of the first type in order */
    uint64_t reserved; /* bytes */
    /* Of POOL: */
    bool is_small; /* comes from a slab */
    bool has_room; /* a block may have room; says nothing of slabs */
    uint32_t block_count;
    uint64_t block_bytes, next_block;

    fh_write_fn write;
    void *context;
} fhi_explanation;

/* Say it. What `write` returned. No lock held. */
fh_result fhi_explain_write(fh_device *device, const fhi_explanation *explanation);

#endif
