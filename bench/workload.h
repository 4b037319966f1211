/* Workloads: each is one fixed sequence of allocations and frees, decided before anything is timed,
 * so that every target replays exactly the same operations. */

#ifndef FREEHOLD_BENCH_WORKLOAD_H
#define FREEHOLD_BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One operation, 12 bytes. `slot` names the allocation while it lives, and is used again later. */
typedef struct bench_op {
    uint32_t slot;
    uint32_t size;      /* bytes; 0 = free what lives in the slot */
    uint32_t alignment; /* bytes */
} bench_op;

/* How a sequence is made. */
typedef enum bench_pattern {
    BENCH_CHURN_BYTES = 0, /* fill to `live_bytes`; free at random till there is room, allocate */
    BENCH_CHURN_COUNT,     /* fill to `live_count`, then free one at random and allocate one */
    BENCH_LIFO,            /* allocate `live_count`, free them newest first, again and again */
    BENCH_FRAMES,          /* `live_count` a frame; as N begins, N-2 is freed, oldest first */
    BENCH_FIFO             /* fill to `live_count`, then free the oldest and allocate one */
} bench_pattern;

typedef struct bench_workload_desc {
    const char *name;
    const char *title;
    bench_pattern pattern;
    uint64_t block_size; /* bytes, for timing */
    uint64_t live_bytes;
    uint32_t live_count;
    /* Bytes. Sizes are log-uniform; size_max is size_min times a power of two. */
    uint32_t size_min;
    uint32_t size_max;
    uint32_t size_round; /* sizes are rounded up to a multiple of it */
    /* Powers of two; all from the one to the other are as likely. */
    uint32_t alignment_min;
    uint32_t alignment_max;
    uint32_t pair_count; /* allocations in the timed part */
    bool linear;         /* its order of frees is one that a linear block serves */
    bool space;          /* the smallest block that serves it is looked for */
} bench_workload_desc;

typedef struct bench_workload {
    const bench_workload_desc *desc;
    bench_op *ops;
    size_t fill_count;   /* the first operations: fill the block, not timed */
    size_t op_count;     /* all of them */
    size_t alloc_count;  /* allocations among the timed ones */
    uint64_t peak_bytes; /* most bytes that ever lived at once */
    uint32_t slot_count; /* slots are below this; also the most allocations that live at once */
} bench_workload;

/* Those of the block benchmark, ended by an entry whose name is NULL. */
extern const bench_workload_desc bench_workloads[];

/* Generate the sequence of `desc` with at least `pair_count` allocations after the filling. The
 * same `seed` always gives the same sequence. False: no host memory. */
bool bench_workload_init(bench_workload *workload, const bench_workload_desc *desc,
                         uint32_t pair_count, uint64_t seed);
void bench_workload_finish(bench_workload *workload);

#endif
