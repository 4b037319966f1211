/* Results as a table for people and as JSON for programs. */

#ifndef FREEHOLD_BENCH_REPORT_H
#define FREEHOLD_BENCH_REPORT_H

#include "run.h"

#include <stdio.h>

/* Printed as they come: a workload's heading, then its rows. */
void bench_report_workload(const bench_suite *suite, const bench_workload *workload,
                           double floor_ns);
void bench_report_row(const bench_result *result);
void bench_report_space(const bench_results *results);

/* Write what is still buffered. False: something that was printed got lost; a message says so. */
bool bench_report_finish(void);

/* A JSON file that is being written: one object, to which programs may add members of their own. */
typedef struct bench_json {
    FILE *file; /* NULL: it could not be opened */
    const char *path;
} bench_json;

/* False: the file could not be opened; a message says so. bench_json_end() is due in any case. */
bool bench_json_begin(bench_json *json, const bench_options *options);
void bench_json_results(bench_json *json, const bench_suite *suite, const bench_options *options,
                        const bench_results *results);
void bench_json_summary(bench_json *json, const char *name, const bench_summary *summary);
/* False: the file could not be written; a message says so. */
bool bench_json_end(bench_json *json);

#endif
