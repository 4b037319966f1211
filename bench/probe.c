#include "probe.h"

#include <stdio.h>
#include <stdlib.h>

/* One probe while it is being measured. */
typedef struct subject {
    const bench_probe *probe;
    void *state;
    bool borrowed; /* `state` is an earlier subject's */
    double *ns;    /* by run */
} subject;

static void subjects_finish(subject *subjects, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (subjects[i].state && !subjects[i].borrowed) {
            subjects[i].probe->destroy(subjects[i].state);
        }
        free(subjects[i].ns);
    }
}

static bool subject_init(subject *all, size_t at, unsigned run_count)
{
    subject *self = &all[at];
    for (size_t i = 0; i < at && !self->state; i++) {
        if (all[i].probe->create == self->probe->create &&
            all[i].probe->argument == self->probe->argument) {
            self->state = all[i].state;
            self->borrowed = true;
        }
    }
    if (!self->state) {
        self->state = self->probe->create(self->probe->argument);
    }
    self->ns = calloc(run_count + (size_t)1, sizeof *self->ns);
    return self->state && self->ns;
}

/* Run 0 is the warm-up, unless there is none. */
static bool take_turns(subject *subjects, size_t count, const bench_options *options)
{
    for (unsigned turn = options->no_warmup ? 1 : 0; turn <= options->run_count; turn++) {
        for (size_t i = 0; i < count; i++) {
            const bench_probe *probe = subjects[i].probe;
            uint32_t ops = options->quick ? probe->op_count / 10 : probe->op_count;
            int64_t start = bench_thread_ns();
            if (!probe->run(subjects[i].state, ops)) {
                fprintf(stderr, "bench: %s: a call failed\n", probe->name);
                return false;
            }
            subjects[i].ns[turn > 0 ? turn - 1 : 0] =
                (double)(bench_thread_ns() - start) / (double)ops;
        }
    }
    return true;
}

static void report(const bench_probe_results *results)
{
    printf("\n%s: %s\n  %-46s | %9s  %19s  %9s | %7s | %s\n", results->group->name,
           results->group->title, "operation", "ns", "p10 - p90", "min", "ratio", "to");
    for (size_t i = 0; i < results->count; i++) {
        const bench_probe_result *row = &results->rows[i];
        printf("  %-46s | %9.1f  %8.1f - %8.1f  %9.1f |", row->probe->name, row->time.median,
               row->time.p10, row->time.p90, row->time.min);
        if (row->probe->against > 0) {
            printf(" %7.3f | %s", row->ratio, results->group->probes[row->probe->against - 1].name);
        } else {
            printf(" %7s |", "-");
        }
        if (row->probe->asked > 0) {
            printf("; asked: %g", row->probe->asked);
        }
        printf("\n");
    }
    fflush(stdout);
}

bool bench_probe_run(const bench_probe_group *group, const bench_options *options,
                     bench_probe_results *out_results)
{
    subject subjects[BENCH_PROBES_MAX] = {{0}};
    size_t count = 0;
    bool ok = true;
    *out_results = (bench_probe_results){.group = group};
    for (; ok && group->probes[count].name && count < BENCH_PROBES_MAX; count++) {
        subjects[count].probe = &group->probes[count];
        ok = subject_init(subjects, count, options->run_count);
        if (!ok) {
            fprintf(stderr, "bench: %s could not be made\n", group->probes[count].name);
        }
    }
    if (ok && take_turns(subjects, count, options)) {
        for (size_t i = 0; i < count; i++) {
            bench_probe_result *row = &out_results->rows[i];
            row->probe = subjects[i].probe;
            row->time = bench_summarise(subjects[i].ns, options->run_count, 0);
            uint32_t against = row->probe->against;
            if (against > 0) { /* an earlier one */
                row->ratio = row->time.median / out_results->rows[against - 1].time.median;
            }
        }
        out_results->count = count;
        report(out_results);
    } else {
        ok = false;
    }
    subjects_finish(subjects, count);
    return ok;
}
