/* The tally: what a replay comes to. It is told of every byte that comes and goes, so that peaks
 * are exact, and of every frame's end, where samples are taken. What is before the first frame that
 * counts moves the bytes, and no figure. */

#ifndef FREEHOLD_REPLAY_TALLY_H
#define FREEHOLD_REPLAY_TALLY_H

#include "base/host.h"

#include <freehold/replay.h>

/* A sum that does not overflow. */
typedef struct fhi_sum {
    uint64_t high, low;
} fhi_sum;

typedef struct fhi_tally {
    const fh_host_memory *memory;
    bool failed;   /* there was no host memory for a sample */
    bool counting; /* this frame counts */
    uint32_t heap_count;
    uint32_t frame_first;
    fh_replay_figures figures; /* but for means */
    fh_replay_bytes now, heaps[FH_HEAP_MAX];
    struct {
        fhi_sum reserved, committed, heap_reserved[FH_HEAP_MAX], heap_committed[FH_HEAP_MAX], waste,
            fragmentation;
    } sums;                 /* over the frames that count, at their ends */
    fh_replay_sample frame; /* of this frame: counters and the peak */
    fh_replay_sample *samples;
    uint32_t sample_count, sample_capacity;
} fhi_tally;

/* What is known only at a frame's end. */
typedef struct fhi_tally_end {
    uint64_t time_ns;
    uint64_t limit; /* UINT64_MAX: none */
    uint32_t block_count, fragmentation_ppm;
    bool has_budget[FH_HEAP_MAX];
    uint64_t budgets[FH_HEAP_MAX]; /* of the process */
    uint64_t others[FH_HEAP_MAX];  /* what else of the process is in the heap */
} fhi_tally_end;

void fhi_tally_init(fhi_tally *tally, const fh_host_memory *memory, uint32_t heap_count,
                    uint32_t frame_first);
void fhi_tally_finish(fhi_tally *tally); /* also of a zeroed one */

/* The driver gave memory, and took it back. */
void fhi_tally_alloc(fhi_tally *tally, uint32_t heap, uint64_t size);
void fhi_tally_free(fhi_tally *tally, uint32_t heap, uint64_t size);

/* The program has memory that it asked for, and let go of it. */
void fhi_tally_commit(fhi_tally *tally, uint32_t heap, uint64_t size);
void fhi_tally_let_go(fhi_tally *tally, uint32_t heap, uint64_t size);

void fhi_tally_request(fhi_tally *tally, uint64_t size);
void fhi_tally_refuse(fhi_tally *tally, uint64_t size);
void fhi_tally_miss(fhi_tally *tally);
void fhi_tally_evict(fhi_tally *tally, uint64_t size);
void fhi_tally_reload(fhi_tally *tally, uint64_t size);
void fhi_tally_decide(fhi_tally *tally, bool failed, uint64_t time_ns);

void fhi_tally_frame_end(fhi_tally *tally, const fhi_tally_end *end);

void fhi_tally_get(const fhi_tally *tally, fh_replay_figures *out_figures);

#endif
