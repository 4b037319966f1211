/* Sequences are made with a fixed seed and integer arithmetic only, so they are the same on every
 * machine. A victim is chosen here, not while replaying: a target cannot influence what it is
 * asked. An allocation that a target refuses is counted, and its free is skipped; W1 at 90 % and W4
 * come near enough to the block's size for that, the others have room for every target.
 *
 * Sizes are log-uniform. Alignments are 256, but in W7 the power of two is drawn at random. */

#include "workload.h"

#include <stdlib.h>
#include <string.h>

#define KIB(n)               ((uint32_t)(n) << 10)
#define MIB(n)               ((uint32_t)(n) << 20)
#define GIB(n)               ((uint64_t)(n) << 30)
#define PERCENT(part, whole) ((whole) / 100 * (part))

/* The four variants of W1 differ in occupancy and rounding. */
#define W1(name_, title_, occupancy, round_, space_)                                               \
    {                                                                                              \
        .name = (name_), .title = (title_), .block_size = GIB(2),                                  \
        .live_bytes = PERCENT(occupancy, GIB(2)), .size_min = 256, .size_max = MIB(4),             \
        .size_round = (round_), .alignment_min = 256, .alignment_max = 256, .pair_count = 200000,  \
        .space = (space_)                                                                          \
    }

/* Frees come in an order that a linear block serves. */
#define IN_ORDER(name_, title_, pattern_, block, live, min)                                        \
    {                                                                                              \
        .name = (name_), .title = (title_), .pattern = (pattern_), .block_size = (block),          \
        .live_count = (live), .size_min = (min), .size_max = KIB(64), .size_round = 1,             \
        .alignment_min = 256, .alignment_max = 256, .pair_count = 200000, .linear = true           \
    }

/* The block has room for every unit at its largest, so nobody refuses. */
#define W5(name_, title_, live, pairs)                                                             \
    {                                                                                              \
        .name = (name_), .title = (title_), .pattern = BENCH_CHURN_COUNT,                          \
        .block_size = (uint64_t)(live)*KIB(4), .live_count = (live), .size_min = 256,              \
        .size_max = KIB(4), .size_round = 256, .alignment_min = 256, .alignment_max = 256,         \
        .pair_count = (pairs)                                                                      \
    }

const bench_workload_desc bench_workloads[] = {
    W1("W1a", "churn, 2 GiB at 50 %, 256 B-4 MiB, rounded to 256", 50, 256, false),
    W1("W1b", "churn, 2 GiB at 50 %, 256 B-4 MiB, not rounded", 50, 1, true),
    W1("W1c", "churn, 2 GiB at 90 %, 256 B-4 MiB, rounded to 256", 90, 256, false),
    W1("W1d", "churn, 2 GiB at 90 %, 256 B-4 MiB, not rounded", 90, 1, false),
    IN_ORDER("W2", "LIFO, 20,000 x 64 KiB", BENCH_LIFO, GIB(2), 20000, KIB(64)),
    IN_ORDER("W3", "frames of 2,000, 256 B-64 KiB, N-2 freed at N", BENCH_FRAMES, MIB(256), 2000,
             256),
    {.name = "W4",
     .title = "textures, 2 GiB at 80 %, 64 KiB-64 MiB",
     .block_size = GIB(2),
     .live_bytes = PERCENT(80, GIB(2)),
     .size_min = KIB(64),
     .size_max = MIB(64),
     .size_round = 256,
     .alignment_min = 256,
     .alignment_max = 256,
     .pair_count = 200000,
     .space = true},
    W5("W5a", "churn, 1,000 live, 256 B-4 KiB", 1000, 200000),
    W5("W5b", "churn, 10,000 live, 256 B-4 KiB", 10000, 200000),
    W5("W5c", "churn, 100,000 live, 256 B-4 KiB", 100000, 200000),
    W5("W5d", "churn, 1,000,000 live, 256 B-4 KiB", 1000000, 500000),
    IN_ORDER("W6", "FIFO window of 4,096, 256 B-64 KiB", BENCH_FIFO, MIB(128), 4096, 256),
    {.name = "W7",
     .title = "churn, 1 GiB at 50 %, 64 B-1 MiB, aligned 4 B-64 KiB",
     .block_size = GIB(1),
     .live_bytes = PERCENT(50, GIB(1)),
     .size_min = 64,
     .size_max = MIB(1),
     .size_round = 1,
     .alignment_min = 4,
     .alignment_max = KIB(64),
     .pair_count = 200000,
     .space = true},
    {.name = NULL},
};

/* xoshiro256**, seeded by splitmix64. Source: Blackman, Vigna, https://prng.di.unimi.it */
typedef struct random_state {
    uint64_t s[4];
} random_state;

static uint64_t rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static uint64_t random_next(random_state *random)
{
    uint64_t *s = random->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

static void random_init(random_state *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        random->s[i] = z ^ (z >> 31);
    }
}

/* 0 to bound - 1; the bias is below bound / 2^32. */
static uint32_t random_below(random_state *random, uint32_t bound)
{
    return (uint32_t)(((random_next(random) >> 32) * bound) >> 32);
}

static uint32_t log2_floor(uint32_t x)
{
    uint32_t log = 0;
    while (x >>= 1) {
        log++;
    }
    return log;
}

/* size_min x 2^u, u uniform in steps of 2^-16 of an octave. */
static uint32_t random_size(random_state *random, const bench_workload_desc *desc)
{
    /* 2^(1/2), 2^(1/4), 2^(1/8) ... with 32 binary places */
    static const uint64_t roots[16] = {
        UINT64_C(0x16a09e668), UINT64_C(0x1306fe0a3), UINT64_C(0x1172b83c8), UINT64_C(0x10b5586d0),
        UINT64_C(0x1059b0d31), UINT64_C(0x102c9a3e7), UINT64_C(0x10163da9f), UINT64_C(0x100b1afa6),
        UINT64_C(0x10058c86e), UINT64_C(0x1002c605e), UINT64_C(0x100162f39), UINT64_C(0x1000b175f),
        UINT64_C(0x100058ba0), UINT64_C(0x10002c5cc), UINT64_C(0x1000162e5), UINT64_C(0x10000b172)};
    uint32_t octaves = log2_floor(desc->size_max / desc->size_min);
    uint32_t exponent = octaves > 0 ? random_below(random, octaves) : 0;
    uint32_t fraction = octaves > 0 ? random_below(random, 1U << 16) : 0;
    uint64_t factor = UINT64_C(1) << 32;
    for (uint32_t i = 0; i < 16; i++) {
        if (fraction & (0x8000U >> i)) {
            factor = (factor * (roots[i] >> 1)) >> 31;
        }
    }
    uint64_t size = (((uint64_t)desc->size_min << exponent) * (factor >> 4)) >> 28;
    return (uint32_t)((size + desc->size_round - 1) / desc->size_round * desc->size_round);
}

/* A sequence that is being made. */
typedef struct maker {
    bench_workload *workload;
    size_t op_capacity;
    random_state random;
    uint32_t *sizes;      /* by slot */
    uint32_t *live;       /* slots that live: queues in order of birth, churn in none */
    uint32_t *free_slots; /* a stack */
    uint32_t live_count, free_count, slot_capacity;
    uint64_t live_bytes;
    bool failed;
} maker;

static void push(maker *make, bench_op op)
{
    bench_workload *workload = make->workload;
    if (workload->op_count == make->op_capacity) {
        size_t capacity = make->op_capacity * 2;
        bench_op *ops = realloc(workload->ops, capacity * sizeof *ops);
        if (!ops) {
            make->failed = true;
            return;
        }
        workload->ops = ops;
        make->op_capacity = capacity;
    }
    workload->ops[workload->op_count++] = op;
}

static uint32_t push_alloc(maker *make, uint32_t size)
{
    const bench_workload_desc *desc = make->workload->desc;
    if (make->free_count == 0 && make->workload->slot_count == make->slot_capacity) {
        make->failed = true; /* not reached: the capacity is the most that can live */
        return 0;
    }
    uint32_t slot =
        make->free_count > 0 ? make->free_slots[--make->free_count] : make->workload->slot_count++;
    uint32_t steps = log2_floor(desc->alignment_max / desc->alignment_min);
    uint32_t alignment = desc->alignment_min
                         << (steps > 0 ? random_below(&make->random, steps + 1) : 0);
    push(make, (bench_op){.slot = slot, .size = size, .alignment = alignment});
    make->sizes[slot] = size;
    make->live_bytes += size;
    if (make->live_bytes > make->workload->peak_bytes) {
        make->workload->peak_bytes = make->live_bytes;
    }
    return slot;
}

static void push_free(maker *make, uint32_t slot)
{
    push(make, (bench_op){.slot = slot});
    make->live_bytes -= make->sizes[slot];
    make->free_slots[make->free_count++] = slot;
}

static void push_free_random(maker *make)
{
    uint32_t victim = random_below(&make->random, make->live_count);
    push_free(make, make->live[victim]);
    make->live[victim] = make->live[--make->live_count];
}

static void make_churn(maker *make, uint32_t pair_count)
{
    const bench_workload_desc *desc = make->workload->desc;
    bool by_count = desc->pattern == BENCH_CHURN_COUNT;
    bool filling = true;
    for (uint32_t done = 0; done < pair_count && !make->failed;) {
        uint32_t size = random_size(&make->random, desc);
        bool full = by_count ? make->live_count == desc->live_count
                             : make->live_bytes + size > desc->live_bytes;
        if (full && filling) {
            filling = false;
            make->workload->fill_count = make->workload->op_count;
        }
        if (by_count && full) {
            push_free_random(make);
        }
        while (!by_count && make->live_bytes + size > desc->live_bytes) {
            push_free_random(make);
        }
        make->live[make->live_count++] = push_alloc(make, size);
        done += filling ? 0 : 1;
    }
}

static void make_lifo(maker *make, uint32_t pair_count)
{
    const bench_workload_desc *desc = make->workload->desc;
    for (uint32_t done = 0; done < pair_count && !make->failed; done += desc->live_count) {
        for (uint32_t i = 0; i < desc->live_count; i++) {
            make->live[i] = push_alloc(make, random_size(&make->random, desc));
        }
        for (uint32_t i = desc->live_count; i-- > 0;) {
            push_free(make, make->live[i]);
        }
    }
}

/* A ring of `capacity` allocations, of which the oldest `batch` are freed before `batch` new ones
 * take their places; `capacity` is a multiple of `batch`. */
static void make_queue(maker *make, uint32_t pair_count, uint32_t capacity, uint32_t batch)
{
    uint32_t next = 0; /* the place of the next allocation; in a full ring, of the oldest */
    for (uint32_t done = 0; done < pair_count && !make->failed;) {
        bool full = make->live_count == capacity;
        if (full && done == 0) {
            make->workload->fill_count = make->workload->op_count;
        }
        for (uint32_t i = 0; full && i < batch; i++) {
            push_free(make, make->live[next + i]);
        }
        for (uint32_t i = 0; i < batch; i++) {
            make->live[next + i] =
                push_alloc(make, random_size(&make->random, make->workload->desc));
        }
        next = next + batch == capacity ? 0 : next + batch;
        make->live_count += full ? 0 : batch;
        done += full ? batch : 0;
    }
}

static void make_sequence(maker *make, uint32_t pair_count)
{
    const bench_workload_desc *desc = make->workload->desc;
    switch (desc->pattern) {
    case BENCH_CHURN_BYTES:
    case BENCH_CHURN_COUNT:
        make_churn(make, pair_count);
        break;
    case BENCH_LIFO:
        make_lifo(make, pair_count);
        break;
    case BENCH_FRAMES:
        make_queue(make, pair_count, 2 * desc->live_count, desc->live_count);
        break;
    case BENCH_FIFO:
        make_queue(make, pair_count, desc->live_count, 1);
        break;
    }
}

bool bench_workload_init(bench_workload *workload, const bench_workload_desc *desc,
                         uint32_t pair_count, uint64_t seed)
{
    uint64_t capacity = (uint64_t)desc->live_count * 2;
    if (desc->pattern == BENCH_CHURN_BYTES) {
        capacity = desc->live_bytes / desc->size_min;
    }
    if (capacity > (1U << 24)) {
        capacity = 1U << 24;
    }
    *workload = (bench_workload){.desc = desc};
    maker make = {
        .workload = workload,
        .op_capacity = (size_t)1 << 16,
        .slot_capacity = (uint32_t)capacity,
        .sizes = calloc(capacity, sizeof(uint32_t)),
        .live = calloc(capacity, sizeof(uint32_t)),
        .free_slots = calloc(capacity, sizeof(uint32_t)),
    };
    workload->ops = malloc(make.op_capacity * sizeof *workload->ops);
    make.failed = !make.sizes || !make.live || !make.free_slots || !workload->ops;
    random_init(&make.random, seed);
    if (!make.failed) {
        make_sequence(&make, pair_count);
    }
    free(make.sizes);
    free(make.live);
    free(make.free_slots);
    for (size_t i = workload->fill_count; i < workload->op_count; i++) {
        workload->alloc_count += workload->ops[i].size > 0 ? 1 : 0;
    }
    if (make.failed) {
        bench_workload_finish(workload);
    }
    return !make.failed;
}

void bench_workload_finish(bench_workload *workload)
{
    free(workload->ops);
    *workload = (bench_workload){0};
}
