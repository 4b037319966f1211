/* What happens when the host has no memory: a whole scenario is run again and again, with the 1st,
 * 2nd, 3rd … host allocation failing, until it passes without a failure. Each failure must be told,
 * must have changed nothing, and must not stand in the way of trying again. */

#include "checks.h"

#include <inttypes.h>
#include <string.h>

typedef struct scenario {
    fh_block_algorithm algorithm;
    test_memory memory;
    shadow model;
    fh_block *block;
    test_rng rng;
    void *user;    /* of every second range */
    uint64_t told; /* failures that a call told of */
} scenario;

/* The last call returned `result`. True when it ran out of host memory: nothing changed, try
 * again. */
static bool ran_out(scenario *s, fh_result result)
{
    if (result != FH_ERR_HOST_MEMORY) {
        return false;
    }
    assert_true(s->memory.failure_count > 0);
    assert_true(strlen(fh_error_detail()) > 0);
    CHECK_SOUND(s->block);
    CHECK_NO_FAULT(shadow_compare(&s->model, s->block));
    s->memory.fail_at = 0;
    s->told++;
    return true;
}

static void create(scenario *s, uint64_t size)
{
    shadow_init(&s->model, size, s->algorithm);
    fh_block_desc desc = {.size = size, .algorithm = s->algorithm, .memory = &s->memory.host};
    fh_result result = fh_block_create(&desc, &s->block);
    if (result == FH_ERR_HOST_MEMORY) {
        assert_null(s->block);
        assert_true(s->memory.failure_count > 0);
        assert_true(s->memory.live_count == 0); /* what it had got already was given back */
        s->memory.fail_at = 0;
        s->told++;
        result = fh_block_create(&desc, &s->block);
    }
    CHECK_OK(result);
    s->model.host_may_fail = true;
}

static void alloc(scenario *s, fh_range_desc desc)
{
    fh_result result;
    CHECK_NO_FAULT(shadow_alloc(&s->model, s->block, &desc, &result, NULL));
    if (ran_out(s, result)) {
        CHECK_NO_FAULT(shadow_alloc(&s->model, s->block, &desc, &result, NULL));
        assert_int_not_equal(result, FH_ERR_HOST_MEMORY);
    }
}

static void resize(scenario *s, uint64_t size)
{
    fh_result result;
    CHECK_NO_FAULT(shadow_resize(&s->model, s->block, size, &result));
    if (ran_out(s, result)) {
        CHECK_NO_FAULT(shadow_resize(&s->model, s->block, size, &result));
        assert_int_not_equal(result, FH_ERR_HOST_MEMORY);
    }
}

static void set_user(scenario *s, size_t index)
{
    fh_result result;
    CHECK_NO_FAULT(shadow_set_user(&s->model, s->block, index, s, &result));
    if (ran_out(s, result)) {
        CHECK_NO_FAULT(shadow_set_user(&s->model, s->block, index, s, &result));
        CHECK_OK(result);
    }
}

/* Sizes and alignments from 2 to the `coarse` on. */
static void alloc_many(scenario *s, size_t count, fh_strategy most, unsigned int coarse)
{
    for (size_t i = 0; i < count; i++) {
        fh_range_desc desc = {.size = 1 + test_below(&s->rng, 100), .strategy = most};
        desc.size += (UINT64_C(1) << coarse) - 1;
        desc.alignment = UINT64_C(1) << (coarse + test_below(&s->rng, 5));
        desc.upper = s->algorithm == FH_BLOCK_LINEAR && i % 3 == 0;
        desc.user = i % 2 == 0 ? s->user : NULL;
        alloc(s, desc);
    }
}

/* Freeing never needs host memory. */
static void free_many(scenario *s, size_t count)
{
    for (size_t i = 0; i < count && s->model.count > 0; i++) {
        size_t index = (size_t)test_below(&s->rng, s->model.count);
        CHECK_NO_FAULT(shadow_free(&s->model, s->block, index));
    }
}

static void look(scenario *s)
{
    CHECK_SOUND(s->block);
    CHECK_NO_FAULT(shadow_compare(&s->model, s->block));
    test_text text = {0};
    CHECK_OK(fh_block_json(s->block, true, test_text_write, &text));
    test_text_finish(&text);
}

static void play(scenario *s)
{
    create(s, 1 << 24);
    alloc_many(s, 200, FH_STRATEGY_BALANCED, 12);
    free_many(s, 50);
    set_user(s, 7); /* the first one in this block */
    s->user = s;
    alloc_many(s, 200, FH_STRATEGY_BALANCED, 6); /* smaller than all before */
    alloc_many(s, 300, FH_STRATEGY_MIN_MEMORY, 0);
    look(s);
    alloc_many(s, 200, FH_STRATEGY_MIN_OFFSET, 3); /* the first: what they need is made now */
    free_many(s, 300);
    alloc_many(s, 400, FH_STRATEGY_MIN_TIME, 0);
    look(s);
    CHECK_NO_FAULT(shadow_clear(&s->model, s->block));
    look(s);
    resize(s, UINT64_C(1) << 25);
    resize(s, UINT64_C(1) << 50); /* needs more bins */
    alloc_many(s, 150, FH_STRATEGY_MIN_OFFSET, 8);
    alloc_many(s, 150, FH_STRATEGY_MIN_OFFSET, 0);
    resize(s, FH_BLOCK_SIZE_MAX);
    resize(s, s->model.size / 2);
    look(s);
    CHECK_NO_FAULT(shadow_clear(&s->model, s->block));
    alloc_many(s, 50, FH_STRATEGY_MIN_OFFSET, 0);
    CHECK_NO_FAULT(shadow_clear(&s->model, s->block));
    look(s);
    alloc_many(s, 700, FH_STRATEGY_MIN_OFFSET, 0); /* grows everything again */
    free_many(s, 600);
    look(s);
    fh_block_destroy(s->block);
    shadow_finish(&s->model);
}

/* With `fail_on` not one allocation fails but all, until the call is tried again. */
static void run_until_it_passes(fh_block_algorithm algorithm, bool fail_on)
{
    uint64_t told = 0;
    uint64_t n = 0;
    bool failed;
    do {
        scenario s = {.algorithm = algorithm, .rng = {test_seed()}};
        test_memory_init(&s.memory);
        s.memory.fail_at = ++n;
        s.memory.fail_on = fail_on;
        play(&s);
        failed = s.memory.failure_count > 0;
        told += s.told;
        test_memory_finish(&s.memory); /* aborts when something leaked */
    } while (failed);
    print_message("%" PRIu64 " host allocations failed in turn\n", n - 1);
    assert_true(n > 10);           /* the scenario does make the bookkeeping grow */
    assert_true(told + 8 > n - 1); /* only a clear's may go untold */
}

static void each_host_allocation_of_a_tlsf_block_can_fail(void **state)
{
    (void)state;
    run_until_it_passes(FH_BLOCK_TLSF, false);
}

static void each_host_allocation_of_a_linear_block_can_fail(void **state)
{
    (void)state;
    run_until_it_passes(FH_BLOCK_LINEAR, false);
}

static void the_host_of_a_tlsf_block_can_run_dry_at_any_point(void **state)
{
    (void)state;
    run_until_it_passes(FH_BLOCK_TLSF, true);
}

static void the_host_of_a_linear_block_can_run_dry_at_any_point(void **state)
{
    (void)state;
    run_until_it_passes(FH_BLOCK_LINEAR, true);
}

static void freeing_and_looking_need_no_host_memory(void **state)
{
    (void)state;
    for (int algorithm = FH_BLOCK_TLSF; algorithm <= FH_BLOCK_LINEAR; algorithm++) {
        scenario s = {.algorithm = (fh_block_algorithm)algorithm, .rng = {test_seed()}};
        test_memory_init(&s.memory);
        create(&s, 1 << 20);
        alloc_many(&s, 150, FH_STRATEGY_MIN_OFFSET, 7);
        alloc_many(&s, 150, FH_STRATEGY_MIN_OFFSET, 0);
        s.memory.fail_at = 1;
        s.memory.fail_on = true;
        free_many(&s, 150);
        look(&s);
        free_many(&s, 150);
        look(&s);
        assert_true(s.memory.failure_count == 0);
        fh_block_destroy(s.block);
        shadow_finish(&s.model);
        test_memory_finish(&s.memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_host_allocation_of_a_tlsf_block_can_fail),
        cmocka_unit_test(each_host_allocation_of_a_linear_block_can_fail),
        cmocka_unit_test(the_host_of_a_tlsf_block_can_run_dry_at_any_point),
        cmocka_unit_test(the_host_of_a_linear_block_can_run_dry_at_any_point),
        cmocka_unit_test(freeing_and_looking_need_no_host_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
