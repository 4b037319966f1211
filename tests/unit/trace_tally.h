/* What a trace of a device comes to, event by event: which memories live, which resources, where
 * they lie; and whether one thing follows from the other. Trusts nothing of src/. Knows nothing of
 * cmocka. */

#ifndef FREEHOLD_TESTS_TRACE_TALLY_H
#define FREEHOLD_TESTS_TRACE_TALLY_H

#include <freehold/freehold.h>
#include <freehold/trace.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct tally_memory {
    bool live;
    uint64_t type, size, dedicated;
} tally_memory;

typedef struct tally_resource {
    bool seen, live, released, bound;
    fh_trace_resource about;
    uint64_t size; /* committed, now */
    uint64_t memory, offset, bound_size;
    uint64_t maps;
    uint32_t use_count, bound_count, resized_count, eviction_count;
    char name[FH_NAME_SIZE];
} tally_resource;

typedef struct tally {
    tally_memory *memories; /* by id; [0] is not used */
    tally_resource *resources;
    uint64_t memory_count, resource_count; /* room */
    uint64_t memory_last, resource_last;   /* the largest ids seen */
    uint32_t type_heaps[FH_MEMORY_TYPE_MAX];
    uint64_t heap_count, type_count;
    /* What lives. */
    uint64_t reserved[FH_HEAP_MAX], committed, external, live_count;
    /* How many events of each kind. */
    uint64_t counts[FH_TRACE_KIND_MAX + 1];
    uint64_t dropped;
    uint64_t frame; /* number of the last FRAME */
    char tags[64][64];
    char fault[256]; /* "" or the first that was wrong */
} tally;

void tally_add(tally *t, const fh_trace_event *event);
void tally_finish(tally *t);

/* Reads a file to its end, `frame` (which may be NULL) is called after each FRAME. What is wrong,
 * or NULL. `complete`: the file must have been ended as it should. */
const char *tally_read(tally *t, const char *path, bool complete,
                       void (*frame)(void *context, tally *t), void *context);

/* The same numbers as the device's statistics: complains into t->fault. */
void tally_compare(tally *t, const fh_device_stats *stats);

#endif
