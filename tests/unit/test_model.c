/* Random operations on blocks of every size and both algorithms, each compared with the exact model
 * in shadow.c: a request fails if and only if nothing fits, nothing overlaps, everything is always
 * merged, statistics are exact, dead handles are refused. FREEHOLD_OPS sets how many operations
 * there are in all, FREEHOLD_SEED which. */

#include "checks.h"

#include <inttypes.h>
#include <stdio.h>

/* What one block sees. */
typedef struct profile {
    const char *name;
    fh_block_algorithm algorithm;
    uint64_t block_size;
    uint64_t base, spread;      /* request sizes are base + log-uniform 1 to spread */
    unsigned int alignment_max; /* log2 */
    unsigned int coarse_max;    /* log2: requests start no smaller and no less aligned than this */
    size_t live_max;            /* more are not made, so that the model stays quick */
    unsigned int check_every;   /* steps from one full audit and comparison to the next */
    unsigned int share;         /* of all operations, in thousandths */
} profile;

#define P2(n) (UINT64_C(1) << (n))

static const profile profiles[] = {
    {"TLSF, 64 units", FH_BLOCK_TLSF, 64, 0, 16, 6, 3, 64, 1, 120},
    {"TLSF, 1,000 units", FH_BLOCK_TLSF, 1000, 0, 100, 8, 0, 200, 1, 80},
    {"TLSF, one bin", FH_BLOCK_TLSF, P2(27) + 12345, P2(20), P2(14), 12, 0, 130, 1, 80},
    {"TLSF, small sizes in one bin", FH_BLOCK_TLSF, 20000, 126, 6, 4, 5, 150, 1, 80},
    {"TLSF, coarse, then finer", FH_BLOCK_TLSF, P2(20) + 77, 0, P2(16), 13, 14, 200, 1, 80},
    {"TLSF, 64 Mi units", FH_BLOCK_TLSF, P2(26), 0, P2(20), 16, 18, 300, 1, 100},
    {"TLSF, 2^40 units", FH_BLOCK_TLSF, P2(40) - 1, 0, P2(38), 32, 34, 100, 1, 60},
    {"TLSF, 2^63 units", FH_BLOCK_TLSF, P2(63), 0, P2(62), 62, 60, 200, 1, 80},
    {"TLSF, many ranges", FH_BLOCK_TLSF, P2(24), 0, 4096, 8, 8, 20000, 4096, 30},
    {"linear, 64 units", FH_BLOCK_LINEAR, 64, 0, 16, 6, 0, 64, 1, 100},
    {"linear, 1,000 units", FH_BLOCK_LINEAR, 1000, 0, 100, 6, 3, 100, 1, 100},
    {"linear, 2^63 units", FH_BLOCK_LINEAR, P2(63), 0, P2(60), 61, 50, 100, 1, 60},
    {"linear, many ranges", FH_BLOCK_LINEAR, P2(24), 0, 4096, 8, 0, 20000, 4096, 30},
};

typedef struct run {
    const profile *profile;
    test_rng rng;
    shadow model;
    fh_block *block;
    test_memory memory; /* hands out rubbish, so that nothing relies on zeroes */
    unsigned int alloc_percent;
    unsigned int user_percent;
    unsigned int upper_percent;
    unsigned int coarse; /* log2 of the smallest size and alignment of now; only falls */
    uint64_t order;      /* which range is freed: 0 any, 1 the newest, 2 the oldest */
    uint64_t refused, succeeded;
} run;

/* A new block in place of the old one, ranges and all. */
static void renew(run *r)
{
    const profile *p = r->profile;
    fh_block_destroy(r->block);
    shadow_finish(&r->model);
    shadow_init(&r->model, p->block_size, p->algorithm);
    fh_block_desc desc = {.size = p->block_size, .algorithm = p->algorithm};
    desc.memory = &r->memory.host;
    CHECK_OK(fh_block_create(&desc, &r->block));
    r->coarse = (unsigned int)test_below(&r->rng, p->coarse_max + 1);
}

/* Every few hundred steps: growing or shrinking, in which order ranges are freed, how small
 * requests can be. */
static void new_phase(run *r)
{
    if (test_chance(&r->rng, r->profile->coarse_max > 0 ? 10 : 2)) {
        renew(r);
    } else if (test_chance(&r->rng, 30)) {
        r->coarse = (unsigned int)test_below(&r->rng, r->coarse + 1);
    }
    r->alloc_percent = (unsigned int)(25 + 10 * test_below(&r->rng, 7));
    r->upper_percent = test_chance(&r->rng, 30) ? 40 : 0;
    r->user_percent = test_chance(&r->rng, 50) ? 50 : 0;
    r->order = r->profile->algorithm == FH_BLOCK_LINEAR ? test_below(&r->rng, 3) : 0;
}

/* The size of one of the gaps, a little more, or what is left of it after alignment. */
static void ask_for_a_gap(run *r, fh_range_desc *desc)
{
    const shadow *m = &r->model;
    size_t index = (size_t)test_below(&r->rng, m->count + 1);
    uint64_t from = index > 0 ? m->ranges[index - 1].offset + m->ranges[index - 1].size : 0;
    uint64_t to = index < m->count ? m->ranges[index].offset : m->size;
    uint64_t padding = (0 - from) & (desc->alignment - 1);
    if (to - from > padding) {
        desc->size = to - from - padding + (test_chance(&r->rng, 30) ? 1 : 0);
    }
}

static const char *step_alloc(run *r)
{
    const profile *p = r->profile;
    fh_range_desc desc = {.size = p->base + test_log_uniform(&r->rng, p->spread)};
    desc.size = desc.size < P2(r->coarse) ? desc.size + P2(r->coarse) : desc.size;
    unsigned int shift = (unsigned int)test_below(&r->rng, p->alignment_max + 1);
    shift = test_chance(&r->rng, 50) ? 0 : shift;
    desc.alignment = P2(shift < r->coarse ? r->coarse : shift);
    desc.strategy = (fh_strategy)test_below(&r->rng, 4);
    desc.user = test_chance(&r->rng, r->user_percent) ? r : NULL;
    desc.upper = p->algorithm == FH_BLOCK_LINEAR && test_chance(&r->rng, r->upper_percent);
    if (test_chance(&r->rng, 10)) {
        ask_for_a_gap(r, &desc);
    }
    fh_result result;
    const char *fault = shadow_alloc(&r->model, r->block, &desc, &result, NULL);
    r->succeeded += result == FH_OK;
    r->refused += result != FH_OK;
    return fault;
}

static const char *step_free(run *r)
{
    const shadow *m = &r->model;
    size_t index = (size_t)test_below(&r->rng, m->count);
    bool upper = m->upper_count > 0 && test_chance(&r->rng, 50);
    if (r->order ==
        1) { /* the top of a stack: the newest of the ring, the lower or the upper part */
        index = m->ring_count > 0 ? m->ring_count - 1 : m->count - m->upper_count - 1;
        index = upper || index >= m->count ? m->count - m->upper_count : index;
    } else if (r->order == 2) {
        index = upper ? m->count - 1 : m->ring_count;
    }
    return shadow_free(&r->model, r->block, index);
}

static const char *step_refuse(run *r)
{
    if (r->model.stale_count == 0) {
        return fh_block_free(r->block, (fh_range){0}) == FH_OK ? NULL : "{0} is no no-op";
    }
    size_t kept = r->model.stale_count < SHADOW_STALE_MAX ? r->model.stale_count : SHADOW_STALE_MAX;
    return shadow_refuse(&r->model, r->block, r->model.stale[test_below(&r->rng, kept)]);
}

static const char *step_resize(run *r)
{
    const shadow *m = &r->model;
    uint64_t size = r->profile->block_size / 2 + test_log_uniform(&r->rng, r->profile->block_size);
    if (m->count > 0 && test_chance(&r->rng, 30)) { /* to the last range's end, or 1 too short */
        size = m->ranges[m->count - 1].offset + m->ranges[m->count - 1].size;
        size -= test_below(&r->rng, 2);
    }
    return shadow_resize(&r->model, r->block, size, NULL);
}

static const char *step(run *r)
{
    uint64_t dice = test_below(&r->rng, 10000);
    if (dice < 5) {
        return shadow_clear(&r->model, r->block);
    }
    if (dice < 50) {
        return step_resize(r);
    }
    if (dice < 400) {
        return step_refuse(r);
    }
    if (dice < 550 && r->model.count > 0) {
        size_t index = (size_t)test_below(&r->rng, r->model.count);
        return shadow_set_user(&r->model, r->block, index, dice % 2 == 0 ? r : NULL, NULL);
    }
    if (r->model.count < r->profile->live_max &&
        (r->model.count == 0 || test_chance(&r->rng, r->alloc_percent))) {
        return step_alloc(r);
    }
    return step_free(r);
}

static void follow(const profile *p, uint64_t operations)
{
    run r = {.profile = p, .rng = {test_seed() ^ (uint64_t)(p - profiles)}};
    test_memory_init(&r.memory);
    renew(&r);
    for (uint64_t i = 0; i < operations; i++) {
        if (i % 256 == 0) {
            new_phase(&r);
        }
        const char *fault = step(&r);
        if (fault == NULL && (i % p->check_every == 0 || i + 1 == operations)) {
            fault = fhi_block_audit(r.block);
            fault = fault != NULL ? fault : shadow_compare(&r.model, r.block);
        }
        if (fault != NULL) {
            print_error("%s: step %" PRIu64 " of %" PRIu64 "\n", p->name, i, operations);
            fail_msg("%s", fault);
        }
    }
    if (operations > 10000) { /* a run that only succeeds, or only fails, proves little */
        assert_true(r.succeeded > operations / 20);
        assert_true(r.refused > operations / 1000 || p->live_max >= 20000);
    }
    fh_block_destroy(r.block);
    shadow_finish(&r.model);
    test_memory_finish(&r.memory);
}

static void a_block_is_what_its_model_says(void **state)
{
    const profile *p = *state;
    uint64_t operations = test_operations(1000000);
    follow(p, operations * p->share / 1000 + 1);
}

int main(void)
{
    test_seed();
    struct CMUnitTest tests[TEST_COUNT_OF(profiles)] = {{0}};
    char names[TEST_COUNT_OF(profiles)][96];
    for (size_t i = 0; i < TEST_COUNT_OF(profiles); i++) {
        snprintf(names[i], sizeof names[i], "a_block_is_what_its_model_says (%s)",
                 profiles[i].name);
        tests[i].name = names[i];
        tests[i].test_func = a_block_is_what_its_model_says;
        tests[i].initial_state = (void *)&profiles[i];
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
