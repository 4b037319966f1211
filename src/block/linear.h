/* Linear allocation over offsets: stack, ring, double stack, free-at-once. Arguments are trusted:
 * block.c has checked them. */

#ifndef FREEHOLD_BLOCK_LINEAR_H
#define FREEHOLD_BLOCK_LINEAR_H

#include <freehold/block.h>

typedef struct fhi_linear_entry {
    uint64_t offset;
    uint64_t size; /* 0: freed, but not the first or last, so its place is still taken */
    void *user;
    uint32_t generation;
} fhi_linear_entry;

/* Entries in the order in which they were made, at positions that count up and wrap at 2^32.
 * Neither the first nor the last entry is ever a freed one. */
typedef struct fhi_linear_queue {
    fhi_linear_entry *entries; /* position p is at p % capacity */
    uint32_t capacity;         /* 0 or a power of two */
    uint32_t first, count;
    uint32_t peak, kept_peak; /* largest count since the last clear, and in the period before it */
} fhi_linear_queue;

typedef struct fhi_linear {
    fhi_linear_queue lower; /* upwards from 0; in ring mode from `wrap` on upwards from 0 again */
    fhi_linear_queue upper; /* downwards from the end */
    uint64_t size;
    uint64_t tail;  /* where the next lower range may begin */
    uint64_t limit; /* and where it must end: the lowest upper range, or the front of the ring */
    uint64_t range_count;
    uint64_t range_bytes;
    uint32_t wrap; /* position of the first entry after the wrap */
    bool ring;     /* there is one */
    uint32_t generation;
    const fh_host_memory *memory;
} fhi_linear;

/* `memory` is borrowed until finish. Allocates nothing yet. */
void fhi_linear_init(fhi_linear *linear, uint64_t size, const fh_host_memory *memory);
void fhi_linear_finish(fhi_linear *linear);

/* `alignment` is desc's, resolved: a power of two. The outputs are written on success only;
 * `out_offset` may be NULL. */
fh_result fhi_linear_alloc(fhi_linear *linear, const fh_range_desc *desc, uint64_t alignment,
                           uint64_t *out_id, uint64_t *out_offset);
void fhi_linear_clear(fhi_linear *linear);
fh_result fhi_linear_resize(fhi_linear *linear, uint64_t size);

/* STALE, with the sentence; free takes 0 for nothing to do. */
fh_result fhi_linear_free(fhi_linear *linear, uint64_t id);
fh_result fhi_linear_info(const fhi_linear *linear, uint64_t id, fh_range_info *out_info);
fh_result fhi_linear_set_user(fhi_linear *linear, uint64_t id, void *user);

uint64_t fhi_linear_free_bound(const fhi_linear *linear);
void fhi_linear_visit(const fhi_linear *linear, fh_block_visit_fn visit, void *context);

/* NULL when everything holds, else the invariant that does not. O(n) */
const char *fhi_linear_audit(const fhi_linear *linear);

#endif
