/* Replaying a workload on a target: for its time, and for the smallest block that serves it. */

#ifndef FREEHOLD_BENCH_MEASURE_H
#define FREEHOLD_BENCH_MEASURE_H

#include "target.h"
#include "workload.h"

/* Nanoseconds per operation over the runs of one target. */
typedef struct bench_summary {
    double median, p10, p90, min;
} bench_summary;

/* One target while it is being measured on one workload. */
typedef struct bench_subject {
    const bench_target *target;
    void *state;
    uint64_t *slots;  /* handles of the allocations, by slot; 0 = none, or refused */
    uint64_t refused; /* in one replay of everything */
    double *pair_ns;  /* by run */
    double *alloc_ns;
    double *free_ns;
} bench_subject;

/* Operations in groups: some frees, then some allocations. */
typedef struct bench_window {
    uint32_t free_count;
    uint32_t alloc_count;
} bench_window;

/* The timed operations of a workload, sorted into windows. */
typedef struct bench_split {
    bench_op *ops;
    bench_window *windows;
    size_t window_count;
} bench_split;

bool bench_subject_init(bench_subject *subject, const bench_target *target,
                        const bench_workload *workload, uint64_t block_size, unsigned run_count);
void bench_subject_finish(bench_subject *subject, const bench_workload *workload);

/* CPU time of the calling thread, and time that passed. */
int64_t bench_thread_ns(void);
int64_t bench_now_ns(void);

/* The loop that is timed, and the same loop for the part before; `slots` is written. Both return
 * how many allocations were refused. Never inlined, so that callgrind can look at one of them. */
uint64_t bench_replay(const bench_target *target, void *state, uint64_t *slots, const bench_op *ops,
                      size_t op_count);
uint64_t bench_fill(const bench_target *target, void *state, uint64_t *slots, const bench_op *ops,
                    size_t op_count);

/* Empty the target, replay everything once; returns the nanoseconds of the timed part, per pair. */
double bench_run_pair(bench_subject *subject, const bench_workload *workload);

/* Empty the target, replay everything once in windows, which gives allocations and frees apart. */
void bench_run_split(bench_subject *subject, const bench_workload *workload,
                     const bench_split *split, double *alloc_ns, double *free_ns);

bool bench_split_init(bench_split *split, const bench_workload *workload);
void bench_split_finish(bench_split *split);

/* Sorts `values`. */
bench_summary bench_summarise(double *values, unsigned count, double floor);

/* The smallest block that serves the whole workload without a refusal, divided by the peak of its
 * live bytes; 0 when none up to 4 times the peak does, or the target fails. */
double bench_space(const bench_target *target, const bench_workload *workload);

#endif
