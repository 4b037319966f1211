/* What is measured: an allocator behind two functions. Freehold's blocks, the C library's, and one
 * that does nothing, whose time is the cost of the harness; device_target.h has Freehold's devices.
 * Others may be linked in by programs that call bench_run() with a suite of their own. */

#ifndef FREEHOLD_BENCH_TARGET_H
#define FREEHOLD_BENCH_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bench_setup {
    uint64_t block_size;    /* bytes */
    uint64_t peak_bytes;    /* most bytes that live at once */
    uint32_t max_live;      /* allocations that live at once */
    uint32_t alignment_min; /* bytes; every request's alignment is a multiple of it */
    const void *argument;   /* the target's own */
} bench_setup;

typedef struct bench_target {
    const char *name;
    const void *argument; /* handed to create */
    bool linear;          /* serves only workloads that say so */
    bool space;           /* has a block size: the smallest that serves is worth finding */

    /* NULL: failed. */
    void *(*create)(const bench_setup *setup);
    /* Everything still allocated goes with it. */
    void (*destroy)(void *state);
    /* A handle; 0: refused. */
    uint64_t (*alloc)(void *state, uint64_t size, uint64_t alignment);
    void (*free)(void *state, uint64_t handle);
    /* Frees everything; NULL: the harness frees one by one. */
    void (*clear)(void *state);
    /* Another state of the same allocator, for another thread; destroyed before `state`. NULL:
     * states share nothing. */
    void *(*share)(void *state);
} bench_target;

extern const bench_target bench_target_null;

/* Freehold's and the C library's, ended by NULL. */
extern const bench_target *const bench_targets[];

#endif
