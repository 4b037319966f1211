/* A round is some milliseconds: both threads empty and fill their part, meet, and the ones that are
 * chosen replay. The four kinds of round (one or two threads, shared or not) take turns.
 *
 * What counts is the time that passed, as waiting for a lock takes no CPU time. So a round in which
 * the system took a thread's core away says nothing, and the system tells when it did: such rounds
 * are left out, unless hardly any other is left. */

#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): cores and a thread's own counters */
#endif

#include "scaling.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    THREADS = 2,
    ROUNDS = 12,       /* per run */
    PAIRS = 20000,     /* in a round */
    ENOUGH_ROUNDS = 10 /* undisturbed ones */
};

/* What a thread does in a round. */
typedef struct job {
    const bench_target *target;
    void *state;
    const bench_workload *workload;
    uint64_t *slots;
    bool timed; /* false: it only fills */
    double ns;  /* out: per pair */
    bool disturbed;
} job;

typedef struct team {
    pthread_barrier_t gate; /* passed by all before and after a round */
    _Atomic unsigned ready; /* threads that have filled */
    bool quit;
    job jobs[THREADS];
} team;

typedef struct worker {
    team *of;
    unsigned index;
    int core;
    pthread_t thread;
} worker;

static void clear(const job *own)
{
    for (uint32_t i = 0; i < own->workload->slot_count; i++) {
        if (own->slots[i] != 0) {
            own->target->free(own->state, own->slots[i]);
            own->slots[i] = 0;
        }
    }
}

static long involuntary_switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

static void work(team *of, job *own)
{
    const bench_workload *workload = own->workload;
    size_t fill = workload->fill_count;
    (void)bench_fill(own->target, own->state, own->slots, workload->ops, fill);
    atomic_fetch_add(&of->ready, 1);
    while (atomic_load(&of->ready) < THREADS) {
        sched_yield();
    }
    if (own->timed) {
        long switches = involuntary_switches();
        int64_t start = bench_now_ns();
        (void)bench_replay(own->target, own->state, own->slots, workload->ops + fill,
                           workload->op_count - fill);
        own->ns = (double)(bench_now_ns() - start) / (double)workload->alloc_count;
        own->disturbed = involuntary_switches() != switches;
    }
}

static void *worker_main(void *argument)
{
    const worker *self = argument;
    team *of = self->of;
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET((size_t)self->core, &cores);
    (void)pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
    for (;;) {
        pthread_barrier_wait(&of->gate);
        if (of->quit) {
            return NULL;
        }
        work(of, &of->jobs[self->index]);
        pthread_barrier_wait(&of->gate);
        clear(&of->jobs[self->index]);
        pthread_barrier_wait(&of->gate);
    }
}

/* The first two cores that this process may use. */
static bool find_cores(int cores[THREADS])
{
    cpu_set_t allowed;
    unsigned found = 0;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return false;
    }
    for (int core = 0; core < CPU_SETSIZE && found < THREADS; core++) {
        if (CPU_ISSET((size_t)core, &allowed)) {
            cores[found++] = core;
        }
    }
    return found == THREADS;
}

/* ---- one case ---- */

/* Pairs per nanosecond, of all rounds of one kind. */
typedef enum round_kind {
    OWN_ONE = 0,
    OWN_TWO,
    SHARED_ONE,
    SHARED_TWO,
    ROUND_KINDS
} round_kind;

typedef struct subject {
    const bench_scaling_case *measured;
    void *own[THREADS];
    void *shared[THREADS];   /* [0] owns; NULL: it cannot be shared */
    double *ns[ROUND_KINDS]; /* by undisturbed round, then by disturbed ones from the end */
    unsigned good[ROUND_KINDS];
} subject;

static void subject_finish(subject *self)
{
    const bench_target *target = self->measured->target;
    for (int i = 0; i < THREADS; i++) {
        if (self->own[i]) {
            target->destroy(self->own[i]);
        }
    }
    for (int i = THREADS; i-- > 0;) {
        if (self->shared[i]) {
            target->destroy(self->shared[i]);
        }
    }
    for (int i = 0; i < ROUND_KINDS; i++) {
        free(self->ns[i]);
    }
}

static bool subject_init(subject *self, const bench_scaling_case *measured,
                         const bench_workload workloads[THREADS], unsigned rounds)
{
    const bench_target *target = measured->target;
    *self = (subject){.measured = measured};
    bench_setup both = {.block_size = workloads[0].desc->block_size * THREADS,
                        .alignment_min = workloads[0].desc->alignment_min,
                        .argument = target->argument};
    bool ok = true;
    for (int i = 0; i < THREADS; i++) {
        bench_setup setup = both;
        setup.block_size = workloads[i].desc->block_size;
        setup.peak_bytes = workloads[i].peak_bytes;
        setup.max_live = workloads[i].slot_count;
        both.peak_bytes += setup.peak_bytes;
        both.max_live += setup.max_live;
        self->own[i] = target->create(&setup);
        ok = ok && self->own[i];
    }
    if (target->share) {
        self->shared[0] = target->create(&both);
        self->shared[1] = self->shared[0] ? target->share(self->shared[0]) : NULL;
        ok = ok && self->shared[1];
    }
    for (int i = 0; i < ROUND_KINDS; i++) {
        self->ns[i] = calloc(rounds, sizeof *self->ns[i]);
        ok = ok && self->ns[i];
    }
    return ok;
}

static void play(team *of, subject *self, round_kind kind, unsigned round, unsigned rounds)
{
    bool two = kind == OWN_TWO || kind == SHARED_TWO;
    bool shared = kind == SHARED_ONE || kind == SHARED_TWO;
    for (int i = 0; i < THREADS; i++) {
        job *own = &of->jobs[i];
        own->target = self->measured->target;
        own->state = shared ? self->shared[i] : self->own[i];
        own->timed = two || i == 0;
        own->disturbed = false;
    }
    atomic_store(&of->ready, 0);
    pthread_barrier_wait(&of->gate); /* they begin */
    pthread_barrier_wait(&of->gate); /* all are done */
    double ns = of->jobs[0].ns;
    bool disturbed = of->jobs[0].disturbed || of->jobs[1].disturbed;
    if (two) {
        ns = 2 / (1 / of->jobs[0].ns + 1 / of->jobs[1].ns);
    }
    pthread_barrier_wait(&of->gate); /* all have cleared */
    unsigned bad = round - self->good[kind];
    unsigned at = disturbed ? rounds - 1 - bad : self->good[kind];
    self->ns[kind][at] = ns;
    self->good[kind] += disturbed ? 0 : 1;
}

static void conclude(subject *self, unsigned rounds, bench_scaling_result *out_result)
{
    bench_summary *const summaries[ROUND_KINDS] = {&out_result->own_one, &out_result->own_two,
                                                   &out_result->shared_one,
                                                   &out_result->shared_two};
    unsigned kinds = self->shared[0] ? ROUND_KINDS : SHARED_ONE;
    unsigned good = 0;
    *out_result = (bench_scaling_result){.measured = self->measured};
    for (unsigned i = 0; i < kinds; i++) {
        unsigned count = self->good[i] >= ENOUGH_ROUNDS ? self->good[i] : rounds;
        *summaries[i] = bench_summarise(self->ns[i], count, 0);
        good += self->good[i];
    }
    out_result->disturbed = 1 - (double)good / (double)(kinds * rounds);
    out_result->control = 2 * out_result->own_one.median / out_result->own_two.median;
    if (self->shared[0]) {
        out_result->scaling = 2 * out_result->shared_one.median / out_result->shared_two.median;
        out_result->ratio = out_result->scaling / out_result->control;
    }
}

static void report_head(const bench_workload_desc *workload)
{
    printf("\nthreads: two threads on two cores; each: %s\n"
           "  %-19s | %15s | %15s | %7s | %7s | %9s | %s\n"
           "  %-19s | %15s | %15s |\n",
           workload->title, "", "an own one each", "one for both", "", "", "", "", "target",
           "ns: 1, 2 threads", "ns: 1, 2 threads");
}

static void report_row(const bench_scaling_result *row)
{
    printf("  %-19s | %6.1f   %6.1f | ", row->measured->target->name, row->own_one.median,
           row->own_two.median);
    if (row->ratio > 0) {
        printf("%6.1f   %6.1f | %7.2f | %7.2f | %9.3f", row->shared_one.median,
               row->shared_two.median, row->control, row->scaling, row->ratio);
    } else {
        printf("%15s | %7.2f | %7s | %9s", "-", row->control, "-", "-");
    }
    if (row->measured->asked > 0) {
        printf(" | at least %g", row->measured->asked);
    }
    if (row->disturbed > 0.5) {
        printf("   (%.0f %% of the rounds were disturbed)", 100 * row->disturbed);
    }
    printf("\n");
    fflush(stdout);
}

/* ---- all cases ---- */

static bool measure(team *of, const bench_scaling_case *measured,
                    const bench_workload workloads[THREADS], unsigned rounds,
                    bench_scaling_result *out_result)
{
    subject self;
    bool ok = subject_init(&self, measured, workloads, rounds);
    if (ok) {
        round_kind kinds = self.shared[0] ? ROUND_KINDS : SHARED_ONE;
        for (unsigned round = 0; round < rounds; round++) {
            for (unsigned kind = 0; kind < (unsigned)kinds; kind++) {
                play(of, &self, (round_kind)kind, round, rounds);
            }
        }
        conclude(&self, rounds, out_result);
    } else {
        fprintf(stderr, "bench: %s could not be made\n", measured->target->name);
    }
    subject_finish(&self);
    return ok;
}

static bool measure_all(team *of, const bench_scaling_case *cases,
                        const bench_workload workloads[THREADS], const bench_options *options,
                        bench_scaling_results *out_results)
{
    unsigned rounds = options->run_count * (options->quick ? ROUNDS / 4 : ROUNDS);
    for (; cases->target && out_results->count < BENCH_SCALING_MAX; cases++) {
        if (bench_selected(options->targets, cases->target->name)) {
            bench_scaling_result *row = &out_results->rows[out_results->count];
            if (!measure(of, cases, workloads, rounds, row)) {
                return false;
            }
            out_results->count++;
            report_row(row);
        }
    }
    return true;
}

static bool with_workers(const int cores[THREADS], const bench_scaling_case *cases,
                         const bench_workload workloads[THREADS], const bench_options *options,
                         bench_scaling_results *out_results)
{
    team of = {.quit = false};
    worker workers[THREADS];
    unsigned started = 0;
    bool ok = pthread_barrier_init(&of.gate, NULL, THREADS + 1) == 0;
    for (unsigned i = 0; i < THREADS; i++) {
        of.jobs[i].workload = &workloads[i];
        of.jobs[i].slots = calloc(workloads[i].slot_count + (size_t)1, sizeof *of.jobs[i].slots);
        ok = ok && of.jobs[i].slots;
    }
    for (; ok && started < THREADS; started++) {
        workers[started] = (worker){.of = &of, .index = started, .core = cores[started]};
        if (pthread_create(&workers[started].thread, NULL, worker_main, &workers[started]) != 0) {
            fprintf(stderr, "bench: the second thread could not be started\n");
            exit(EXIT_FAILURE); /* the first one waits for it at the gate */
        }
    }
    ok = ok && measure_all(&of, cases, workloads, options, out_results);
    of.quit = true;
    if (started == THREADS) {
        pthread_barrier_wait(&of.gate);
        for (unsigned i = 0; i < THREADS; i++) {
            pthread_join(workers[i].thread, NULL);
        }
        pthread_barrier_destroy(&of.gate);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        free(of.jobs[i].slots);
    }
    return ok;
}

bool bench_scaling_run(const bench_scaling_case *cases, const bench_workload_desc *workload,
                       const bench_options *options, bench_scaling_results *out_results)
{
    bench_workload workloads[THREADS] = {{0}};
    int cores[THREADS];
    bool ok = true;
    *out_results = (bench_scaling_results){.count = 0};
    report_head(workload);
    if (!find_cores(cores)) {
        printf("  not measured: this process may use one core only\n");
        return true;
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        ok = ok && bench_workload_init(&workloads[i], workload, PAIRS, i);
    }
    ok = ok && with_workers(cores, cases, workloads, options, out_results);
    for (uint32_t i = 0; i < THREADS; i++) {
        bench_workload_finish(&workloads[i]);
    }
    return ok;
}
