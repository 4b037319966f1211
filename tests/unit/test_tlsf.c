/* TLSF blocks: sizes, alignment, merging, and that a refusal is always true. Strategies stand in
 * test_tlsf_strategies.c; what happens over a block's life, in test_block_life.c. */

#include "checks.h"

static const fh_strategy every_strategy[] = {FH_STRATEGY_BALANCED, FH_STRATEGY_MIN_TIME,
                                             FH_STRATEGY_MIN_MEMORY, FH_STRATEGY_MIN_OFFSET};

static void a_range_is_as_large_as_asked_for_and_1_unit_is_enough(void **state)
{
    (void)state;
    fh_block *block = check_block(1 << 20, FH_BLOCK_TLSF);
    uint64_t total = 0;
    for (uint64_t size = 1; size <= 300; size++) {
        fh_range range = check_take(block, size, NULL);
        total += size;
        fh_range_info info;
        CHECK_OK(fh_block_info(block, range, &info));
        assert_true(info.size == size);
        fh_stats stats;
        fh_block_stats(block, &stats);
        assert_true(stats.range_count == size && stats.range_bytes == total);
    }
    fh_stats_detail detail = check_detail(block);
    assert_true(detail.range_min == 1 && detail.range_max == 300);
    assert_true(detail.free_count == 1 && detail.free_max == (1 << 20) - total);
    CHECK_SOUND(block);
    fh_block_destroy(block);
}

static void every_alignment_up_to_2_to_the_62_is_kept(void **state)
{
    (void)state;
    for (size_t s = 0; s < TEST_COUNT_OF(every_strategy); s++) {
        fh_block *block = check_block(FH_BLOCK_SIZE_MAX, FH_BLOCK_TLSF);
        check_take(block, 1, NULL);
        for (unsigned int shift = 63; shift-- > 0;) {
            fh_range range;
            uint64_t offset;
            fh_range_desc desc = {.size = 3, .alignment = UINT64_C(1) << shift};
            desc.strategy = every_strategy[s];
            CHECK_OK(fh_block_alloc(block, &desc, &range, &offset));
            assert_true(offset % desc.alignment == 0);
            CHECK_SOUND(block);
        }
        /* At 2^63 there is only offset 0, and that is taken. */
        fh_range_desc last = {.size = 1, .alignment = UINT64_C(1) << 63};
        last.strategy = every_strategy[s];
        check_refused(block, &last);
        fh_block_clear(block);
        fh_range range;
        CHECK_OK(fh_block_alloc(block, &last, &range, NULL));
        assert_true(check_offset(block, range) == 0);
        fh_block_destroy(block);
    }
}

static void alignment_0_is_1(void **state)
{
    (void)state;
    fh_block *block = check_block(10, FH_BLOCK_TLSF);
    for (int i = 0; i < 10; i++) {
        check_take(block, 1, NULL);
    }
    assert_true(fh_block_free_bound(block) == 0);
    fh_block_destroy(block);
}

static void alignment_padding_stays_usable(void **state)
{
    (void)state;
    fh_block *block = check_block(4096, FH_BLOCK_TLSF);
    fh_range first = check_take(block, 1, NULL);
    assert_true(check_offset(block, first) == 0);
    fh_range aligned;
    uint64_t offset;
    fh_range_desc desc = {.size = 2048, .alignment = 2048};
    CHECK_OK(fh_block_alloc(block, &desc, &aligned, &offset));
    assert_true(offset == 2048);
    check_take(block, 2047, &offset); /* all of the padding */
    assert_true(offset == 1);
    assert_true(fh_block_free_bound(block) == 0);
    CHECK_SOUND(block);
    fh_block_destroy(block);
}

/* Whatever the requests before could not have used is there for the first that can. */
static void crumbs_between_aligned_ranges_stay_usable(void **state)
{
    (void)state;
    for (size_t s = 0; s < TEST_COUNT_OF(every_strategy); s++) {
        shadow model;
        shadow_init(&model, 4096 * 20 + 7, FH_BLOCK_TLSF);
        fh_block *block = check_block(model.size, FH_BLOCK_TLSF);
        for (int i = 0; i < 20; i++) {
            fh_range_desc desc = {.size = 3000 + (uint64_t)i, .alignment = 4096};
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
        }
        static const uint64_t sizes[] = {1096, 1000, 512, 500, 90, 33, 5, 1};
        for (size_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
            for (unsigned int shift = 10; shift > 0; shift -= 2) {
                fh_range_desc desc = {.size = sizes[i], .alignment = UINT64_C(1) << (shift - 1)};
                desc.strategy = every_strategy[s];
                CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
                CHECK_SOUND(block);
                CHECK_NO_FAULT(shadow_compare(&model, block));
            }
            CHECK_NO_FAULT(shadow_free(&model, block, i * 2)); /* crumbs on both sides, perhaps */
            CHECK_SOUND(block);
            CHECK_NO_FAULT(shadow_compare(&model, block));
        }
        while (model.range_bytes < model.size) { /* to the last unit */
            fh_range_desc desc = {.size = shadow_largest(&model), .strategy = every_strategy[s]};
            fh_result result;
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, &result, NULL));
            CHECK_OK(result);
        }
        fh_block_destroy(block);
        shadow_finish(&model);
    }
}

/* Four ranges side by side fill a block; two are free already, a third one is freed. */
static void free_and_count_gaps(const int *order, size_t count, uint64_t expected_gaps)
{
    fh_block *block = check_block(400, FH_BLOCK_TLSF);
    fh_range ranges[4];
    for (size_t i = 0; i < 4; i++) {
        uint64_t offset;
        ranges[i] = check_take(block, 100, &offset);
        assert_true(offset == i * 100);
    }
    for (size_t i = 0; i < count; i++) {
        check_give(block, ranges[order[i]]);
        CHECK_SOUND(block);
    }
    assert_true(check_detail(block).free_count == expected_gaps);
    fh_block_destroy(block);
}

static void a_freed_range_merges_with_the_gaps_on_both_sides(void **state)
{
    (void)state;
    free_and_count_gaps((const int[]){0, 1}, 2, 1);       /* below */
    free_and_count_gaps((const int[]){1, 0}, 2, 1);       /* above */
    free_and_count_gaps((const int[]){0, 2}, 2, 2);       /* none */
    free_and_count_gaps((const int[]){0, 2, 1}, 3, 1);    /* both */
    free_and_count_gaps((const int[]){1, 3, 2}, 3, 1);    /* both, at the end */
    free_and_count_gaps((const int[]){3, 2, 1, 0}, 4, 1); /* all, downwards */
    free_and_count_gaps((const int[]){0, 3, 1, 2}, 4, 1);
}

static void a_block_fills_to_the_last_unit(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    for (int round = 0; round < 200; round++) {
        uint64_t size = test_log_uniform(&rng, round % 2 == 0 ? 4096 : FH_BLOCK_SIZE_MAX);
        fh_block *block = check_block(size, FH_BLOCK_TLSF);
        uint64_t left = size;
        for (int i = 0; left > 0; i++) {
            uint64_t take = i < 50 ? test_log_uniform(&rng, left) : left;
            assert_true(fh_block_free_bound(block) >= left);
            check_take(block, take, NULL);
            left -= take;
        }
        assert_true(fh_block_free_bound(block) == 0);
        check_refused(block, &(fh_range_desc){.size = 1});
        assert_true(check_detail(block).free_count == 0);
        CHECK_SOUND(block);
        fh_block_destroy(block);
    }
}

static void a_block_can_have_1_unit(void **state)
{
    (void)state;
    for (size_t s = 0; s < TEST_COUNT_OF(every_strategy); s++) {
        fh_block *block = check_block(1, FH_BLOCK_TLSF);
        fh_range_desc desc = {.size = 1, .alignment = UINT64_C(1) << 63};
        desc.strategy = every_strategy[s];
        for (int i = 0; i < 3; i++) {
            fh_range range;
            uint64_t offset;
            CHECK_OK(fh_block_alloc(block, &desc, &range, &offset));
            assert_true(offset == 0);
            check_refused(block, &desc);
            check_give(block, range);
            CHECK_SOUND(block);
        }
        check_refused(block, &(fh_range_desc){.size = 2, .strategy = every_strategy[s]});
        fh_block_destroy(block);
    }
}

static void a_block_can_have_2_to_the_63_units(void **state)
{
    (void)state;
    for (size_t s = 0; s < TEST_COUNT_OF(every_strategy); s++) {
        fh_block *block = check_block(FH_BLOCK_SIZE_MAX, FH_BLOCK_TLSF);
        fh_range_desc whole = {.size = FH_BLOCK_SIZE_MAX, .strategy = every_strategy[s]};
        fh_range range;
        CHECK_OK(fh_block_alloc(block, &whole, &range, NULL));
        check_refused(block, &(fh_range_desc){.size = 1, .strategy = every_strategy[s]});
        check_give(block, range);
        for (uint64_t size = FH_BLOCK_SIZE_MAX / 2; size > 0; size /= 2) {
            fh_range_desc desc = {.size = size, .strategy = every_strategy[s]};
            CHECK_OK(fh_block_alloc(block, &desc, &range, NULL));
        }
        fh_stats stats;
        fh_block_stats(block, &stats);
        assert_true(stats.range_bytes == FH_BLOCK_SIZE_MAX - 1 && stats.range_count == 63);
        CHECK_SOUND(block);
        fh_block_destroy(block);
    }
}

/* Other allocators lose sight of holes this large. */
static void holes_of_2_to_the_39_units_and_more_are_found_by_every_strategy(void **state)
{
    (void)state;
    for (size_t s = 0; s < TEST_COUNT_OF(every_strategy); s++) {
        for (unsigned int shift = 38; shift <= 62; shift++) {
            uint64_t hole = (UINT64_C(1) << shift) + 12345;
            fh_block *block = check_block(FH_BLOCK_SIZE_MAX, FH_BLOCK_TLSF);
            fh_range low = check_take(block, hole, NULL);
            check_take(block, FH_BLOCK_SIZE_MAX - hole, NULL);
            check_give(block, low);
            assert_true(fh_block_free_bound(block) >= hole);
            fh_range_desc desc = {.size = hole + 1, .strategy = every_strategy[s]};
            check_refused(block, &desc);
            desc.size = hole;
            fh_range range;
            CHECK_OK(fh_block_alloc(block, &desc, &range, NULL));
            CHECK_SOUND(block);
            fh_block_destroy(block);
        }
    }
}

#define STRADDLE_GAPS 48

/* A block with STRADDLE_GAPS gaps of the given sizes between ranges of 1 unit, freed in the order
 * of `order`, and nothing else free. */
static fh_block *block_of_gaps(const uint64_t *sizes, const size_t *order, fh_range *out_held,
                               uint64_t *out_offsets)
{
    uint64_t total = 0;
    for (size_t i = 0; i < STRADDLE_GAPS; i++) {
        total += sizes[i] + 1;
    }
    fh_block *block = check_block(total, FH_BLOCK_TLSF);
    for (size_t i = 0; i < STRADDLE_GAPS; i++) {
        out_held[i] = check_take(block, sizes[i], &out_offsets[i]);
        check_take(block, 1, NULL);
    }
    for (size_t i = 0; i < STRADDLE_GAPS; i++) {
        check_give(block, out_held[order[i]]);
    }
    return block;
}

static void shuffle(test_rng *rng, size_t *order)
{
    for (size_t i = 0; i < STRADDLE_GAPS; i++) {
        size_t j = (size_t)test_below(rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}

/* All gaps lie in one bin or two; only one is large enough, at every depth of the bin's list. */
static void the_only_gap_that_fits_is_found_however_deep_it_lies_in_its_bin(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    static const uint64_t bases[] = {200, 1000, (1 << 20) + 5, UINT64_C(0x123456789ab)};
    for (size_t round = 0; round < STRADDLE_GAPS * TEST_COUNT_OF(bases); round++) {
        uint64_t base = bases[round % TEST_COUNT_OF(bases)];
        uint64_t spread = base / 200 + 1; /* well within a bin of 1/64 octave, or at its edge */
        uint64_t request = base + spread;
        uint64_t sizes[STRADDLE_GAPS];
        size_t order[STRADDLE_GAPS];
        for (size_t i = 0; i < STRADDLE_GAPS; i++) {
            sizes[i] = base + test_below(&rng, spread);
        }
        shuffle(&rng, order);
        size_t fitting = order[round / TEST_COUNT_OF(bases)];
        sizes[fitting] = request;
        fh_range held[STRADDLE_GAPS];
        uint64_t offsets[STRADDLE_GAPS];
        fh_block *block = block_of_gaps(sizes, order, held, offsets);
        for (size_t s = 0; s < TEST_COUNT_OF(every_strategy); s++) {
            fh_range_desc desc = {.size = request + 1, .strategy = every_strategy[s]};
            check_refused(block, &desc);
            desc.size = request;
            fh_range range;
            uint64_t offset;
            CHECK_OK(fh_block_alloc(block, &desc, &range, &offset));
            assert_true(offset == offsets[fitting]);
            check_give(block, range);
        }
        CHECK_SOUND(block);
        fh_block_destroy(block);
    }
}

/* All gaps are equally large, but alignment padding leaves enough of one of them only. */
static void the_only_gap_that_is_aligned_well_is_found(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    const uint64_t alignment = 1 << 16;
    const uint64_t gap = 4 * alignment - 2;
    for (size_t round = 0; round < STRADDLE_GAPS; round++) {
        size_t order[STRADDLE_GAPS];
        shuffle(&rng, order);
        size_t fitting = order[round];
        fh_range held[STRADDLE_GAPS];
        fh_block *block = check_block(STRADDLE_GAPS * (gap + 2), FH_BLOCK_TLSF);
        for (size_t i = 0; i < STRADDLE_GAPS; i++) {
            if (i != fitting) {
                check_take(block, 1, NULL); /* so that the gap starts badly */
            }
            held[i] = check_take(block, gap, NULL);
            check_take(block, i == fitting ? 2 : 1, NULL);
        }
        uint64_t fitting_offset = check_offset(block, held[fitting]);
        for (size_t i = 0; i < STRADDLE_GAPS; i++) {
            check_give(block, held[order[i]]);
        }
        for (size_t s = 0; s < TEST_COUNT_OF(every_strategy); s++) {
            fh_range_desc desc = {.size = gap, .alignment = alignment};
            desc.strategy = every_strategy[s];
            fh_range range;
            uint64_t offset;
            CHECK_OK(fh_block_alloc(block, &desc, &range, &offset));
            assert_true(offset == fitting_offset);
            check_refused(block, &desc);
            check_give(block, range);
        }
        CHECK_SOUND(block);
        fh_block_destroy(block);
    }
}

static void a_hundred_thousand_ranges_live_side_by_side(void **state)
{
    (void)state;
    enum {
        COUNT = 100000
    };
    static fh_range ranges[COUNT];
    test_rng rng = {test_seed()};
    fh_block *block = check_block(UINT64_C(1) << 34, FH_BLOCK_TLSF);
    uint64_t bytes = 0;
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t size = test_log_uniform(&rng, 65536);
        fh_range_desc desc = {.size = size, .alignment = UINT64_C(1) << test_below(&rng, 9)};
        desc.strategy = every_strategy[test_below(&rng, 2)];
        CHECK_OK(fh_block_alloc(block, &desc, &ranges[i], NULL));
        bytes += size;
    }
    fh_stats stats;
    fh_block_stats(block, &stats);
    assert_true(stats.range_count == COUNT && stats.range_bytes == bytes);
    CHECK_SOUND(block);
    for (size_t i = 0; i < COUNT; i += 2) {
        check_give(block, ranges[i]);
    }
    CHECK_SOUND(block);
    for (size_t i = COUNT - 1; i < COUNT; i -= 2) {
        check_give(block, ranges[i]);
    }
    CHECK_SOUND(block);
    fh_stats_detail detail = check_detail(block);
    assert_true(detail.free_count == 1 && detail.free_max == UINT64_C(1) << 34);
    fh_block_destroy(block);
}

static void the_bound_never_refuses_what_succeeds(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    for (int round = 0; round < 300; round++) {
        shadow model;
        shadow_init(&model, test_log_uniform(&rng, UINT64_C(1) << 40) + 100, FH_BLOCK_TLSF);
        fh_block *block = check_block(model.size, FH_BLOCK_TLSF);
        assert_true(fh_block_free_bound(block) >= model.size);
        for (int i = 0; i < 40; i++) {
            fh_range_desc desc = {.size = test_log_uniform(&rng, model.size / 8)};
            CHECK_NO_FAULT(shadow_alloc(&model, block, &desc, NULL, NULL));
            if (model.count > 0 && test_chance(&rng, 30)) {
                size_t index = (size_t)test_below(&rng, model.count);
                CHECK_NO_FAULT(shadow_free(&model, block, index));
            }
            uint64_t largest = shadow_largest(&model);
            assert_true(fh_block_free_bound(block) >= largest);
        }
        uint64_t largest = shadow_largest(&model);
        if (largest > 0) {
            check_refused(block, &(fh_range_desc){.size = largest + 1});
            check_take(block, largest, NULL);
        }
        fh_block_destroy(block);
        shadow_finish(&model);
    }
}

/* What a list of blocks needs to skip the full ones: a bound far above what fits is true, and of no
 * use. */
static void the_free_bound_is_near_the_largest_gap(void **state)
{
    (void)state;
    static const uint64_t alignments[] = {1, 256, 65536};
    enum {
        COUNT = 64
    };
    const uint64_t size = 65536;
    for (unsigned int a = 0; a < TEST_COUNT_OF(alignments); a++) {
        fh_block *block = check_block(COUNT * size, FH_BLOCK_TLSF);
        fh_range ranges[COUNT];
        for (int i = 0; i < COUNT; i++) {
            fh_range_desc desc = {.size = size, .alignment = alignments[a]};
            CHECK_OK(fh_block_alloc(block, &desc, &ranges[i], NULL));
        }
        for (int i = 1; i < COUNT; i += 2) {
            CHECK_OK(fh_block_free(block, ranges[i]));
            uint64_t bound = fh_block_free_bound(block);
            assert_true(bound >= size && bound <= size + size / 64);
        }
        fh_block_destroy(block);
    }
}

/* One odd request must not spoil what comes after it. */
static void holes_are_filled_by_what_fits_them_whatever_came_before(void **state)
{
    (void)state;
    static const fh_strategy quick[] = {FH_STRATEGY_BALANCED, FH_STRATEGY_MIN_TIME};
    enum {
        COUNT = 200
    };
    for (unsigned int q = 0; q < TEST_COUNT_OF(quick); q++) {
        fh_block *block = check_block(16 << 20, FH_BLOCK_TLSF);
        fh_range_desc odd = {.size = 1, .alignment = 1};
        fh_range_desc even = {.size = 1024, .alignment = 256, .strategy = quick[q]};
        fh_range holes[COUNT], range;
        uint64_t offset, last = 0;
        CHECK_OK(fh_block_alloc(block, &odd, &range, NULL));
        for (int i = 0; i < COUNT; i++) {
            CHECK_OK(fh_block_alloc(block, &even, &holes[i], NULL));
            CHECK_OK(fh_block_alloc(block, &even, &range, &last));
        }
        for (int i = 0; i < COUNT; i++) {
            CHECK_OK(fh_block_free(block, holes[i]));
        }
        for (int i = 0; i < COUNT; i++) {
            CHECK_OK(fh_block_alloc(block, &even, &range, &offset));
            assert_true(offset < last);
        }
        fh_block_destroy(block);
    }
}

/* Bookkeeping follows the pieces, not the variety of requests. */
static void falling_sizes_and_alignments_take_no_room_of_their_own(void **state)
{
    (void)state;
    test_memory memory;
    test_memory_init(&memory);
    fh_block *block;
    fh_block_desc desc = {.size = UINT64_C(1) << 40, .memory = &memory.host};
    CHECK_OK(fh_block_create(&desc, &block));
    size_t before = memory.live_bytes;
    for (uint64_t size = 1 << 14; size > 0; size /= 2) {
        fh_range range;
        fh_range_desc small = {.size = size, .alignment = size};
        CHECK_OK(fh_block_alloc(block, &small, &range, NULL));
    }
    assert_true(memory.live_bytes <= before + (size_t)64 * 32);
    fh_block_destroy(block);
    test_memory_finish(&memory);
}

/* The gap in the request's own bin is just too short; two above it are as good as each other. */
static void of_two_near_gaps_a_tight_block_takes_the_lower(void **state)
{
    (void)state;
    for (int tight = 0; tight <= 1; tight++) {
        static const uint64_t sizes[] = {2000, 1041, 2000, 1021, 2000, 1030, 2000};
        fh_block *block = check_block(65536, FH_BLOCK_TLSF);
        fh_range ranges[TEST_COUNT_OF(sizes)], range;
        uint64_t offsets[TEST_COUNT_OF(sizes)], offset, used = 0;
        for (unsigned int i = 0; i < TEST_COUNT_OF(sizes); i++) {
            fh_range_desc desc = {.size = sizes[i]};
            CHECK_OK(fh_block_alloc(block, &desc, &ranges[i], &offsets[i]));
            used += sizes[i];
        }
        if (tight) {
            fh_range_desc rest = {.size = 65536 - used};
            CHECK_OK(fh_block_alloc(block, &rest, &range, NULL));
        }
        for (unsigned int i = 1; i < TEST_COUNT_OF(sizes); i += 2) {
            CHECK_OK(fh_block_free(block, ranges[i]));
        }
        fh_range_desc desc = {.size = 1022};
        CHECK_OK(fh_block_alloc(block, &desc, &range, &offset));
        assert_true(offset == (tight ? offsets[1] : offsets[5]));
        fh_block_destroy(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_as_large_as_asked_for_and_1_unit_is_enough),
        cmocka_unit_test(every_alignment_up_to_2_to_the_62_is_kept),
        cmocka_unit_test(alignment_0_is_1),
        cmocka_unit_test(alignment_padding_stays_usable),
        cmocka_unit_test(crumbs_between_aligned_ranges_stay_usable),
        cmocka_unit_test(a_freed_range_merges_with_the_gaps_on_both_sides),
        cmocka_unit_test(a_block_fills_to_the_last_unit),
        cmocka_unit_test(a_block_can_have_1_unit),
        cmocka_unit_test(a_block_can_have_2_to_the_63_units),
        cmocka_unit_test(holes_of_2_to_the_39_units_and_more_are_found_by_every_strategy),
        cmocka_unit_test(the_only_gap_that_fits_is_found_however_deep_it_lies_in_its_bin),
        cmocka_unit_test(the_only_gap_that_is_aligned_well_is_found),
        cmocka_unit_test(a_hundred_thousand_ranges_live_side_by_side),
        cmocka_unit_test(the_free_bound_is_near_the_largest_gap),
        cmocka_unit_test(holes_are_filled_by_what_fits_them_whatever_came_before),
        cmocka_unit_test(falling_sizes_and_alignments_take_no_room_of_their_own),
        cmocka_unit_test(of_two_near_gaps_a_tight_block_takes_the_lower),
        cmocka_unit_test(the_bound_never_refuses_what_succeeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
