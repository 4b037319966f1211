/* A shadow: what a block must be, kept beside it in the simplest exact way, a sorted array of the
 * live ranges. Each shadow_<verb> makes the call on the block, compares what came back with what
 * the rules in block.h say, and keeps the array in step. Nothing here is fast, and nothing is
 * shared with src/. All return NULL, or a sentence that says where block and shadow part;
 * `out_result`, where there is one, is what the call returned, and may be NULL. */

#ifndef FREEHOLD_TESTS_SHADOW_H
#define FREEHOLD_TESTS_SHADOW_H

#include <freehold/freehold.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct shadow_range {
    fh_range handle;
    uint64_t offset, size;
    void *user;
} shadow_range;

#define SHADOW_STALE_MAX 64

typedef struct shadow {
    fh_block_algorithm algorithm;
    uint64_t size;
    shadow_range *ranges; /* live, in address order */
    size_t count, capacity;
    /* Linear blocks: the first `ring_count` ranges wrapped to the front, the last `upper_count`
     * hang from the end, those between were appended. What was freed leaves no trace: the top of
     * each part is its last live range, and so is the front of the ring. */
    size_t ring_count, upper_count;
    uint64_t range_bytes;
    fh_range stale[SHADOW_STALE_MAX]; /* some handles that were freed, or lived at a clear */
    size_t stale_count;
    bool host_may_fail; /* FH_ERR_HOST_MEMORY is an answer, if it changes nothing */
} shadow;

/* Where a request must or may go. */
typedef struct shadow_fit {
    uint64_t lowest;   /* the lowest offset that is possible; linear: the only one */
    uint64_t best_gap; /* TLSF: the size of the smallest gap in which it fits */
} shadow_fit;

void shadow_init(shadow *shadow, uint64_t size, fh_block_algorithm algorithm);
void shadow_finish(shadow *shadow);

bool shadow_fits(const shadow *shadow, const fh_range_desc *desc, shadow_fit *out_fit);

/* A lower bound for fh_block_free_bound: the largest request that would succeed. */
uint64_t shadow_largest(const shadow *shadow);

const char *shadow_alloc(shadow *shadow, fh_block *block, const fh_range_desc *desc,
                         fh_result *out_result, fh_range *out_range);
const char *shadow_free(shadow *shadow, fh_block *block, size_t index);
const char *shadow_set_user(shadow *shadow, fh_block *block, size_t index, void *user,
                            fh_result *out_result);
const char *shadow_clear(shadow *shadow, fh_block *block);
const char *shadow_resize(shadow *shadow, fh_block *block, uint64_t size, fh_result *out_result);

/* Statistics, details, the bound and every piece of the block are those of the shadow. */
const char *shadow_compare(const shadow *shadow, const fh_block *block);

/* Every call on a handle that is dead, or was never alive, says STALE. */
const char *shadow_refuse(const shadow *shadow, fh_block *block, fh_range dead);

#endif
