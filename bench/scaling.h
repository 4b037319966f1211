/* Two threads on two cores: how much more they get done together than one alone, on one allocator,
 * and on an allocator each, which shows what this machine can do at best. */

#ifndef FREEHOLD_BENCH_SCALING_H
#define FREEHOLD_BENCH_SCALING_H

#include "run.h"

typedef struct bench_scaling_case {
    const bench_target *target; /* can share, or the control is all there is of it */
    double asked;               /* at least: scaling / control; 0 = nothing was asked */
} bench_scaling_case;

enum {
    BENCH_SCALING_MAX = 16 /* cases */
};

/* Nanoseconds are of one pair of one thread; a scaling of 2 is twice the pairs in the same time. */
typedef struct bench_scaling_result {
    const bench_scaling_case *measured;
    bench_summary own_one, own_two;       /* an allocator each */
    bench_summary shared_one, shared_two; /* one allocator */
    double control, scaling;
    double ratio;     /* scaling / control; 0 = the target cannot share */
    double disturbed; /* part of the rounds in which a thread lost its core, which do not count */
} bench_scaling_result;

typedef struct bench_scaling_results {
    bench_scaling_result rows[BENCH_SCALING_MAX];
    size_t count; /* 0, and no complaint: there is one core only */
} bench_scaling_results;

/* Measure `cases`, ended by one whose target is NULL, on the workload, and print. False, with the
 * complaint printed: something could not be made. */
bool bench_scaling_run(const bench_scaling_case *cases, const bench_workload_desc *workload,
                       const bench_options *options, bench_scaling_results *out_results);

#endif
