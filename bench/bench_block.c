/* bench_block: Freehold's blocks next to the C library's allocator. See --help. */

#include "report.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

/* The C library's pair. */
static double libc_pair(const bench_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(results[i].target->name, "libc") == 0) {
            return results[i].pair.median;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const bench_suite suite = {
        .summary = "Time and space of block allocators on fixed sequences of operations.",
        .workloads = bench_workloads,
        .targets = bench_targets,
        .reference = libc_pair,
        .reference_name = "libc",
        .space = true,
    };
    bench_options options;
    switch (bench_options_parse(&options, argc, argv, &suite)) {
    case BENCH_PARSED_HELP:
        return EXIT_SUCCESS;
    case BENCH_PARSED_WRONG:
        return EXIT_FAILURE;
    case BENCH_PARSED_OK:
        break;
    }
    bench_results results;
    bool ok = bench_run(&suite, &options, &results);
    if (ok) {
        bench_report_space(&results);
        bench_json json;
        if (options.json) {
            ok = bench_json_begin(&json, &options);
            bench_json_results(&json, &suite, &options, &results);
            ok = bench_json_end(&json) && ok;
        }
        ok = bench_report_finish() && ok;
    }
    bench_results_finish(&results);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
