/* A block's life: handles that go stale and stay stale, clear, resize, destroy. For both algorithms
 * where both keep the same rule. */

#include "checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const fh_block_algorithm both[] = {FH_BLOCK_TLSF, FH_BLOCK_LINEAR};

static fh_block *counted_block(uint64_t size, fh_block_algorithm algorithm, test_memory *memory)
{
    fh_block *block;
    fh_block_desc desc = {.size = size, .algorithm = algorithm, .memory = &memory->host};
    CHECK_OK(fh_block_create(&desc, &block));
    return block;
}

static void check_stale(fh_block *block, fh_range range)
{
    fh_range_info info;
    CHECK_RESULT(fh_block_free(block, range), FH_ERR_STALE);
    CHECK_RESULT(fh_block_info(block, range, &info), FH_ERR_STALE);
    CHECK_RESULT(fh_block_set_user(block, range, block), FH_ERR_STALE);
}

static void a_range_is_freed_once(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        fh_block *block = check_block(1000, both[a]);
        check_take(block, 10, NULL);
        fh_range range = check_take(block, 10, NULL);
        check_take(block, 10, NULL);
        check_give(block, range);
        check_stale(block, range);
        fh_stats stats;
        fh_block_stats(block, &stats);
        assert_true(stats.range_count == 2 && stats.range_bytes == 20);
        CHECK_SOUND(block);
        fh_block_destroy(block);
    }
}

static void a_stale_handle_stays_stale_when_its_place_is_used_again(void **state)
{
    (void)state;
    enum {
        ROUNDS = 1000
    };
    static fh_range old[ROUNDS];
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        fh_block *block = check_block(10, both[a]);
        for (size_t i = 0; i < ROUNDS; i++) {
            old[i] = check_take(block, 10, NULL);
            for (size_t j = 0; j < i; j++) {
                fh_range_info info;
                CHECK_RESULT(fh_block_info(block, old[j], &info), FH_ERR_STALE);
            }
            check_give(block, old[i]);
        }
        fh_block_destroy(block);
    }
}

static void the_handle_of_another_block_is_stale(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        fh_block *blocks[8];
        fh_range ranges[8][16];
        for (size_t b = 0; b < 8; b++) {
            blocks[b] = check_block(1000, both[a]);
            for (size_t r = 0; r < 16; r++) {
                ranges[b][r] = check_take(blocks[b], 10, NULL);
            }
        }
        for (size_t b = 0; b < 8; b++) {
            for (size_t other = 0; other < 128; other++) {
                if (other / 16 != b) {
                    check_stale(blocks[b], ranges[other / 16][other % 16]);
                }
            }
            CHECK_SOUND(blocks[b]);
        }
        for (size_t b = 0; b < 8; b++) {
            fh_stats stats;
            fh_block_stats(blocks[b], &stats);
            assert_true(stats.range_count == 16);
            fh_block_destroy(blocks[b]);
        }
    }
}

/* A block made where another one was destroyed does not take over its handles. */
static void the_handle_of_a_destroyed_block_is_stale_in_the_next_one(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        fh_range before = {0};
        for (int i = 0; i < 50; i++) {
            fh_block *block = check_block(1000, both[a]);
            fh_range range = check_take(block, 10, NULL);
            if (before.id != 0) {
                check_stale(block, before);
            }
            before = range;
            fh_block_destroy(block);
        }
    }
}

static void made_up_handles_are_stale_and_harm_nothing(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        shadow model;
        shadow_init(&model, 1000, both[a]);
        fh_block *block = check_block(1000, both[a]);
        for (int i = 0; i < 20; i++) {
            fh_range_desc desc = {.size = 10, .user = block};
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
        }
        CHECK_NO_FAULT(shadow_free(&model, block, 3));
        for (int i = 0; i < 100000; i++) {
            fh_range made_up = {test_random(&rng)};
            uint64_t live = model.ranges[i % 19].handle.id;
            if (i % 4 == 1) {
                made_up.id = live ^ (UINT64_C(1) << (i / 4 % 64)); /* one bit off */
            } else if (i % 4 == 2) {
                made_up.id = (live & ~UINT64_C(0xffffffff)) | (uint32_t)made_up.id;
            } else if (i % 4 == 3) {
                made_up.id &= 0xffffffff;
            }
            bool lives = made_up.id == 0; /* a no-op */
            for (size_t r = 0; r < model.count; r++) {
                lives = lives || model.ranges[r].handle.id == made_up.id;
            }
            if (!lives) {
                CHECK_NO_FAULT(shadow_refuse(&model, block, made_up));
            }
        }
        static const uint64_t special[] = {1, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};
        for (size_t i = 0; i < TEST_COUNT_OF(special); i++) {
            check_stale(block, (fh_range){special[i]});
        }
        CHECK_SOUND(block);
        CHECK_NO_FAULT(shadow_compare(&model, block));
        fh_block_destroy(block);
        shadow_finish(&model);
    }
}

static void clear_frees_everything_at_once(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        fh_block *block = check_block(100000, both[a]);
        fh_block_clear(block); /* of an empty block, nothing */
        CHECK_SOUND(block);
        fh_range ranges[100];
        for (size_t i = 0; i < TEST_COUNT_OF(ranges); i++) {
            ranges[i] = check_take(block, 10 + i, NULL);
        }
        for (size_t i = 0; i < TEST_COUNT_OF(ranges); i += 3) {
            check_give(block, ranges[i]);
        }
        fh_block_clear(block);
        CHECK_SOUND(block);
        fh_stats_detail detail = check_detail(block);
        assert_true(detail.stats.range_count == 0 && detail.stats.range_bytes == 0);
        assert_true(detail.free_count == 1 && detail.free_max == 100000);
        check_take(block, 100000, NULL);
        fh_block_destroy(block);
    }
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* The bookkeeping shrinks and grows again in between: no handle may ever come back. */
static void generations_run_on_across_clear(void **state)
{
    (void)state;
    enum {
        ROUNDS = 24,
        MOST = 5000
    };
    static uint64_t ids[ROUNDS * MOST];
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        fh_block *block = check_block(1000000, both[a]);
        size_t count = 0;
        for (size_t round = 0; round < ROUNDS; round++) {
            size_t here = round % 6 == 0 ? MOST : 10;
            for (size_t i = 0; i < here; i++) {
                fh_range range = check_take(block, 1, NULL);
                ids[count++] = range.id;
                if (i % 5 == 1 ||
                    round % 4 >= 2) { /* some periods end with nothing left to clear */
                    check_give(block, range);
                }
            }
            fh_block_clear(block);
            for (size_t i = 0; i < count; i += 1 + count / 500) {
                check_stale(block, (fh_range){ids[i]});
            }
        }
        qsort(ids, count, sizeof ids[0], compare_ids);
        for (size_t i = 1; i < count; i++) {
            assert_true(ids[i] != ids[i - 1]);
        }
        CHECK_SOUND(block);
        fh_block_destroy(block);
    }
}

static void clear_gives_back_bookkeeping_that_two_periods_did_not_both_use(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        test_memory memory;
        test_memory_init(&memory);
        fh_block *block = counted_block(1 << 24, both[a], &memory);
        size_t beginning = memory.live_bytes;
        for (int i = 0; i < 100000; i++) {
            fh_range range;
            fh_range_desc desc = {.size = 1 + (uint64_t)i % 100, .user = block};
            desc.strategy = i % 1000 == 0 ? FH_STRATEGY_MIN_OFFSET : FH_STRATEGY_BALANCED;
            CHECK_OK(fh_block_alloc(block, &desc, &range, NULL));
        }
        assert_true(memory.live_bytes > 100000 * sizeof(fh_range));
        fh_block_clear(block);
        assert_true(memory.live_bytes <= beginning + 4096);
        CHECK_SOUND(block);
        check_take(block, 1 << 24, NULL);
        fh_block_destroy(block);
        test_memory_finish(&memory);
    }
}

static void equal_periods_between_clears_make_no_host_allocations(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        for (int strategy = 0; strategy <= FH_STRATEGY_MIN_OFFSET; strategy++) {
            test_memory memory;
            test_memory_init(&memory);
            fh_block *block = counted_block(1 << 20, both[a], &memory);
            uint64_t after_two = 0;
            for (int period = 0; period < 20; period++) {
                fh_range_desc desc = {.size = 7, .strategy = (fh_strategy)strategy, .user = block};
                fh_range range;
                for (int i = 0; i < 3000; i++) {
                    CHECK_OK(fh_block_alloc(block, &desc, &range, NULL));
                    if (i % 3 == 0) {
                        check_give(block, range);
                    }
                }
                fh_block_clear(block);
                if (period == 1) {
                    after_two = memory.alloc_count;
                }
            }
            assert_true(memory.alloc_count == after_two);
            fh_block_destroy(block);
            test_memory_finish(&memory);
        }
    }
}

static void a_clear_whose_host_has_no_memory_clears_all_the_same(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        test_memory memory;
        test_memory_init(&memory);
        fh_block *block = counted_block(1 << 20, both[a], &memory);
        for (int i = 0; i < 5000; i++) {
            check_take(block, 1, NULL);
        }
        memory.fail_at = 1;
        memory.fail_on = true;
        for (int i = 0; i < 4; i++) {
            fh_block_clear(block);
            CHECK_SOUND(block);
            assert_true(check_detail(block).free_max == 1 << 20);
            check_take(block, 10, NULL);
        }
        fh_block_destroy(block);
        test_memory_finish(&memory);
    }
}

static void a_block_grows_whether_its_end_is_free_or_used(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        for (uint64_t used = 0; used <= 100; used += 50) {
            for (uint64_t size = 101; size <= FH_BLOCK_SIZE_MAX / 3; size = size * 3 + 1) {
                fh_block *block = check_block(100, both[a]);
                if (used > 0) {
                    check_take(block, used, NULL);
                }
                CHECK_OK(fh_block_resize(block, size));
                CHECK_SOUND(block);
                fh_stats_detail detail = check_detail(block);
                assert_true(detail.stats.block_bytes == size);
                assert_true(detail.free_count == 1 && detail.free_max == size - used);
                uint64_t offset;
                check_take(block, size - used, &offset);
                assert_true(offset == used);
                fh_block_destroy(block);
            }
        }
    }
}

static void a_block_grows_to_the_largest_size_and_back(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        fh_block *block = check_block(1, both[a]);
        CHECK_OK(fh_block_resize(block, FH_BLOCK_SIZE_MAX));
        CHECK_SOUND(block);
        fh_range all = check_take(block, FH_BLOCK_SIZE_MAX, NULL);
        CHECK_RESULT(fh_block_resize(block, FH_BLOCK_SIZE_MAX - 1), FH_ERR_BUSY);
        check_give(block, all);
        CHECK_OK(fh_block_resize(block, 1));
        CHECK_SOUND(block);
        check_refused(block, &(fh_range_desc){.size = 2});
        check_take(block, 1, NULL);
        CHECK_OK(fh_block_resize(block, 1)); /* to the size it has */
        fh_block_destroy(block);
    }
}

static void a_block_shrinks_exactly_to_the_end_of_its_last_range(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        fh_block *block = check_block(1000, both[a]);
        fh_range low = check_take(block, 300, NULL);
        fh_range range = check_take(block, 100, NULL);
        check_give(block, low);
        CHECK_OK(fh_block_resize(block, 500));
        CHECK_SOUND(block);
        CHECK_RESULT(fh_block_resize(block, 399), FH_ERR_BUSY);
        CHECK_OK(fh_block_resize(block, 400));
        CHECK_SOUND(block);
        fh_stats_detail detail = check_detail(block);
        assert_true(detail.stats.block_bytes == 400 && detail.free_count == 1);
        assert_true(detail.free_max == 300);
        assert_true(check_offset(block, range) == 300);
        fh_block_destroy(block);
    }
}

static void a_busy_resize_changes_nothing(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        shadow model;
        shadow_init(&model, 1000, both[a]);
        fh_block *block = check_block(1000, both[a]);
        for (int i = 0; i < 9; i++) {
            fh_range_desc desc = {.size = 100};
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
        }
        CHECK_NO_FAULT(shadow_free(&model, block, 4));
        for (uint64_t size = 1; size < 900; size += 7) {
            fh_result result;
            CHECK_NO_FAULT(shadow_resize(&model, block, size, &result));
            CHECK_RESULT(result, FH_ERR_BUSY);
            CHECK_SOUND(block);
            CHECK_NO_FAULT(shadow_compare(&model, block));
        }
        fh_block_destroy(block);
        shadow_finish(&model);
    }
}

static void destroy_tells_the_log_how_many_ranges_still_live(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        test_log log;
        test_memory memory;
        test_log_init(&log);
        test_memory_init(&memory);
        fh_block *block;
        fh_block_desc desc = {.size = 100000, .algorithm = both[a]};
        desc.log = &log.log;
        desc.memory = &memory.host;
        CHECK_OK(fh_block_create(&desc, &block));
        fh_range first = check_take(block, 1, NULL);
        for (int i = 0; i < 1234; i++) {
            check_take(block, 3, NULL);
        }
        check_give(block, first);
        assert_int_equal(log.count, 0);
        fh_block_destroy(block);
        assert_int_equal(log.count, 1);
        assert_int_equal(log.level, FH_LOG_WARNING);
        assert_non_null(strstr(log.message, "1234"));
        assert_null(strchr(log.message, '\n'));
        test_memory_finish(&memory);
    }
}

static void destroying_an_empty_block_is_silent(void **state)
{
    (void)state;
    for (size_t a = 0; a < TEST_COUNT_OF(both); a++) {
        test_log log;
        test_log_init(&log);
        fh_block *block;
        fh_block_desc desc = {.size = 100, .algorithm = both[a], .log = &log.log};
        CHECK_OK(fh_block_create(&desc, &block));
        check_give(block, check_take(block, 1, NULL));
        check_take(block, 1, NULL);
        fh_block_clear(block);
        fh_block_destroy(block);
        assert_int_equal(log.count, 0);
    }
}

static void host_memory_and_log_are_copied_at_create(void **state)
{
    (void)state;
    test_log log;
    test_memory memory;
    test_log_init(&log);
    test_memory_init(&memory);
    fh_host_memory lent_memory = memory.host;
    fh_log lent_log = log.log;
    fh_block *block;
    fh_block_desc desc = {.size = 100, .memory = &lent_memory, .log = &lent_log};
    CHECK_OK(fh_block_create(&desc, &block));
    memset(&lent_memory, 0, sizeof lent_memory);
    memset(&lent_log, 0, sizeof lent_log);
    for (int i = 0; i < 100; i++) {
        check_take(block, 1, NULL);
    }
    fh_block_destroy(block);
    assert_int_equal(log.count, 1);
    test_memory_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_freed_once),
        cmocka_unit_test(a_stale_handle_stays_stale_when_its_place_is_used_again),
        cmocka_unit_test(the_handle_of_another_block_is_stale),
        cmocka_unit_test(the_handle_of_a_destroyed_block_is_stale_in_the_next_one),
        cmocka_unit_test(made_up_handles_are_stale_and_harm_nothing),
        cmocka_unit_test(clear_frees_everything_at_once),
        cmocka_unit_test(generations_run_on_across_clear),
        cmocka_unit_test(clear_gives_back_bookkeeping_that_two_periods_did_not_both_use),
        cmocka_unit_test(equal_periods_between_clears_make_no_host_allocations),
        cmocka_unit_test(a_clear_whose_host_has_no_memory_clears_all_the_same),
        cmocka_unit_test(a_block_grows_whether_its_end_is_free_or_used),
        cmocka_unit_test(a_block_grows_to_the_largest_size_and_back),
        cmocka_unit_test(a_block_shrinks_exactly_to_the_end_of_its_last_range),
        cmocka_unit_test(a_busy_resize_changes_nothing),
        cmocka_unit_test(destroy_tells_the_log_how_many_ranges_still_live),
        cmocka_unit_test(destroying_an_empty_block_is_silent),
        cmocka_unit_test(host_memory_and_log_are_copied_at_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
