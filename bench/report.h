/* Results as a table for people and as JSON for programs. */

#ifndef FREEHOLD_BENCH_REPORT_H
#define FREEHOLD_BENCH_REPORT_H

#include "run.h"

/* Printed as they come: a workload's heading, then its rows. */
void bench_report_workload(const bench_workload *workload, double floor_ns);
void bench_report_row(const bench_result *result);
void bench_report_space(const bench_result *results, size_t count);

/* Write what is still buffered. False: something that was printed got lost; a message says so. */
bool bench_report_finish(void);

/* False: the file could not be written; a message says so. */
bool bench_report_json(const char *path, const bench_options *options, const bench_result *results,
                       size_t count);

#endif
