/* The yard: which memories the driver gave, what lies in them, and how broken up the rest is. The
 * same for a replay on a device and for what the program did itself.
 *
 * A *block* here is a memory of the driver, a *place* something that takes bytes of one, until they
 * are free again. With `keep` all that ever were are listed, for the report. */

#ifndef FREEHOLD_REPLAY_YARD_H
#define FREEHOLD_REPLAY_YARD_H

#include "replay/ids.h"

#include <freehold/replay.h>

typedef struct fhi_yard_block {
    uint64_t size;
    uint32_t heap;
    uint32_t shown; /* into `blocks`, or FHI_NONE */
    uint32_t next;  /* of the free ones */
    bool live, seen;
} fhi_yard_block;

typedef struct fhi_yard_place {
    uint64_t offset, size;
    uint32_t block; /* FHI_NONE: free */
    uint32_t span;  /* into `spans`, or FHI_NONE */
    uint32_t next;  /* of the free ones; else where it stands in `live` */
} fhi_yard_place;

typedef struct fhi_yard_run {
    uint64_t begin, end;
    uint32_t block;
} fhi_yard_run;

typedef struct fhi_yard {
    const fh_host_memory *memory;
    bool keep;
    bool failed; /* there was no host memory: it cannot be relied on any more */
    /* Now, for what is noted: */
    uint64_t now_ns;
    uint32_t frame;

    fhi_yard_block *all_blocks;
    fhi_yard_place *all_places;
    uint32_t *live;     /* places, in no order */
    fhi_yard_run *runs; /* room for sorting, twice */
    uint32_t block_count, block_capacity, free_block, live_blocks;
    uint32_t place_count, place_capacity, free_place, live_places, live_capacity;
    uint32_t run_capacity;

    uint64_t changes;      /* since gaps were measured */
    uint32_t measured_ppm; /* as they were then */

    fh_replay_block *blocks;
    fh_replay_span *spans;
    uint32_t shown_count, shown_capacity;
    uint32_t span_count, span_capacity;
} fhi_yard;

void fhi_yard_init(fhi_yard *yard, const fh_host_memory *memory, bool keep);
void fhi_yard_finish(fhi_yard *yard); /* also of a zeroed one */

/* Where there is no host memory these give FHI_NONE, and `failed` is set; FHI_NONE as a block or
 * place is a no-op. */
uint32_t fhi_yard_block_add(fhi_yard *yard, uint32_t heap, uint32_t type, uint64_t size,
                            bool dedicated);
void fhi_yard_block_end(fhi_yard *yard, uint32_t index);
/* `span` is what lies there, or FHI_NONE: it ends with the place. */
uint32_t fhi_yard_place_add(fhi_yard *yard, uint32_t block, uint64_t offset, uint64_t size,
                            uint32_t span);
void fhi_yard_place_end(fhi_yard *yard, uint32_t index);

/* FHI_NONE, too, without `keep`. */
uint32_t fhi_yard_span_add(fhi_yard *yard, uint32_t block, uint64_t offset, uint64_t size,
                           uint64_t resource, uint32_t cause, bool aliased);
void fhi_yard_span_end(fhi_yard *yard, uint32_t span);

/* 1 - largest gap / all gaps, in millionths; 0 without gaps. As it is now, or, where much lives and
 * little has changed, as it was not long ago: see yard.c. */
uint32_t fhi_yard_gaps(fhi_yard *yard);

#endif
