/* Probes: single calls in a loop, in groups whose members take turns, so that they can be
 * compared. */

#ifndef FREEHOLD_BENCH_PROBE_H
#define FREEHOLD_BENCH_PROBE_H

#include "run.h"

typedef struct bench_probe {
    const char *name;
    uint32_t op_count; /* in one run */
    /* Makes the state; NULL: failed. Probes of a group with the same two share one. */
    void *(*create)(const void *argument);
    void (*destroy)(void *state);
    const void *argument;
    /* What is timed: `op_count` operations. False: one of them failed. */
    bool (*run)(void *state, uint32_t op_count);
    uint32_t against; /* 1 + index in the group: its time is divided by that one's; 0 = none */
    double asked;     /* at most that, divided so; 0 = nothing was asked */
} bench_probe;

typedef struct bench_probe_group {
    const char *name;          /* that of the figure */
    const char *title;         /* one line */
    const bench_probe *probes; /* ended by one whose name is NULL */
} bench_probe_group;

enum {
    BENCH_PROBES_MAX = 16 /* in a group */
};

typedef struct bench_probe_result {
    const bench_probe *probe;
    bench_summary time; /* of one operation; ns */
    double ratio;       /* to `against`'s; 0 = none */
} bench_probe_result;

typedef struct bench_probe_results {
    const bench_probe_group *group;
    bench_probe_result rows[BENCH_PROBES_MAX];
    size_t count;
} bench_probe_results;

/* Measure a group and print. False, with the complaint printed: something could not be made, or an
 * operation failed. */
bool bench_probe_run(const bench_probe_group *group, const bench_options *options,
                     bench_probe_results *out_results);

#endif
