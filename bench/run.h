/* The benchmark as a function of a list of targets, so that a program with other allocators linked
 * in can measure them by the same rules. */

#ifndef FREEHOLD_BENCH_RUN_H
#define FREEHOLD_BENCH_RUN_H

#include "measure.h"

typedef struct bench_options {
    const char *workloads; /* names or beginnings of names, separated by commas; NULL = all */
    const char *targets;   /* the same */
    const char *json;      /* file to write; NULL = none */
    unsigned run_count;
    bool quick;       /* a tenth of the operations */
    bool no_warmup;   /* the first run counts, too */
    bool only_replay; /* replay `run_count` times and measure nothing: for profilers */
    bool no_time;     /* only the space figures */
    bool no_space;    /* only the timings */
    bool no_split;    /* only pairs */
} bench_options;

/* What was found for one target on one workload. */
typedef struct bench_result {
    const bench_workload_desc *workload;
    const bench_target *target;
    bool timed;
    size_t pair_count;
    double floor;                    /* of the pair; ns */
    bench_summary pair, alloc, free; /* floor subtracted; alloc and free 0 = not measured */
    double ratio;                    /* pair / libc's pair; 0 = unknown */
    uint64_t refused;                /* allocations, in one replay */
    double space;                    /* mean over the sequences; 0 = not measured */
    double space_min, space_max;
} bench_result;

typedef enum bench_parsed {
    BENCH_PARSED_OK,
    BENCH_PARSED_HELP,
    BENCH_PARSED_WRONG
} bench_parsed;

/* Read the command line; on HELP and WRONG the text has been printed. */
bench_parsed bench_options_parse(bench_options *options, int argc, char **argv,
                                 const bench_target *const *targets);

/* Whether `name` begins with an entry of the list, which is one of the options'. */
bool bench_selected(const char *list, const char *name);

/* Measure `targets` (ended by NULL) and print; the program's exit status. */
int bench_run(const bench_target *const *targets, const bench_options *options);

#endif
