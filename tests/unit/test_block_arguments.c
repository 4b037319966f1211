/* Every wrong argument of the block API: the code, the sentence that names the argument, the
 * outputs as documented, and a block in which nothing changed. */

#include "checks.h"

#include <stdio.h>
#include <string.h>

typedef struct fixture {
    fh_block *block; /* 1000 units with a range of 100 in it, and a gap in front */
    fh_range range;
    fh_block_algorithm algorithm;
    shadow shadow;
} fixture;

static void *nowhere(void *context, size_t size, size_t alignment)
{
    (void)context, (void)size, (void)alignment;
    return NULL;
}

static void into_nowhere(void *context, void *memory, size_t size, size_t alignment)
{
    (void)context, (void)memory, (void)size, (void)alignment;
}

static bool see(void *context, const fh_block_piece *piece)
{
    (void)context, (void)piece;
    return true;
}

static int set_up(void **state, fh_block_algorithm algorithm)
{
    fixture *f = test_calloc(1, sizeof *f);
    f->algorithm = algorithm;
    shadow_init(&f->shadow, 1000, algorithm);
    fh_block_desc desc = {.size = 1000, .algorithm = algorithm};
    CHECK_OK(fh_block_create(&desc, &f->block));
    fh_range_desc first = {.size = 50};
    fh_range_desc second = {.size = 100, .user = f};
    CHECK_NO_FAULT(shadow_alloc(&f->shadow, f->block, &first, NULL, NULL));
    CHECK_NO_FAULT(shadow_alloc(&f->shadow, f->block, &second, NULL, &f->range));
    CHECK_NO_FAULT(shadow_free(&f->shadow, f->block, 0));
    *state = f;
    return 0;
}

static int set_up_tlsf(void **state)
{
    return set_up(state, FH_BLOCK_TLSF);
}

static int set_up_linear(void **state)
{
    return set_up(state, FH_BLOCK_LINEAR);
}

/* Also proves, after each test, that it changed nothing. */
static int tear_down(void **state)
{
    fixture *f = *state;
    CHECK_SOUND(f->block);
    CHECK_NO_FAULT(shadow_compare(&f->shadow, f->block));
    fh_block_destroy(f->block);
    shadow_finish(&f->shadow);
    test_free(f);
    return 0;
}

static void refuse_create(const fh_block_desc *desc, const char *argument)
{
    fh_block *block = (fh_block *)&block;
    CHECK_RESULT(fh_block_create(desc, &block), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES(argument);
    assert_null(block);
}

static void create_refuses_what_is_missing(void **state)
{
    (void)state;
    refuse_create(NULL, "desc");
    CHECK_RESULT(fh_block_create(&(fh_block_desc){.size = 1}, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_block");
}

static void create_refuses_sizes_outside_1_to_2_to_the_63(void **state)
{
    (void)state;
    static const fh_block_algorithm algorithms[] = {FH_BLOCK_TLSF, FH_BLOCK_LINEAR};
    static const uint64_t sizes[] = {0, FH_BLOCK_SIZE_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < TEST_COUNT_OF(sizes) * 2; i++) {
        refuse_create(&(fh_block_desc){.size = sizes[i / 2], .algorithm = algorithms[i % 2]},
                      "size");
    }
}

static void create_refuses_unknown_algorithms(void **state)
{
    (void)state;
    static const int values[] = {-1, FH_BLOCK_LINEAR + 1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < TEST_COUNT_OF(values); i++) {
        fh_block_desc desc = {.size = 1, .algorithm = (fh_block_algorithm)values[i]};
        refuse_create(&desc, "algorithm");
    }
}

static void create_refuses_host_memory_and_logs_without_their_callbacks(void **state)
{
    (void)state;
    static const fh_host_memory no_alloc = {.free = into_nowhere};
    static const fh_host_memory no_free = {.alloc = nowhere};
    static const fh_host_memory empty = {0};
    static const fh_log no_write = {0};
    refuse_create(&(fh_block_desc){.size = 1, .memory = &no_alloc}, "memory");
    refuse_create(&(fh_block_desc){.size = 1, .memory = &no_free}, "memory");
    refuse_create(&(fh_block_desc){.size = 1, .memory = &empty}, "memory");
    refuse_create(&(fh_block_desc){.size = 1, .log = &no_write}, "log");
}

static void create_without_host_memory_says_host_memory(void **state)
{
    (void)state;
    static const fh_host_memory none = {nowhere, into_nowhere, NULL};
    for (int algorithm = FH_BLOCK_TLSF; algorithm <= FH_BLOCK_LINEAR; algorithm++) {
        fh_block_desc desc = {.size = 1, .algorithm = (fh_block_algorithm)algorithm};
        desc.memory = &none;
        fh_block *block = (fh_block *)&desc;
        CHECK_RESULT(fh_block_create(&desc, &block), FH_ERR_HOST_MEMORY);
        assert_null(block);
        assert_true(strlen(fh_error_detail()) > 0);
    }
}

static void refuse_alloc(fh_block *block, const fh_range_desc *desc, const char *argument)
{
    fh_range range = {.id = 77};
    uint64_t offset = 77;
    CHECK_RESULT(fh_block_alloc(block, desc, &range, &offset), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES(argument);
    assert_true(range.id == 0);
    assert_true(offset == UINT64_MAX);
    range.id = 77;
    CHECK_RESULT(fh_block_alloc(block, desc, &range, NULL), FH_ERR_INVALID);
    assert_true(range.id == 0);
}

static void alloc_refuses_what_is_missing(void **state)
{
    fixture *f = *state;
    fh_range_desc desc = {.size = 1};
    refuse_alloc(NULL, &desc, "block");
    refuse_alloc(f->block, NULL, "desc");
    refuse_alloc(NULL, NULL, "block");
    uint64_t offset = 77;
    CHECK_RESULT(fh_block_alloc(f->block, &desc, NULL, &offset), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_range");
    assert_true(offset == UINT64_MAX);
    CHECK_RESULT(fh_block_alloc(f->block, &desc, NULL, NULL), FH_ERR_INVALID);
}

static void alloc_refuses_size_0(void **state)
{
    fixture *f = *state;
    refuse_alloc(f->block, &(fh_range_desc){.size = 0}, "size");
    refuse_alloc(f->block, &(fh_range_desc){.size = 0, .alignment = 16}, "size");
}

static void alloc_refuses_alignments_that_are_no_power_of_two(void **state)
{
    fixture *f = *state;
    static const uint64_t alignments[] = {3, 48, 255, 257, (UINT64_C(1) << 63) + 1, UINT64_MAX};
    for (size_t i = 0; i < TEST_COUNT_OF(alignments); i++) {
        fh_range_desc desc = {.size = 1, .alignment = alignments[i]};
        refuse_alloc(f->block, &desc, "alignment");
    }
}

static void alloc_refuses_unknown_strategies(void **state)
{
    fixture *f = *state;
    static const int values[] = {-1, FH_STRATEGY_MIN_OFFSET + 1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < TEST_COUNT_OF(values); i++) {
        fh_range_desc desc = {.size = 1, .strategy = (fh_strategy)values[i]};
        refuse_alloc(f->block, &desc, "strategy");
    }
}

static void upper_on_tlsf_is_unsupported(void **state)
{
    fixture *f = *state;
    static const uint64_t sizes[] = {1, 1001, FH_BLOCK_SIZE_MAX, FH_BLOCK_SIZE_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
        fh_range range = {.id = 77};
        uint64_t offset = 77;
        fh_range_desc desc = {.size = sizes[i], .upper = true};
        CHECK_RESULT(fh_block_alloc(f->block, &desc, &range, &offset), FH_ERR_UNSUPPORTED);
        CHECK_DETAIL_NAMES("upper");
        assert_true(range.id == 0);
        assert_true(offset == UINT64_MAX);
    }
}

static void a_refused_alloc_sets_its_outputs(void **state)
{
    fixture *f = *state;
    static const uint64_t sizes[] = {901, 1000, 1001, FH_BLOCK_SIZE_MAX, UINT64_MAX};
    for (size_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
        fh_range range = {.id = 77};
        uint64_t offset = 77;
        fh_range_desc desc = {.size = sizes[i]};
        CHECK_RESULT(fh_block_alloc(f->block, &desc, &range, &offset), FH_ERR_OUT_OF_MEMORY);
        assert_true(range.id == 0);
        assert_true(offset == UINT64_MAX);
        char asked[32];
        snprintf(asked, sizeof asked, "%llu", (unsigned long long)sizes[i]);
        CHECK_DETAIL_NAMES(asked);
    }
}

static void free_refuses_null_and_dead_handles(void **state)
{
    fixture *f = *state;
    CHECK_RESULT(fh_block_free(NULL, f->range), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("block");
    CHECK_RESULT(fh_block_free(f->block, f->shadow.stale[0]), FH_ERR_STALE);
    CHECK_DETAIL_NAMES("range");
}

static void freeing_no_range_is_no_error(void **state)
{
    fixture *f = *state;
    CHECK_OK(fh_block_free(f->block, (fh_range){0}));
}

static void info_refuses_null_and_dead_handles_and_zeroes_its_output(void **state)
{
    fixture *f = *state;
    fh_range_info info = {7, 7, f};
    CHECK_RESULT(fh_block_info(NULL, f->range, &info), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("block");
    assert_true(info.offset == 0 && info.size == 0 && info.user == NULL);
    CHECK_RESULT(fh_block_info(f->block, f->range, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_info");
    const fh_range dead[] = {{0}, f->shadow.stale[0]};
    for (size_t i = 0; i < TEST_COUNT_OF(dead); i++) {
        info = (fh_range_info){7, 7, f};
        CHECK_RESULT(fh_block_info(f->block, dead[i], &info), FH_ERR_STALE);
        CHECK_DETAIL_NAMES("range");
        assert_true(info.offset == 0 && info.size == 0 && info.user == NULL);
    }
}

static void set_user_refuses_null_and_dead_handles(void **state)
{
    fixture *f = *state;
    CHECK_RESULT(fh_block_set_user(NULL, f->range, f), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("block");
    CHECK_RESULT(fh_block_set_user(f->block, (fh_range){0}, f), FH_ERR_STALE);
    CHECK_DETAIL_NAMES("range");
    CHECK_RESULT(fh_block_set_user(f->block, f->shadow.stale[0], f), FH_ERR_STALE);
    CHECK_DETAIL_NAMES("range");
}

static void resize_refuses_null_and_impossible_sizes(void **state)
{
    fixture *f = *state;
    CHECK_RESULT(fh_block_resize(NULL, 10), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("block");
    static const uint64_t sizes[] = {0, FH_BLOCK_SIZE_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
        CHECK_RESULT(fh_block_resize(f->block, sizes[i]), FH_ERR_INVALID);
        CHECK_DETAIL_NAMES("size");
    }
}

static void resize_below_a_range_is_busy(void **state)
{
    fixture *f = *state;
    CHECK_RESULT(fh_block_resize(f->block, 149), FH_ERR_BUSY);
    CHECK_DETAIL_NAMES("size");
    CHECK_RESULT(fh_block_resize(f->block, 1), FH_ERR_BUSY);
}

static void visit_refuses_null(void **state)
{
    fixture *f = *state;
    CHECK_RESULT(fh_block_visit(NULL, see, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("block");
    CHECK_RESULT(fh_block_visit(f->block, NULL, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("visit");
}

static void json_refuses_null(void **state)
{
    fixture *f = *state;
    test_text text = {0};
    CHECK_RESULT(fh_block_json(NULL, true, test_text_write, &text), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("block");
    assert_int_equal(text.call_count, 0);
    CHECK_RESULT(fh_block_json(f->block, true, NULL, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("write");
}

static void write_file_refuses_null(void **state)
{
    (void)state;
    CHECK_RESULT(fh_write_file(NULL, "x", 1), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("file");
}

static void calls_that_cannot_fail_take_null(void **state)
{
    (void)state;
    fh_block_destroy(NULL);
    fh_block_clear(NULL);
    assert_true(fh_block_free_bound(NULL) == 0);
    fh_stats stats = {1, 1, 1, 1};
    fh_block_stats(NULL, &stats);
    assert_true(stats.block_count == 0 && stats.block_bytes == 0);
    assert_true(stats.range_count == 0 && stats.range_bytes == 0);
    fh_stats_detail detail = {{1, 1, 1, 1}, 1, 1, 1, 1, 1};
    fh_block_detail(NULL, &detail);
    assert_true(detail.stats.block_count == 0 && detail.stats.block_bytes == 0);
    assert_true(detail.stats.range_count == 0 && detail.stats.range_bytes == 0);
    assert_true(detail.free_count == 0);
    assert_true(detail.range_min == UINT64_MAX && detail.range_max == 0);
    assert_true(detail.free_min == UINT64_MAX && detail.free_max == 0);
}

#define WITH_TLSF(test)                                                                            \
    {                                                                                              \
#test " (TLSF)", test, set_up_tlsf, tear_down, NULL                                        \
    }
#define WITH_LINEAR(test)                                                                          \
    {                                                                                              \
#test " (linear)", test, set_up_linear, tear_down, NULL                                    \
    }
#define WITH_BOTH(test) WITH_TLSF(test), WITH_LINEAR(test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_refuses_what_is_missing),
        cmocka_unit_test(create_refuses_sizes_outside_1_to_2_to_the_63),
        cmocka_unit_test(create_refuses_unknown_algorithms),
        cmocka_unit_test(create_refuses_host_memory_and_logs_without_their_callbacks),
        cmocka_unit_test(create_without_host_memory_says_host_memory),
        WITH_BOTH(alloc_refuses_what_is_missing),
        WITH_BOTH(alloc_refuses_size_0),
        WITH_BOTH(alloc_refuses_alignments_that_are_no_power_of_two),
        WITH_BOTH(alloc_refuses_unknown_strategies),
        WITH_TLSF(upper_on_tlsf_is_unsupported),
        WITH_BOTH(a_refused_alloc_sets_its_outputs),
        WITH_BOTH(free_refuses_null_and_dead_handles),
        WITH_BOTH(freeing_no_range_is_no_error),
        WITH_BOTH(info_refuses_null_and_dead_handles_and_zeroes_its_output),
        WITH_BOTH(set_user_refuses_null_and_dead_handles),
        WITH_BOTH(resize_refuses_null_and_impossible_sizes),
        WITH_BOTH(resize_below_a_range_is_busy),
        WITH_BOTH(visit_refuses_null),
        WITH_BOTH(json_refuses_null),
        cmocka_unit_test(write_file_refuses_null),
        cmocka_unit_test(calls_that_cannot_fail_take_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
