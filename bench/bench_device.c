/* bench_device: what a parcel costs, next to the bare range and the bare backend object that it is
 * made of; what two threads cost each other; and single calls. See --help.
 *
 * On a machine that does other things, instructions say more than times, and they are the same in
 * every run:
 *
 *     valgrind --tool=callgrind --toggle-collect=bench_replay build/release/bench_device \
 *         --only-replay --quick --no-warmup --runs 1 --workload D1 --target device
 *
 * What that collects, divided by the pairs that it prints, is a pair and the harness's loop. */

#include "device_probe.h"
#include "device_target.h"
#include "policy_probe.h"
#include "replay_probe.h"
#include "report.h"
#include "run.h"
#include "scaling.h"
#include "trace_probe.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KIB(n) ((uint32_t)(n) << 10)
#define MIB(n) ((uint32_t)(n) << 20)

/* Alignment 16 is what the host backend asks of a storage buffer, and sizes are multiples of it, so
 * that ranges are asked for exactly what a device asks for. Blocks have room for every buffer at
 * its largest. */
#define DEVICE_WORKLOAD(name_, title_, pattern_, live, min, max, pairs)                            \
    {                                                                                              \
        .name = (name_), .title = (title_), .pattern = (pattern_),                                 \
        .block_size = ((uint64_t)(live) + 1) * 2 * (max), .live_count = (live), .size_min = (min), \
        .size_max = (max), .size_round = 16, .alignment_min = 16, .alignment_max = 16,             \
        .pair_count = (pairs)                                                                      \
    }

static const bench_workload_desc workloads[] = {
    DEVICE_WORKLOAD("D1", "one buffer at a time, 256 B", BENCH_LIFO, 1, 256, 256, 200000),
    DEVICE_WORKLOAD("D2", "churn, 1,000 live, 256 B", BENCH_CHURN_COUNT, 1000, 256, 256, 200000),
    DEVICE_WORKLOAD("D3a", "churn, 1,000 live, 64 B-4 KiB", BENCH_CHURN_COUNT, 1000, 64, KIB(4),
                    200000),
    DEVICE_WORKLOAD("D3b", "churn, 10,000 live, 64 B-4 KiB", BENCH_CHURN_COUNT, 10000, 64, KIB(4),
                    200000),
    DEVICE_WORKLOAD("D3c", "churn, 100,000 live, 64 B-4 KiB", BENCH_CHURN_COUNT, 100000, 64, KIB(4),
                    200000),
    DEVICE_WORKLOAD("D3d", "churn, 1,000,000 live, 64 B-4 KiB", BENCH_CHURN_COUNT, 1000000, 64,
                    KIB(4), 500000),
    DEVICE_WORKLOAD("D4", "frames of 2,000, 256 B-16 KiB, N-2 freed at N", BENCH_FRAMES, 2000, 256,
                    KIB(16), 200000),
    DEVICE_WORKLOAD("D5", "churn, 500 live, 256 KiB-4 MiB: from the blocks themselves",
                    BENCH_CHURN_COUNT, 500, KIB(256), MIB(4), 100000),
    {.name = NULL},
};

static const char *const figures[] = {"pairs",  "threads", "stats", "calls",   "retire",
                                      "alias",  "policy",  "tick",  "reloads", "log",
                                      "record", "replay",  NULL};

/* What was asked of a small buffer: at most 3 x the bare range and the backend's own object. */
static double asked_pair(const bench_result *results, size_t count)
{
    double range = 0, object = 0;
    for (size_t i = 0; i < count; i++) {
        if (results[i].target == &bench_target_range) {
            range = results[i].pair.median;
        } else if (results[i].target == &bench_target_object) {
            object = results[i].pair.median;
        }
    }
    return range > 0 && object > 0 ? 3 * range + object : 0;
}

static const bench_suite suite = {
    .summary =
        "Time of devices: parcels next to the bare ranges and backend objects that they are\n"
        "made of (asked: at most 3 x range + object, and 100 ns), two threads, single calls.",
    .workloads = workloads,
    .targets = bench_device_targets,
    .reference = asked_pair,
    .reference_name = "asked",
    .figures = figures,
};

static const bench_scaling_case cases[] = {
    {&bench_target_range, 0},      {&bench_target_device, 0.85},
    {&bench_target_limit_far, 0},  {&bench_target_tagged, 0},
    {&bench_target_limit_near, 0}, {&bench_target_tag_limit_near, 0},
    {&bench_target_alias, 0},      {NULL, 0},
};

enum {
    GROUPS_MAX = 12
};

typedef struct device_results {
    bench_results pairs;
    bench_scaling_results threads;
    bench_probe_results groups[GROUPS_MAX];
    size_t group_count;
} device_results;

static bool measure_groups(const bench_probe_group *groups, const bench_options *options,
                           device_results *results)
{
    bool ok = true;
    for (const bench_probe_group *group = groups;
         ok && group->name && results->group_count < GROUPS_MAX; group++) {
        if (bench_selected(options->figures, group->name)) {
            ok = bench_probe_run(group, options, &results->groups[results->group_count]);
            results->group_count += ok ? 1 : 0;
        }
    }
    return ok;
}

static bool measure(const bench_options *options, device_results *out_results)
{
    bool ok = true;
    *out_results = (device_results){.group_count = 0};
    if (bench_selected(options->figures, "pairs")) {
        ok = bench_run(&suite, options, &out_results->pairs);
    }
    if (ok && bench_selected(options->figures, "threads")) {
        ok = bench_scaling_run(cases, &workloads[2], options, &out_results->threads);
    }
    return ok && measure_groups(bench_device_probes, options, out_results) &&
           measure_groups(bench_policy_probes, options, out_results) &&
           measure_groups(bench_trace_probes, options, out_results) &&
           measure_groups(bench_replay_probes, options, out_results);
}

static void write_threads(bench_json *json, const bench_scaling_results *results)
{
    fprintf(json->file, ", \"threads\": [");
    for (size_t i = 0; i < results->count; i++) {
        const bench_scaling_result *row = &results->rows[i];
        fprintf(json->file, "%s\n  {\"target\": \"%s\", \"control\": %.4f, \"scaling\": %.4f, ",
                i > 0 ? "," : "", row->measured->target->name, row->control, row->scaling);
        fprintf(json->file, "\"ratio\": %.4f, \"disturbed\": %.3f", row->ratio, row->disturbed);
        bench_json_summary(json, "own_one", &row->own_one);
        bench_json_summary(json, "own_two", &row->own_two);
        bench_json_summary(json, "shared_one", &row->shared_one);
        bench_json_summary(json, "shared_two", &row->shared_two);
        fprintf(json->file, "}");
    }
    fprintf(json->file, "\n]");
}

static void write_group(bench_json *json, const bench_probe_results *results)
{
    fprintf(json->file, ", \"%s\": [", results->group->name);
    for (size_t i = 0; i < results->count; i++) {
        const bench_probe_result *row = &results->rows[i];
        fprintf(json->file, "%s\n  {\"operation\": \"%s\", \"ratio\": %.4f", i > 0 ? "," : "",
                row->probe->name, row->ratio);
        bench_json_summary(json, "time", &row->time);
        fprintf(json->file, "}");
    }
    fprintf(json->file, "\n]");
}

static bool write_json(const bench_options *options, const device_results *results)
{
    bench_json json;
    bool ok = bench_json_begin(&json, options);
    if (ok) {
        bench_json_results(&json, &suite, options, &results->pairs);
        write_threads(&json, &results->threads);
        for (size_t i = 0; i < results->group_count; i++) {
            write_group(&json, &results->groups[i]);
        }
    }
    return bench_json_end(&json) && ok;
}

static void *come_and_go(void *argument)
{
    return argument;
}

/* Programs with a GPU have threads, and a C library may take locks more cheaply in a process that
 * never had a second one. */
static void have_had_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, come_and_go, NULL) == 0) {
        pthread_join(thread, NULL);
    }
}

int main(int argc, char **argv)
{
    static device_results results;
    bench_options options;
    switch (bench_options_parse(&options, argc, argv, &suite)) {
    case BENCH_PARSED_HELP:
        return EXIT_SUCCESS;
    case BENCH_PARSED_WRONG:
        return EXIT_FAILURE;
    case BENCH_PARSED_OK:
        break;
    }
    if (!options.figures && (options.workloads || options.targets || options.only_replay)) {
        options.figures = "pairs";
    }
    have_had_a_thread();
    bool ok = measure(&options, &results);
    if (ok) {
        ok = !options.json || write_json(&options, &results);
        ok = bench_report_finish() && ok;
    }
    bench_results_finish(&results.pairs);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
