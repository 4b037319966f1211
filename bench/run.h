/* The benchmark as a function of a list of targets, so that a program with other allocators linked
 * in can measure them by the same rules. */

#ifndef FREEHOLD_BENCH_RUN_H
#define FREEHOLD_BENCH_RUN_H

#include "measure.h"

/* What was found for one target on one workload. */
typedef struct bench_result {
    const bench_workload_desc *workload;
    const bench_target *target;
    bool timed;
    size_t pair_count;
    double floor;                    /* of the pair; ns */
    bench_summary pair, alloc, free; /* floor subtracted; alloc and free 0 = not measured */
    double ratio;                    /* pair / what the suite compares with; 0 = unknown */
    uint64_t refused;                /* allocations, in one replay */
    double space;                    /* mean over the sequences; 0 = not measured */
    double space_min, space_max;
} bench_result;

/* What a program measures. */
typedef struct bench_suite {
    const char *summary;                  /* for --help: one sentence */
    const bench_workload_desc *workloads; /* ended by one whose name is NULL */
    const bench_target *const *targets;   /* ended by NULL */
    /* What a workload's times are divided by, and what that is called; 0 = nothing to divide by.
     * `results` are all there are of that workload, without their ratios. */
    double (*reference)(const bench_result *results, size_t count);
    const char *reference_name;
    const char *const *figures; /* names of what is measured besides, ended by NULL; or NULL */
    bool space;                 /* some of the workloads have a smallest block to look for */
} bench_suite;

typedef struct bench_options {
    const char *workloads; /* names or beginnings of names, separated by commas; NULL = all */
    const char *targets;   /* the same */
    const char *figures;   /* the same */
    const char *json;      /* file to write; NULL = none */
    unsigned run_count;
    bool quick;       /* a tenth of the operations */
    bool no_warmup;   /* the first run counts, too */
    bool only_replay; /* replay `run_count` times and measure nothing: for profilers */
    bool no_time;     /* only the space figures */
    bool no_space;    /* only the timings */
    bool no_split;    /* only pairs */
} bench_options;

typedef enum bench_parsed {
    BENCH_PARSED_OK,
    BENCH_PARSED_HELP,
    BENCH_PARSED_WRONG
} bench_parsed;

/* Read the command line; on HELP and WRONG the text has been printed. */
bench_parsed bench_options_parse(bench_options *options, int argc, char **argv,
                                 const bench_suite *suite);

/* Whether `name` begins with an entry of the list, which is one of the options'. */
bool bench_selected(const char *list, const char *name);

/* The results of one bench_run(). */
typedef struct bench_results {
    bench_result *rows;
    size_t count;
} bench_results;

/* Measure the suite's targets on its workloads and print. False, with the complaint printed: host
 * memory ran out, or there was nothing to measure. Finish the results in any case. */
bool bench_run(const bench_suite *suite, const bench_options *options, bench_results *out_results);
void bench_results_finish(bench_results *results);

#endif
