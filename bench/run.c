/* Timings on a machine that does other things are noisy, and the noise comes in spells. So the
 * targets take turns, run by run, and what is compared was measured in the same spell. */

#include "run.h"

#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGETS_MAX 32
#define RESULTS_MAX 1024

/* One sequence says little about space: whether a block serves it turns on a few unlucky moments,
 * and the figure varies by some percent from seed to seed. So it is the mean over several. */
#define SPACE_SEQUENCES 8
#define SPACE_PAIRS     100000

typedef struct session {
    const bench_suite *suite;
    const bench_options *options;
    const bench_target *targets[TARGETS_MAX]; /* the null target first */
    size_t target_count;
    bench_result *results; /* RESULTS_MAX of them */
    size_t result_count;
    bool replayed; /* something was, for a profiler: that leaves no result */
} session;

static bench_result *add_result(session *run, const bench_workload *workload,
                                const bench_target *target)
{
    for (size_t i = 0; i < run->result_count; i++) {
        if (run->results[i].workload == workload->desc && run->results[i].target == target) {
            return &run->results[i];
        }
    }
    if (run->result_count == RESULTS_MAX) {
        return NULL;
    }
    bench_result *result = &run->results[run->result_count++];
    *result = (bench_result){.workload = workload->desc, .target = target};
    return result;
}

/* Replays by turns; run 0 is the warm-up, unless there is none. */
static void take_turns(const session *run, const bench_workload *workload, const bench_split *split,
                       bench_subject *subjects, size_t count)
{
    unsigned first = run->options->no_warmup ? 1 : 0;
    for (unsigned turn = first; turn <= run->options->run_count; turn++) {
        for (size_t i = 0; i < count; i++) {
            unsigned at = turn > 0 ? turn - 1 : 0;
            subjects[i].pair_ns[at] = bench_run_pair(&subjects[i], workload);
            if (split) {
                bench_run_split(&subjects[i], workload, split, &subjects[i].alloc_ns[at],
                                &subjects[i].free_ns[at]);
            }
        }
    }
}

static bool report_times(session *run, const bench_workload *workload, bench_subject *subjects,
                         size_t count, bool split)
{
    unsigned runs = run->options->run_count;
    double pair_floor = bench_summarise(subjects[0].pair_ns, runs, 0).median;
    double alloc_floor = bench_summarise(subjects[0].alloc_ns, runs, 0).median;
    double free_floor = bench_summarise(subjects[0].free_ns, runs, 0).median;
    size_t first = run->result_count;
    bench_report_workload(run->suite, workload, pair_floor);
    for (size_t i = 1; i < count; i++) {
        bench_result *result = add_result(run, workload, subjects[i].target);
        if (!result) {
            return false;
        }
        result->timed = true;
        result->pair_count = workload->alloc_count;
        result->floor = pair_floor;
        result->pair = bench_summarise(subjects[i].pair_ns, runs, pair_floor);
        if (split) {
            result->alloc = bench_summarise(subjects[i].alloc_ns, runs, alloc_floor);
            result->free = bench_summarise(subjects[i].free_ns, runs, free_floor);
        }
        result->refused = subjects[i].refused;
    }
    size_t found = run->result_count - first;
    double reference = run->suite->reference(run->results + first, found);
    for (bench_result *result = run->results + first; found > 0; found--, result++) {
        result->ratio = reference > 0 ? result->pair.median / reference : 0;
        bench_report_row(result);
    }
    return true;
}

static bool measure_times(session *run, const bench_workload *workload)
{
    const bench_options *options = run->options;
    bench_subject subjects[TARGETS_MAX];
    bench_split split = {0};
    bool with_split = !options->no_split && !options->only_replay;
    bool ok = !with_split || bench_split_init(&split, workload);
    size_t count = 0;
    for (size_t i = 0; ok && i < run->target_count; i++) {
        const bench_target *target = run->targets[i];
        if (target->linear && !workload->desc->linear) {
            continue;
        }
        if (options->only_replay && i == 0) {
            continue;
        }
        if (bench_subject_init(&subjects[count], target, workload, workload->desc->block_size,
                               options->run_count)) {
            count++;
        } else {
            fprintf(stderr, "%s: %s could not be made\n", workload->desc->name, target->name);
            ok = i > 0;
        }
    }
    if (ok && count > (options->only_replay ? 0 : 1)) {
        take_turns(run, workload, with_split ? &split : NULL, subjects, count);
        if (!options->only_replay) {
            ok = report_times(run, workload, subjects, count, with_split);
        }
        for (size_t i = 0; options->only_replay && i < count; i++) {
            printf("%s %s: %zu pairs, %" PRIu64 " refused\n", workload->desc->name,
                   subjects[i].target->name, workload->alloc_count, subjects[i].refused);
            run->replayed = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        bench_subject_finish(&subjects[i], workload);
    }
    bench_split_finish(&split);
    return ok;
}

static bool add_space(session *run, const bench_workload *workload, uint32_t sequence)
{
    for (size_t i = 0; i < run->target_count; i++) {
        if (run->targets[i]->space) {
            bench_result *result = add_result(run, workload, run->targets[i]);
            if (!result) {
                return false;
            }
            double space = bench_space(run->targets[i], workload);
            result->space = (result->space * sequence + space) / (sequence + 1);
            result->space_min =
                sequence == 0 || space < result->space_min ? space : result->space_min;
            result->space_max = space > result->space_max ? space : result->space_max;
        }
    }
    return true;
}

/* A suite's workloads have sequences of their own, the same on every machine. */
static uint64_t seed_of(const session *run, const bench_workload_desc *desc, uint32_t sequence)
{
    return ((uint64_t)sequence << 32) + (uint64_t)(desc - run->suite->workloads);
}

static bool measure_space(session *run, const bench_workload_desc *desc)
{
    uint32_t pairs = run->options->quick ? SPACE_PAIRS / 10 : SPACE_PAIRS;
    bool ok = true;
    for (uint32_t i = 0; ok && i < SPACE_SEQUENCES; i++) {
        bench_workload workload;
        ok = bench_workload_init(&workload, desc, pairs, seed_of(run, desc, i));
        if (ok) {
            ok = add_space(run, &workload, i);
            bench_workload_finish(&workload);
        }
    }
    return ok;
}

static bool measure_workload(session *run, const bench_workload_desc *desc)
{
    const bench_options *options = run->options;
    bool ok = true;
    if (!options->no_time) {
        bench_workload workload;
        uint32_t pairs = options->quick ? desc->pair_count / 10 : desc->pair_count;
        ok = bench_workload_init(&workload, desc, pairs, seed_of(run, desc, 0));
        if (ok) {
            ok = measure_times(run, &workload);
            bench_workload_finish(&workload);
        }
    }
    if (ok && desc->space && !options->no_space && !options->only_replay) {
        ok = measure_space(run, desc);
    }
    return ok;
}

/* All that the options choose, into `run`, which has room for it. */
static bool measure_all(session *run)
{
    const bench_options *options = run->options;
    run->targets[run->target_count++] = &bench_target_null;
    for (const bench_target *const *target = run->suite->targets;
         *target && run->target_count < TARGETS_MAX; target++) {
        if (bench_selected(options->targets, (*target)->name)) {
            run->targets[run->target_count++] = *target;
        }
    }
    for (const bench_workload_desc *desc = run->suite->workloads; desc->name; desc++) {
        if (bench_selected(options->workloads, desc->name) && !measure_workload(run, desc)) {
            return false;
        }
    }
    return true;
}

bool bench_run(const bench_suite *suite, const bench_options *options, bench_results *out_results)
{
    *out_results = (bench_results){0};
    session run = {.suite = suite, .options = options};
    run.results = calloc(RESULTS_MAX, sizeof *run.results);
    if (!run.results || !measure_all(&run)) {
        fprintf(stderr, "bench: out of host memory\n");
        free(run.results);
        return false;
    }
    if (run.result_count == 0 && !run.replayed) {
        fprintf(stderr, "bench: nothing was measured: none of these targets serves one of these "
                        "workloads, or has the figures that were asked for\n");
        free(run.results);
        return false;
    }
    *out_results = (bench_results){run.results, run.result_count};
    return true;
}

void bench_results_finish(bench_results *results)
{
    free(results->rows);
    *results = (bench_results){0};
}
