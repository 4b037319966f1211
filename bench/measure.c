/* How it is timed.
 *
 * Pairs: the thread's CPU time of the whole timed part, divided by its allocations. One reading of
 * the clock per several hundred thousand operations costs nothing, and CPU time leaves out the
 * moments in which another program had the core.
 *
 * Allocations and frees apart: a clock around each would cost more than what it measures. So the
 * timed part is sorted into windows of at most WINDOW_OPS of a kind, in which the frees come first
 * and the allocations after them, and the clock is read three times a window. A window ends before
 * anything is freed that was allocated in it, so every free comes at most a window too early, and
 * the sequence stays legal. It is not quite the sequence that the pairs are measured on: there the
 * kinds alternate, which costs more mispredicted branches. So the two do not add up to the pair.
 *
 * In both the same is done for the target that does nothing, and its median is subtracted. A
 * processor overlaps the harness's work with the target's, so what is subtracted is rather too much
 * than too little: a few nanoseconds at most, and the same for all. */

#define _POSIX_C_SOURCE 200809L

#include "measure.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WINDOW_OPS 64

/* A window of up to 128 operations that took longer lost its core meanwhile, and is left out. */
#define WINDOW_NS_MAX 200000

#define NEVER_INLINE __attribute__((noinline))

static inline uint64_t replay(const bench_target *target, void *state, uint64_t *slots,
                              const bench_op *ops, size_t op_count)
{
    uint64_t (*alloc_fn)(void *, uint64_t, uint64_t) = target->alloc;
    void (*free_fn)(void *, uint64_t) = target->free;
    uint64_t refused = 0;
    for (size_t i = 0; i < op_count; i++) {
        bench_op op = ops[i];
        if (op.size > 0) {
            uint64_t handle = alloc_fn(state, op.size, op.alignment);
            slots[op.slot] = handle;
            refused += handle == 0;
        } else if (slots[op.slot] != 0) {
            free_fn(state, slots[op.slot]);
            slots[op.slot] = 0;
        }
    }
    return refused;
}

NEVER_INLINE uint64_t bench_replay(const bench_target *target, void *state, uint64_t *slots,
                                   const bench_op *ops, size_t op_count)
{
    return replay(target, state, slots, ops, op_count);
}

NEVER_INLINE uint64_t bench_fill(const bench_target *target, void *state, uint64_t *slots,
                                 const bench_op *ops, size_t op_count)
{
    return replay(target, state, slots, ops, op_count);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_thread_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

int64_t bench_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static void clear(bench_subject *subject, const bench_workload *workload)
{
    if (subject->target->clear) {
        subject->target->clear(subject->state);
    }
    for (uint32_t i = 0; i < workload->slot_count; i++) {
        if (subject->slots[i] != 0 && !subject->target->clear) {
            subject->target->free(subject->state, subject->slots[i]);
        }
        subject->slots[i] = 0;
    }
}

bool bench_subject_init(bench_subject *subject, const bench_target *target,
                        const bench_workload *workload, uint64_t block_size, unsigned run_count)
{
    bench_setup setup = {.block_size = block_size,
                         .peak_bytes = workload->peak_bytes,
                         .max_live = workload->slot_count,
                         .alignment_min = workload->desc->alignment_min,
                         .argument = target->argument};
    *subject = (bench_subject){.target = target};
    subject->state = target->create(&setup);
    subject->slots = calloc(workload->slot_count + (size_t)1, sizeof *subject->slots);
    subject->pair_ns = calloc(run_count + (size_t)1, sizeof *subject->pair_ns);
    subject->alloc_ns = calloc(run_count + (size_t)1, sizeof *subject->alloc_ns);
    subject->free_ns = calloc(run_count + (size_t)1, sizeof *subject->free_ns);
    if (!subject->state || !subject->slots || !subject->pair_ns || !subject->alloc_ns ||
        !subject->free_ns) {
        bench_subject_finish(subject, workload);
        return false;
    }
    return true;
}

void bench_subject_finish(bench_subject *subject, const bench_workload *workload)
{
    if (subject->state) {
        if (subject->slots) {
            clear(subject, workload);
        }
        subject->target->destroy(subject->state);
    }
    free(subject->slots);
    free(subject->pair_ns);
    free(subject->alloc_ns);
    free(subject->free_ns);
    *subject = (bench_subject){.target = subject->target};
}

double bench_run_pair(bench_subject *subject, const bench_workload *workload)
{
    const bench_target *target = subject->target;
    size_t fill = workload->fill_count;
    clear(subject, workload);
    subject->refused = bench_fill(target, subject->state, subject->slots, workload->ops, fill);
    int64_t start = bench_thread_ns();
    subject->refused += bench_replay(target, subject->state, subject->slots, workload->ops + fill,
                                     workload->op_count - fill);
    int64_t end = bench_thread_ns();
    return (double)(end - start) / (double)workload->alloc_count;
}

void bench_run_split(bench_subject *subject, const bench_workload *workload,
                     const bench_split *split, double *alloc_ns, double *free_ns)
{
    const bench_target *target = subject->target;
    const bench_op *ops = split->ops;
    int64_t alloc_time = 0;
    int64_t free_time = 0;
    uint64_t alloc_count = 0;
    uint64_t free_count = 0;
    clear(subject, workload);
    (void)bench_fill(target, subject->state, subject->slots, workload->ops, workload->fill_count);
    for (size_t i = 0; i < split->window_count; i++) {
        bench_window window = split->windows[i];
        int64_t start = bench_now_ns();
        (void)bench_replay(target, subject->state, subject->slots, ops, window.free_count);
        int64_t middle = bench_now_ns();
        ops += window.free_count;
        (void)bench_replay(target, subject->state, subject->slots, ops, window.alloc_count);
        int64_t end = bench_now_ns();
        ops += window.alloc_count;
        if (end - start <= WINDOW_NS_MAX) {
            alloc_time += end - middle;
            alloc_count += window.alloc_count;
            free_time += middle - start;
            free_count += window.free_count;
        }
    }
    *alloc_ns = alloc_count > 0 ? (double)alloc_time / (double)alloc_count : 0;
    *free_ns = free_count > 0 ? (double)free_time / (double)free_count : 0;
}

bool bench_split_init(bench_split *split, const bench_workload *workload)
{
    size_t count = workload->op_count - workload->fill_count;
    const bench_op *from = workload->ops + workload->fill_count;
    size_t *born = calloc(workload->slot_count + (size_t)1, sizeof *born);
    split->ops = malloc((count + 1) * sizeof *split->ops);
    split->windows = malloc((count + 1) * sizeof *split->windows);
    split->window_count = 0;
    if (!born || !split->ops || !split->windows) {
        free(born);
        bench_split_finish(split);
        return false;
    }
    size_t start = 0;
    size_t done = 0;
    while (start < count) {
        bench_window window = {0, 0};
        size_t end = start;
        size_t number = split->window_count + 1;
        for (; end < count; end++) {
            bool is_free = from[end].size == 0;
            if ((is_free ? window.free_count : window.alloc_count) == WINDOW_OPS ||
                (is_free && born[from[end].slot] == number)) {
                break;
            }
            if (is_free) {
                split->ops[done++] = from[end];
                window.free_count++;
            } else {
                born[from[end].slot] = number;
                window.alloc_count++;
            }
        }
        for (size_t i = start; i < end; i++) {
            if (from[i].size > 0) {
                split->ops[done++] = from[i];
            }
        }
        split->windows[split->window_count++] = window;
        start = end;
    }
    free(born);
    return true;
}

void bench_split_finish(bench_split *split)
{
    free(split->ops);
    free(split->windows);
    *split = (bench_split){0};
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

bench_summary bench_summarise(double *values, unsigned count, double floor)
{
    if (count == 0) {
        return (bench_summary){0};
    }
    qsort(values, count, sizeof *values, compare_doubles);
    double median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    return (bench_summary){.median = median - floor,
                           .p10 = values[(count - 1) / 10] - floor,
                           .p90 = values[count - 1 - (count - 1) / 10] - floor,
                           .min = values[0] - floor};
}

/* Whether a block of `block_size` bytes serves the whole workload. */
static bool serves(const bench_target *target, const bench_workload *workload, uint64_t block_size)
{
    bench_subject subject;
    if (!bench_subject_init(&subject, target, workload, block_size, 0)) {
        return false;
    }
    uint64_t refused = 0;
    for (size_t at = 0; at < workload->op_count && refused == 0;) {
        size_t count = workload->op_count - at < 4096 ? workload->op_count - at : 4096;
        refused = bench_fill(target, subject.state, subject.slots, workload->ops + at, count);
        at += count;
    }
    bench_subject_finish(&subject, workload);
    return refused == 0;
}

/* A bisection in steps of a thousandth of the peak. Whether a block serves is not monotone in its
 * size, as a little more room may lead to quite another layout: what comes out is one border
 * between sizes that do and sizes that do not, the one that a bisection between 1 and 4 finds. */
double bench_space(const bench_target *target, const bench_workload *workload)
{
    uint64_t steps_low = 999; /* no block smaller than the peak can serve */
    uint64_t steps_high = 4000;
    uint64_t alignment = workload->desc->alignment_min;
    while (steps_high - steps_low > 1) {
        uint64_t middle = (steps_low + steps_high) / 2;
        uint64_t size = workload->peak_bytes / 1000 * middle;
        size = (size + alignment - 1) / alignment * alignment;
        if (serves(target, workload, size)) {
            steps_high = middle;
        } else {
            steps_low = middle;
        }
    }
    return steps_high < 4000 ? (double)steps_high / 1000 : 0;
}
