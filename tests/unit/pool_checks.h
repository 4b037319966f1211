/* What the tests of pools share. Only test_*.c files include this. */

#ifndef FREEHOLD_TESTS_POOL_CHECKS_H
#define FREEHOLD_TESTS_POOL_CHECKS_H

#include "card_checks.h"

#include <stdlib.h>

/* One heap of 1 GiB and one memory type, that can be mapped: what there is, is in one pool. */
static inline void one_type(card *c)
{
    card_small(c);
    c->profile.heap_count = 1;
    c->profile.heaps[0].size = GIB(1);
    c->profile.os_budget[0] = GIB(4);
    c->profile.type_count = 1;
    c->profile.types[0].flags =
        FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT;
}

static inline int set_up(void **state)
{
    card *c = test_calloc(1, sizeof *c);
    one_type(c);
    check_open(c);
    *state = c;
    return 0;
}

static inline int tear_down(void **state)
{
    card *c = *state;
    check_close(c);
    test_free(c);
    return 0;
}

static inline uint64_t driver_allocs(const card *c)
{
    return card_stats(c).driver_alloc_count;
}

static inline fh_stats blocks(const card *c)
{
    return card_stats(c).total.stats;
}

static inline fh_result in_block(const card *c, fh_pool *pool, uint64_t size, fh_parcel *out)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.pool = pool;
    desc.memory.dedicated = FH_DEDICATED_NEVER;
    return fh_buffer_create(c->device, &desc, out);
}

/* Pieces that are released together. */
typedef struct heap_of {
    fh_parcel *parcels;
    size_t count, capacity;
} heap_of;

static inline void keep(heap_of *h, fh_parcel parcel)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity * 2 + 64;
        h->parcels = realloc(h->parcels, h->capacity * sizeof *h->parcels);
        assert_non_null(h->parcels);
    }
    h->parcels[h->count++] = parcel;
}

static inline void drop(const card *c, heap_of *h)
{
    for (size_t i = 0; i < h->count; i++) {
        check_release(c, h->parcels[i]);
    }
    free(h->parcels);
    *h = (heap_of){0};
}

/* Pieces of that size until it fails; the failure. */
static inline fh_result fill(const card *c, fh_pool *pool, uint64_t size, heap_of *h)
{
    for (;;) {
        fh_parcel parcel;
        fh_result result = in_block(c, pool, size, &parcel);
        if (result != FH_OK) {
            return result;
        }
        keep(h, parcel);
    }
}

#endif
