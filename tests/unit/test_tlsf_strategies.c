/* TLSF strategies: what each promises beyond finding room, checked by looking at every gap. */

#include "checks.h"

/* Fills `block` with ranges and frees about half of them, so that there are gaps of many sizes. */
static void scatter(shadow *model, fh_block *block, test_rng *rng, uint64_t max_size, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fh_range_desc desc = {.size = test_log_uniform(rng, max_size)};
        desc.alignment = UINT64_C(1) << test_below(rng, 6);
        CHECK_NO_FAULT(shadow_alloc(model, block, &desc, NULL, NULL));
    }
    for (size_t i = 0; i < count / 2 && model->count > 0; i++) {
        CHECK_NO_FAULT(shadow_free(model, block, (size_t)test_below(rng, model->count)));
    }
}

/* shadow_alloc fails when MIN_MEMORY leaves a smaller gap that would do, or MIN_OFFSET a lower
 * one. */
static void allocate_all_by(fh_strategy strategy, uint64_t seed)
{
    static const uint64_t sizes[] = {500, 1 << 16, UINT64_C(1) << 40, FH_BLOCK_SIZE_MAX};
    test_rng rng = {seed};
    for (size_t round = 0; round < 40; round++) {
        uint64_t size = sizes[round % TEST_COUNT_OF(sizes)];
        shadow model;
        shadow_init(&model, size, FH_BLOCK_TLSF);
        fh_block *block = check_block(size, FH_BLOCK_TLSF);
        scatter(&model, block, &rng, size / 64, 150);
        for (int i = 0; i < 200; i++) {
            fh_range_desc desc = {.size = test_log_uniform(&rng, size / 16), .strategy = strategy};
            desc.alignment = UINT64_C(1) << test_below(&rng, 12);
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
            if (model.count > 0 && test_chance(&rng, 50)) {
                size_t index = (size_t)test_below(&rng, model.count);
                CHECK_NO_FAULT(shadow_free(&model, block, index));
            }
            CHECK_SOUND(block);
        }
        CHECK_NO_FAULT(shadow_compare(&model, block));
        fh_block_destroy(block);
        shadow_finish(&model);
    }
}

static void min_memory_is_a_true_best_fit(void **state)
{
    (void)state;
    allocate_all_by(FH_STRATEGY_MIN_MEMORY, test_seed());
}

static void min_offset_takes_the_lowest_offset_at_which_the_request_fits(void **state)
{
    (void)state;
    allocate_all_by(FH_STRATEGY_MIN_OFFSET, test_seed());
}

/* Many gaps of nearly one size: those a bin cannot tell apart. */
static void min_memory_tells_gaps_of_one_bin_apart(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    for (int round = 0; round < 20; round++) {
        shadow model;
        shadow_init(&model, UINT64_C(1) << 40, FH_BLOCK_TLSF);
        fh_block *block = check_block(model.size, FH_BLOCK_TLSF);
        for (int i = 0; i < 200; i++) {
            fh_range_desc gap = {.size = (1 << 24) + test_below(&rng, 1 << 17)};
            fh_range_desc wall = {.size = 1};
            CHECK_NO_FAULT(shadow_alloc(&model, block, &gap, NULL, NULL));
            CHECK_NO_FAULT(shadow_alloc(&model, block, &wall, NULL, NULL));
        }
        for (size_t i = 0; i < 200; i++) {
            size_t index = model.count - 2 - i; /* every second range, downwards */
            CHECK_NO_FAULT(shadow_free(&model, block, index));
        }
        for (int i = 0; i < 200; i++) {
            fh_range_desc desc = {.size = (1 << 24) + test_below(&rng, 1 << 17)};
            desc.strategy = FH_STRATEGY_MIN_MEMORY;
            desc.alignment = i % 4 == 0 ? 4096 : 1;
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
        }
        CHECK_SOUND(block);
        fh_block_destroy(block);
        shadow_finish(&model);
    }
}

/* Its size is the only one that need not be a multiple of the alignment that all requests share. */
static void min_memory_weighs_the_gap_at_the_end_like_any_other(void **state)
{
    (void)state;
    for (uint64_t end = 1; end <= 40; end++) {
        shadow model;
        shadow_init(&model, 48 + end, FH_BLOCK_TLSF);
        fh_block *block = check_block(model.size, FH_BLOCK_TLSF);
        static const uint64_t sizes[] = {16, 16, 9}; /* at 0, 16 and 32 */
        for (size_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
            fh_range_desc desc = {.size = sizes[i], .alignment = 16};
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
        }
        CHECK_NO_FAULT(shadow_free(&model, block, 1)); /* a gap of 16 units */
        for (int i = 0; i < 3; i++) {
            fh_range_desc desc = {.size = 9, .alignment = 16, .strategy = FH_STRATEGY_MIN_MEMORY};
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
            CHECK_SOUND(block);
            CHECK_NO_FAULT(shadow_compare(&model, block));
        }
        fh_block_destroy(block);
        shadow_finish(&model);
    }
}

static void min_offset_can_be_asked_for_late_in_a_block_s_life(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    for (size_t before = 0; before < 3000; before = before * 2 + 1) {
        shadow model;
        shadow_init(&model, 1 << 24, FH_BLOCK_TLSF);
        fh_block *block = check_block(model.size, FH_BLOCK_TLSF);
        scatter(&model, block, &rng, 1 << 12, before);
        for (int i = 0; i < 100; i++) {
            fh_range_desc desc = {.size = test_log_uniform(&rng, 1 << 14)};
            desc.strategy = FH_STRATEGY_MIN_OFFSET;
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
            CHECK_SOUND(block);
        }
        CHECK_NO_FAULT(shadow_compare(&model, block));
        fh_block_destroy(block);
        shadow_finish(&model);
    }
}

static void min_offset_still_holds_after_clear_and_resize(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    shadow model;
    shadow_init(&model, 1 << 16, FH_BLOCK_TLSF);
    fh_block *block = check_block(model.size, FH_BLOCK_TLSF);
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 30; i++) {
            fh_range_desc desc = {.size = test_log_uniform(&rng, 1 << 12)};
            desc.strategy = test_chance(&rng, 50) ? FH_STRATEGY_MIN_OFFSET : FH_STRATEGY_MIN_TIME;
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
            if (model.count > 0 && test_chance(&rng, 60)) {
                CHECK_NO_FAULT(shadow_free(&model, block, (size_t)test_below(&rng, model.count)));
            }
        }
        CHECK_NO_FAULT(shadow_resize(&model, block, test_log_uniform(&rng, 1 << 20), NULL));
        CHECK_SOUND(block);
        if (round % 10 == 9) {
            CHECK_NO_FAULT(shadow_clear(&model, block));
            CHECK_SOUND(block);
        }
        CHECK_NO_FAULT(shadow_compare(&model, block));
    }
    fh_block_destroy(block);
    shadow_finish(&model);
}

static void blocks_that_never_ask_for_min_offset_do_not_pay_for_it(void **state)
{
    (void)state;
    test_memory memory;
    test_memory_init(&memory);
    size_t without = 0;
    for (int with = 0; with <= 1; with++) {
        fh_block *block;
        fh_block_desc block_desc = {.size = 1 << 24, .memory = &memory.host};
        CHECK_OK(fh_block_create(&block_desc, &block));
        fh_range first = {0};
        for (int i = 0; i < 10000; i++) {
            fh_range_desc desc = {.size = 100};
            desc.strategy = with != 0 ? FH_STRATEGY_MIN_OFFSET : FH_STRATEGY_BALANCED;
            fh_range range;
            CHECK_OK(fh_block_alloc(block, &desc, &range, NULL));
            if (i % 2 == 1) {
                check_give(block, first); /* leaves a gap behind every second range */
            }
            first = range;
        }
        if (with == 0) {
            without = memory.live_bytes;
        } else {
            assert_true(without < memory.live_bytes);
        }
        fh_block_destroy(block);
    }
    test_memory_finish(&memory);
}

static void all_strategies_can_be_mixed_and_none_refuses_what_fits(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    for (int round = 0; round < 40; round++) {
        shadow model;
        shadow_init(&model, test_log_uniform(&rng, FH_BLOCK_SIZE_MAX / 64) + 64, FH_BLOCK_TLSF);
        fh_block *block = check_block(model.size, FH_BLOCK_TLSF);
        for (int i = 0; i < 500; i++) {
            fh_range_desc desc = {.size = test_log_uniform(&rng, model.size / 8)};
            desc.alignment = UINT64_C(1) << test_below(&rng, 20);
            desc.strategy = (fh_strategy)test_below(&rng, 4);
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
            if (model.count > 0 && test_chance(&rng, 40)) {
                CHECK_NO_FAULT(shadow_free(&model, block, (size_t)test_below(&rng, model.count)));
            }
            CHECK_SOUND(block);
        }
        CHECK_NO_FAULT(shadow_compare(&model, block));
        fh_block_destroy(block);
        shadow_finish(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(min_memory_is_a_true_best_fit),
        cmocka_unit_test(min_offset_takes_the_lowest_offset_at_which_the_request_fits),
        cmocka_unit_test(min_memory_tells_gaps_of_one_bin_apart),
        cmocka_unit_test(min_memory_weighs_the_gap_at_the_end_like_any_other),
        cmocka_unit_test(min_offset_can_be_asked_for_late_in_a_block_s_life),
        cmocka_unit_test(min_offset_still_holds_after_clear_and_resize),
        cmocka_unit_test(blocks_that_never_ask_for_min_offset_do_not_pay_for_it),
        cmocka_unit_test(all_strategies_can_be_mixed_and_none_refuses_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
