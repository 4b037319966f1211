/* Linear blocks: the same block as free-at-once, stack, ring and double stack. The rules stand in
 * block.h at fh_block_alloc, and once more, executable, in shadow.c. */

#include "checks.h"

#include "block/linear.h"

static uint64_t offset_of_new(fh_block *block, uint64_t size, fh_range *out_range)
{
    uint64_t offset;
    fh_range range = check_take(block, size, &offset);
    if (out_range != NULL) {
        *out_range = range;
    }
    return offset;
}

static uint64_t offset_of_upper(fh_block *block, uint64_t size, uint64_t alignment,
                                fh_range *out_range)
{
    uint64_t offset;
    fh_range range;
    fh_range_desc desc = {.size = size, .alignment = alignment, .upper = true};
    CHECK_OK(fh_block_alloc(block, &desc, &range, &offset));
    if (out_range != NULL) {
        *out_range = range;
    }
    return offset;
}

static void refuse(fh_block *block, uint64_t size, bool upper)
{
    check_refused(block, &(fh_range_desc){.size = size, .upper = upper});
    CHECK_SOUND(block);
}

static void ranges_are_appended_and_fill_the_block_to_the_last_unit(void **state)
{
    (void)state;
    fh_block *block = check_block(55, FH_BLOCK_LINEAR);
    uint64_t end = 0;
    for (uint64_t size = 1; size <= 10; size++) {
        assert_true(offset_of_new(block, size, NULL) == end);
        end += size;
    }
    assert_true(fh_block_free_bound(block) == 0);
    refuse(block, 1, false);
    refuse(block, 1, true);
    fh_stats_detail detail = check_detail(block);
    assert_true(detail.stats.range_count == 10 && detail.stats.range_bytes == 55);
    assert_true(detail.free_count == 0);
    fh_block_destroy(block);
}

static void a_block_can_have_1_unit_or_2_to_the_63(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, FH_BLOCK_SIZE_MAX};
    for (size_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
        for (int upper = 0; upper <= 1; upper++) {
            fh_block *block = check_block(sizes[i], FH_BLOCK_LINEAR);
            fh_range range;
            uint64_t offset;
            fh_range_desc desc = {.size = sizes[i], .alignment = UINT64_C(1) << 63};
            desc.upper = upper != 0;
            CHECK_OK(fh_block_alloc(block, &desc, &range, &offset));
            assert_true(offset == 0);
            refuse(block, 1, false);
            refuse(block, 1, true);
            check_give(block, range);
            CHECK_SOUND(block);
            check_take(block, sizes[i], NULL);
            fh_block_destroy(block);
        }
    }
}

static void alignment_skips_units_which_come_back_with_the_range(void **state)
{
    (void)state;
    fh_block *block = check_block(1000, FH_BLOCK_LINEAR);
    offset_of_new(block, 3, NULL);
    fh_range aligned;
    uint64_t offset;
    fh_range_desc desc = {.size = 10, .alignment = 256};
    CHECK_OK(fh_block_alloc(block, &desc, &aligned, &offset));
    assert_true(offset == 256);
    fh_stats stats;
    fh_block_stats(block, &stats);
    assert_true(stats.range_bytes == 13); /* padding is not in it */
    desc = (fh_range_desc){.size = 1, .alignment = 1024};
    check_refused(block, &desc);
    check_give(block, aligned);
    assert_true(offset_of_new(block, 1, NULL) == 3);
    fh_block_destroy(block);
}

static void when_all_is_freed_in_any_order_the_block_starts_over(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    for (int round = 0; round < 100; round++) {
        fh_block *block = check_block(5000, FH_BLOCK_LINEAR);
        for (int again = 0; again < 3; again++) {
            fh_range ranges[50];
            for (size_t i = 0; i < 50; i++) {
                uint64_t offset = offset_of_new(block, 100, &ranges[i]);
                assert_true(offset == i * 100);
            }
            for (size_t i = 50; i > 0; i--) {
                size_t which = (size_t)test_below(&rng, i);
                check_give(block, ranges[which]);
                ranges[which] = ranges[i - 1];
                CHECK_SOUND(block);
            }
        }
        fh_block_destroy(block);
    }
}

static void freeing_the_top_gives_it_back_with_the_freed_run_under_it(void **state)
{
    (void)state;
    fh_block *block = check_block(1000, FH_BLOCK_LINEAR);
    fh_range ranges[5];
    for (size_t i = 0; i < 5; i++) {
        offset_of_new(block, 100, &ranges[i]);
    }
    check_give(block, ranges[4]);
    assert_true(offset_of_new(block, 50, &ranges[4]) == 400); /* the top alone */
    check_give(block, ranges[2]);
    check_give(block, ranges[3]); /* in the middle: nothing comes back yet */
    fh_range next;
    assert_true(offset_of_new(block, 10, &next) == 450);
    check_give(block, next);
    check_give(block, ranges[4]);
    assert_true(offset_of_new(block, 10, NULL) == 200); /* with the run under it */
    fh_block_destroy(block);
}

static void a_stack_can_be_used_for_ever(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    fh_block *block = check_block(1 << 20, FH_BLOCK_LINEAR);
    fh_range stack[64];
    uint64_t ends[65] = {0};
    size_t depth = 0;
    for (int i = 0; i < 20000; i++) {
        if (depth < 64 && (depth == 0 || test_chance(&rng, 50))) {
            uint64_t size = 1 + test_below(&rng, 1000);
            assert_true(offset_of_new(block, size, &stack[depth]) == ends[depth]);
            ends[depth + 1] = ends[depth] + size;
            depth++;
        } else {
            check_give(block, stack[--depth]);
        }
    }
    CHECK_SOUND(block);
    fh_block_destroy(block);
}

static void when_the_end_does_not_fit_and_the_front_is_free_it_wraps_to_a_ring(void **state)
{
    (void)state;
    fh_block *block = check_block(100, FH_BLOCK_LINEAR);
    fh_range first, second;
    offset_of_new(block, 40, &first);
    offset_of_new(block, 40, &second);
    refuse(block, 30, false); /* the front is not free yet */
    check_give(block, first);
    assert_true(fh_block_free_bound(block) >= 40);
    refuse(block, 41, false);
    assert_true(offset_of_new(block, 20, NULL) == 80); /* the end fits: no wrap */
    assert_true(offset_of_new(block, 15, NULL) == 0);
    assert_true(offset_of_new(block, 25, NULL) == 15); /* up to the oldest, exactly */
    assert_true(fh_block_free_bound(block) == 0);
    refuse(block, 1, false);
    fh_stats_detail detail = check_detail(block);
    assert_true(detail.stats.range_count == 4 && detail.stats.range_bytes == 100);
    assert_true(detail.free_count == 0);
    fh_block_destroy(block);
}

static void a_ring_goes_round_for_ever(void **state)
{
    (void)state;
    enum {
        WINDOW = 16
    };
    fh_block *block = check_block(1000, FH_BLOCK_LINEAR);
    fh_range window[WINDOW];
    for (size_t i = 0; i < 10000; i++) {
        if (i >= WINDOW) {
            check_give(block, window[i % WINDOW]);
        }
        fh_range_desc desc = {.size = 1 + i * 7 % 40, .alignment = UINT64_C(1) << (i % 4)};
        CHECK_OK(fh_block_alloc(block, &desc, &window[i % WINDOW], NULL));
        CHECK_SOUND(block);
    }
    fh_stats stats;
    fh_block_stats(block, &stats);
    assert_true(stats.range_count == WINDOW);
    fh_block_destroy(block);
}

static void a_ring_unwraps_when_its_older_part_has_drained(void **state)
{
    (void)state;
    fh_block *block = check_block(100, FH_BLOCK_LINEAR);
    fh_range first, second, wrapped;
    offset_of_new(block, 50, &first);
    offset_of_new(block, 45, &second);
    check_give(block, first);
    assert_true(offset_of_new(block, 10, &wrapped) == 0);
    assert_true(offset_of_new(block, 10, NULL) == 10);
    refuse(block, 31, false);
    check_give(block, second);
    assert_true(offset_of_new(block, 80, NULL) == 20); /* up to the block's end again */
    CHECK_SOUND(block);
    fh_block_destroy(block);
}

static void a_ring_whose_newer_part_drains_goes_on_at_the_end(void **state)
{
    (void)state;
    fh_block *block = check_block(100, FH_BLOCK_LINEAR);
    fh_range first, second, third, wrapped;
    offset_of_new(block, 50, &first);
    offset_of_new(block, 20, &second);
    offset_of_new(block, 20, &third);
    check_give(block, first);
    assert_true(offset_of_new(block, 30, &wrapped) == 0);
    check_give(block, third); /* in the middle of the ring */
    assert_true(offset_of_new(block, 10, &first) == 30);
    check_give(block, first);
    check_give(block, wrapped);
    assert_true(offset_of_new(block, 30, NULL) == 70); /* over second: third is gone, too */
    CHECK_SOUND(block);
    fh_block_destroy(block);
}

static void upper_ranges_grow_down_from_the_end_at_align_down(void **state)
{
    (void)state;
    fh_block *block = check_block(1000, FH_BLOCK_LINEAR);
    fh_range first, second;
    assert_true(offset_of_upper(block, 100, 1, &first) == 900);
    assert_true(offset_of_upper(block, 10, 256, &second) == 768); /* align_down(890) */
    assert_true(offset_of_upper(block, 68, 0, NULL) == 700);
    assert_true(offset_of_new(block, 600, NULL) == 0);
    fh_range_desc desc = {.size = 1, .alignment = 128, .upper = true};
    fh_range range;
    uint64_t offset;
    CHECK_OK(fh_block_alloc(block, &desc, &range, &offset));
    assert_true(offset == 640);
    refuse(block, 41, true);
    refuse(block, 41, false);
    assert_true(offset_of_upper(block, 20, 1, NULL) == 620);
    assert_true(offset_of_new(block, 20, NULL) == 600); /* the two stacks meet exactly */
    assert_true(fh_block_free_bound(block) == 0);
    fh_block_destroy(block);
}

static void freeing_the_lowest_upper_range_gives_back_the_freed_run_above_it(void **state)
{
    (void)state;
    fh_block *block = check_block(1000, FH_BLOCK_LINEAR);
    fh_range ranges[4];
    for (size_t i = 0; i < 4; i++) {
        assert_true(offset_of_upper(block, 100, 1, &ranges[i]) == 900 - i * 100);
    }
    check_give(block, ranges[1]);
    check_give(block, ranges[2]);
    fh_range next;
    assert_true(offset_of_upper(block, 10, 1, &next) == 590);
    check_give(block, next);
    check_give(block, ranges[3]);
    assert_true(offset_of_upper(block, 10, 1, &next) == 890);
    check_give(block, ranges[0]);
    check_give(block, next);
    assert_true(offset_of_upper(block, 10, 1, NULL) == 990); /* drained: from the end again */
    CHECK_SOUND(block);
    fh_block_destroy(block);
}

static void a_ring_refuses_upper_ranges_until_it_has_drained(void **state)
{
    (void)state;
    for (int which = 0; which <= 1; which++) {
        fh_block *block = check_block(100, FH_BLOCK_LINEAR);
        fh_range first, second, wrapped;
        offset_of_new(block, 40, &first);
        offset_of_new(block, 40, &second);
        check_give(block, first);
        offset_of_new(block, 30, &wrapped);
        refuse(block, 1, true); /* although 80 to 100 is free */
        check_give(block, which == 0 ? wrapped : second);
        fh_range upper;
        assert_true(offset_of_upper(block, 20, 1, &upper) == 80);
        CHECK_SOUND(block);
        fh_block_destroy(block);
    }
}

static void a_double_stack_does_not_wrap_until_its_upper_part_has_drained(void **state)
{
    (void)state;
    fh_block *block = check_block(100, FH_BLOCK_LINEAR);
    fh_range first, second, upper;
    offset_of_new(block, 40, &first);
    offset_of_new(block, 40, &second);
    offset_of_upper(block, 10, 1, &upper);
    check_give(block, first);
    refuse(block, 20, false); /* although 0 to 40 is free */
    assert_true(fh_block_free_bound(block) >= 10);
    check_give(block, upper);
    assert_true(offset_of_new(block, 30, NULL) == 0);
    refuse(block, 1, true);
    CHECK_SOUND(block);
    fh_block_destroy(block);
}

/* In other allocators such a range vanishes. */
static void a_null_user_value_changes_no_statistic(void **state)
{
    (void)state;
    void *const users[] = {NULL, state};
    fh_stats_detail details[2];
    for (size_t u = 0; u < 2; u++) {
        fh_block *block = check_block(1000, FH_BLOCK_LINEAR);
        fh_range ranges[8];
        for (size_t i = 0; i < 8; i++) {
            fh_range_desc desc = {.size = 120, .user = users[u], .upper = i % 3 == 2};
            CHECK_OK(fh_block_alloc(block, &desc, &ranges[i], NULL));
        }
        for (size_t i = 0; i < 8; i++) {
            CHECK_OK(fh_block_set_user(block, ranges[i], users[u]));
        }
        check_give(block, ranges[3]);
        details[u] = check_detail(block);
        assert_true(details[u].stats.range_count == 7);
        CHECK_SOUND(block);
        fh_block_destroy(block);
    }
    assert_memory_equal(&details[0], &details[1], sizeof details[0]);
}

/* In other allocators the brief count is wrong there. */
static void a_ring_s_statistics_are_right(void **state)
{
    (void)state;
    shadow model;
    shadow_init(&model, 100, FH_BLOCK_LINEAR);
    fh_block *block = check_block(100, FH_BLOCK_LINEAR);
    static const uint64_t sizes[] = {30, 30, 30, 20, 5};
    for (size_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
        fh_range_desc desc = {.size = sizes[i]};
        if (i == 3) {
            CHECK_NO_FAULT(shadow_free(&model, block, 0));
        }
        CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
        CHECK_NO_FAULT(shadow_compare(&model, block));
    }
    assert_true(model.ring_count == 2 && model.count == 4);
    CHECK_NO_FAULT(shadow_free(&model, block, 0)); /* in the ring, not its top */
    CHECK_NO_FAULT(shadow_compare(&model, block));
    CHECK_NO_FAULT(shadow_free(&model, block, 2)); /* the older part's top */
    CHECK_NO_FAULT(shadow_compare(&model, block));
    fh_stats stats;
    fh_block_stats(block, &stats);
    assert_true(stats.range_count == 2 && stats.range_bytes == 35);
    fh_block_destroy(block);
    shadow_finish(&model);
}

static void handles_go_stale_in_every_mode(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    shadow model;
    shadow_init(&model, 300, FH_BLOCK_LINEAR);
    fh_block *block = check_block(300, FH_BLOCK_LINEAR);
    for (int i = 0; i < 20000; i++) {
        fh_range_desc desc = {.size = 1 + test_below(&rng, 60)};
        desc.upper = i / 100 % 3 == 0 && test_chance(&rng, 50);
        CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
        if (model.count > 0 && test_chance(&rng, 60)) {
            CHECK_NO_FAULT(shadow_free(&model, block, (size_t)test_below(&rng, model.count)));
        }
        for (size_t s = 0; s < model.stale_count && s < SHADOW_STALE_MAX; s++) {
            CHECK_NO_FAULT(shadow_refuse(&model, block, model.stale[s]));
        }
    }
    CHECK_NO_FAULT(shadow_compare(&model, block));
    fh_block_destroy(block);
    shadow_finish(&model);
}

/* From within, since the generation takes 2^32 allocations to come round. */
static void a_live_range_is_never_called_0(void **state)
{
    (void)state;
    test_memory memory;
    test_memory_init(&memory);
    fhi_linear linear;
    fhi_linear_init(&linear, 100, &memory.host);
    linear.generation = UINT32_MAX - 3;
    for (int i = 0; i < 8; i++) {
        uint64_t id;
        uint64_t offset;
        fh_range_desc desc = {.size = 1};
        CHECK_OK(fhi_linear_alloc(&linear, &desc, 1, &id, &offset));
        assert_true(id != 0);
        (void)fhi_linear_free(&linear, id);
        assert_true(linear.range_count == 0);
    }
    fhi_linear_finish(&linear);
    test_memory_finish(&memory);
}

static void upper_ranges_keep_the_block_s_end_where_it_is(void **state)
{
    (void)state;
    fh_block *block = check_block(1000, FH_BLOCK_LINEAR);
    fh_range upper;
    offset_of_upper(block, 10, 1, &upper);
    CHECK_RESULT(fh_block_resize(block, 2000), FH_ERR_BUSY);
    CHECK_RESULT(fh_block_resize(block, 999), FH_ERR_BUSY);
    CHECK_SOUND(block);
    check_give(block, upper);
    CHECK_OK(fh_block_resize(block, 2000));
    assert_true(offset_of_upper(block, 10, 1, &upper) == 1990);
    CHECK_SOUND(block);
    fh_block_destroy(block);
}

static void a_ring_can_be_resized_above_its_older_part(void **state)
{
    (void)state;
    fh_block *block = check_block(100, FH_BLOCK_LINEAR);
    fh_range first, second, third;
    offset_of_new(block, 40, &first);
    offset_of_new(block, 30, &second);
    offset_of_new(block, 25, &third);
    check_give(block, first);
    assert_true(offset_of_new(block, 20, NULL) == 0);
    CHECK_RESULT(fh_block_resize(block, 94), FH_ERR_BUSY);
    CHECK_OK(fh_block_resize(block, 95));
    check_give(block, third); /* not the ring's newest: it stays in the queue */
    CHECK_RESULT(fh_block_resize(block, 69), FH_ERR_BUSY);
    CHECK_OK(fh_block_resize(block, 70));
    CHECK_SOUND(block);
    CHECK_OK(fh_block_resize(block, 200));
    refuse(block, 21, false); /* still a ring: only 20 to 40 is next */
    assert_true(offset_of_new(block, 20, NULL) == 20);
    check_give(block, second);
    assert_true(offset_of_new(block, 160, NULL) == 40);
    CHECK_SOUND(block);
    fh_block_destroy(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_appended_and_fill_the_block_to_the_last_unit),
        cmocka_unit_test(a_block_can_have_1_unit_or_2_to_the_63),
        cmocka_unit_test(alignment_skips_units_which_come_back_with_the_range),
        cmocka_unit_test(when_all_is_freed_in_any_order_the_block_starts_over),
        cmocka_unit_test(freeing_the_top_gives_it_back_with_the_freed_run_under_it),
        cmocka_unit_test(a_stack_can_be_used_for_ever),
        cmocka_unit_test(when_the_end_does_not_fit_and_the_front_is_free_it_wraps_to_a_ring),
        cmocka_unit_test(a_ring_goes_round_for_ever),
        cmocka_unit_test(a_ring_unwraps_when_its_older_part_has_drained),
        cmocka_unit_test(a_ring_whose_newer_part_drains_goes_on_at_the_end),
        cmocka_unit_test(upper_ranges_grow_down_from_the_end_at_align_down),
        cmocka_unit_test(freeing_the_lowest_upper_range_gives_back_the_freed_run_above_it),
        cmocka_unit_test(a_ring_refuses_upper_ranges_until_it_has_drained),
        cmocka_unit_test(a_double_stack_does_not_wrap_until_its_upper_part_has_drained),
        cmocka_unit_test(a_null_user_value_changes_no_statistic),
        cmocka_unit_test(a_ring_s_statistics_are_right),
        cmocka_unit_test(handles_go_stale_in_every_mode),
        cmocka_unit_test(a_live_range_is_never_called_0),
        cmocka_unit_test(upper_ranges_keep_the_block_s_end_where_it_is),
        cmocka_unit_test(a_ring_can_be_resized_above_its_older_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
