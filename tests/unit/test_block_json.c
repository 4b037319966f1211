/* fh_block_visit shows everything, fh_block_json writes what the visualiser reads. */

#include "checks.h"
#include "dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fh_range take(fh_block *block, uint64_t size, void *user)
{
    fh_range range;
    CHECK_OK(fh_block_alloc(block, &(fh_range_desc){.size = size, .user = user}, &range, NULL));
    return range;
}

static json_value *dump(const fh_block *block, bool detailed)
{
    test_text text = {0};
    CHECK_OK(fh_block_json(block, detailed, test_text_write, &text));
    json_value *value = json_parse(text.data, text.length);
    if (value == NULL) {
        print_error("%s\n", text.data);
        fail_msg("not valid JSON");
    }
    const char *fault = dump_fault(value);
    if (fault != NULL) {
        print_error("%s\n", text.data);
        fail_msg("not what the visualiser reads: %s", fault);
    }
    test_text_finish(&text);
    return value;
}

static uint64_t number(const json_value *object, const char *key)
{
    const json_value *value = json_get(object, key);
    assert_non_null(value);
    return value->number;
}

/* The statistics in `object` are those of `detail`. */
static void check_stats(const json_value *object, const fh_stats_detail *detail)
{
    assert_true(number(object, "BlockCount") == 1);
    assert_true(number(object, "BlockBytes") == detail->stats.block_bytes);
    assert_true(number(object, "AllocationCount") == detail->stats.range_count);
    assert_true(number(object, "AllocationBytes") == detail->stats.range_bytes);
    assert_true(number(object, "UnusedRangeCount") == detail->free_count);
    if (detail->stats.range_count > 0) {
        assert_true(number(object, "AllocationSizeMin") == detail->range_min);
        assert_true(number(object, "AllocationSizeMax") == detail->range_max);
    } else {
        assert_null(json_get(object, "AllocationSizeMin"));
    }
    if (detail->free_count > 0) {
        assert_true(number(object, "UnusedRangeSizeMin") == detail->free_min);
        assert_true(number(object, "UnusedRangeSizeMax") == detail->free_max);
    } else {
        assert_null(json_get(object, "UnusedRangeSizeMin"));
    }
}

/* The rows lie in address order without a hole, and are the pieces that fh_block_visit shows. */
typedef struct row_check {
    const json_value *row;
    uint64_t position;
    size_t count;
} row_check;

static bool check_row(void *context, const fh_block_piece *piece)
{
    row_check *check = context;
    const json_value *row = check->row;
    assert_non_null(row);
    assert_true(number(row, "Offset") == check->position);
    assert_true(number(row, "Offset") == piece->offset);
    assert_true(number(row, "Size") == piece->size);
    const char *type = json_get(row, "Type")->string;
    assert_int_equal(strcmp(type, "FREE") == 0, piece->range.id == 0);
    const json_value *custom = json_get(row, "CustomData");
    assert_int_equal(custom != NULL, piece->user != NULL);
    if (custom != NULL) {
        assert_true(strtoull(custom->string, NULL, 16) == (uint64_t)(uintptr_t)piece->user);
    }
    check->position += piece->size;
    check->row = row->next;
    check->count++;
    return true;
}

static void check_dump(const fh_block *block)
{
    fh_stats_detail detail;
    fh_block_detail(block, &detail);

    json_value *value = dump(block, true);
    check_stats(json_get(value, "Total"), &detail);
    const json_value *shown = dump_only_block(value);
    assert_non_null(shown);
    assert_true(number(shown, "TotalBytes") == detail.stats.block_bytes);
    assert_true(number(shown, "UnusedBytes") ==
                detail.stats.block_bytes - detail.stats.range_bytes);
    assert_true(number(shown, "Allocations") == detail.stats.range_count);
    assert_true(number(shown, "UnusedRanges") == detail.free_count);
    const json_value *rows = json_get(shown, "Suballocations");
    row_check check = {.row = rows->first};
    CHECK_OK(fh_block_visit(block, check_row, &check));
    assert_true(check.position == detail.stats.block_bytes);
    assert_true(check.count == rows->count);
    json_free(value);

    value = dump(block, false);
    check_stats(json_get(value, "Total"), &detail);
    assert_null(json_get(value, "DefaultPools"));
    assert_null(json_get(value, "CustomPools"));
    json_free(value);
}

static void an_empty_block_s_dump_is_one_gap(void **state)
{
    (void)state;
    for (int algorithm = FH_BLOCK_TLSF; algorithm <= FH_BLOCK_LINEAR; algorithm++) {
        fh_block *block = check_block(1, (fh_block_algorithm)algorithm);
        check_dump(block);
        fh_block_destroy(block);
        block = check_block(FH_BLOCK_SIZE_MAX, (fh_block_algorithm)algorithm);
        check_dump(block);
        fh_block_destroy(block);
    }
}

static void a_full_block_s_dump_has_no_gap(void **state)
{
    (void)state;
    for (int algorithm = FH_BLOCK_TLSF; algorithm <= FH_BLOCK_LINEAR; algorithm++) {
        fh_block *block = check_block(300, (fh_block_algorithm)algorithm);
        take(block, 100, NULL);
        take(block, 200, &state);
        check_dump(block);
        fh_block_destroy(block);
        block = check_block(FH_BLOCK_SIZE_MAX, (fh_block_algorithm)algorithm);
        take(block, FH_BLOCK_SIZE_MAX, NULL);
        check_dump(block);
        fh_block_destroy(block);
    }
}

static void a_used_block_s_dump_lists_ranges_and_gaps_in_address_order(void **state)
{
    (void)state;
    static const uintptr_t users[] = {0, 1, 0xabcdef, UINTPTR_MAX};
    for (int algorithm = FH_BLOCK_TLSF; algorithm <= FH_BLOCK_LINEAR; algorithm++) {
        fh_block *block = check_block(100000, (fh_block_algorithm)algorithm);
        fh_range ranges[40];
        for (size_t i = 0; i < TEST_COUNT_OF(ranges); i++) {
            ranges[i] = take(block, 1 + i * i, (void *)users[i % TEST_COUNT_OF(users)]);
        }
        for (size_t i = 0; i < TEST_COUNT_OF(ranges); i += 3) {
            CHECK_OK(fh_block_free(block, ranges[i]));
            check_dump(block);
        }
        fh_block_clear(block);
        check_dump(block);
        fh_block_destroy(block);
    }
}

static void a_ring_s_and_a_double_stack_s_dump_lie_in_address_order_too(void **state)
{
    (void)state;
    fh_block *block = check_block(300, FH_BLOCK_LINEAR);
    fh_range oldest = take(block, 100, &state);
    take(block, 110, NULL);
    CHECK_OK(fh_block_free(block, oldest));
    take(block, 95, &oldest); /* wraps */
    check_dump(block);
    fh_block_destroy(block);

    block = check_block(300, FH_BLOCK_LINEAR);
    take(block, 100, &state);
    fh_range range;
    fh_range_desc upper = {.size = 50, .alignment = 64, .upper = true, .user = block};
    CHECK_OK(fh_block_alloc(block, &upper, &range, NULL));
    CHECK_OK(fh_block_alloc(block, &upper, &range, NULL));
    check_dump(block);
    fh_block_destroy(block);
}

static bool count_until(void *context, const fh_block_piece *piece)
{
    (void)piece;
    unsigned int *left = context;
    return --*left > 0;
}

static void a_visit_ends_when_its_callback_says_so(void **state)
{
    (void)state;
    for (int algorithm = FH_BLOCK_TLSF; algorithm <= FH_BLOCK_LINEAR; algorithm++) {
        fh_block *block = check_block(1000, (fh_block_algorithm)algorithm);
        for (int i = 0; i < 8; i++) {
            take(block, 10, NULL);
        }
        for (unsigned int stop = 1; stop <= 9; stop++) {
            unsigned int left = stop;
            CHECK_OK(fh_block_visit(block, count_until, &left));
            assert_int_equal(left, 0); /* not called again */
        }
        fh_block_destroy(block);
    }
}

static void json_gives_back_what_the_writer_said_and_stops(void **state)
{
    (void)state;
    static const fh_result failures[] = {FH_ERR_IO, FH_ERR_TIMEOUT, FH_ERR_SCRIPT};
    fh_block *block = check_block(1000, FH_BLOCK_TLSF);
    fh_range first = take(block, 10, block);
    for (int i = 0; i < 60; i++) {
        take(block, 10, block);
    }
    CHECK_OK(fh_block_free(block, first));
    for (int detailed = 0; detailed <= 1; detailed++) {
        test_text whole = {0};
        CHECK_OK(fh_block_json(block, detailed != 0, test_text_write, &whole));
        for (unsigned int n = 1; n <= whole.call_count; n++) {
            test_text text = {.fail_at = n, .failure = failures[n % TEST_COUNT_OF(failures)]};
            fh_result result = fh_block_json(block, detailed != 0, test_text_write, &text);
            assert_int_equal(result, text.failure);
            assert_int_equal(text.call_count, n);
            /* The sentence is about this, and not about what failed before. */
            assert_non_null(strstr(fh_error_detail(), "write"));
            (void)fh_block_free(NULL, first);
            test_text_finish(&text);
        }
        test_text_finish(&whole);
    }
    fh_block_destroy(block);
}

static fh_result refuse_with_a_sentence(void *context, const char *text, size_t length)
{
    (void)context;
    (void)text;
    (void)length;
    return fh_block_alloc(NULL, NULL, NULL, NULL); /* some call of ours that fails */
}

static void a_writer_that_left_a_sentence_keeps_it(void **state)
{
    (void)state;
    fh_block *block = check_block(1000, FH_BLOCK_TLSF);
    assert_int_equal(fh_block_json(block, false, refuse_with_a_sentence, NULL), FH_ERR_INVALID);
    assert_non_null(strstr(fh_error_detail(), "out_range"));
    fh_block_destroy(block);
}

static void json_allocates_no_host_memory(void **state)
{
    (void)state;
    test_memory memory;
    test_memory_init(&memory);
    for (int algorithm = FH_BLOCK_TLSF; algorithm <= FH_BLOCK_LINEAR; algorithm++) {
        fh_block *block;
        fh_block_desc desc = {.size = 5000, .algorithm = (fh_block_algorithm)algorithm};
        desc.memory = &memory.host;
        CHECK_OK(fh_block_create(&desc, &block));
        for (int i = 0; i < 100; i++) {
            take(block, 10, block);
        }
        uint64_t before = memory.alloc_count;
        check_dump(block);
        assert_true(memory.alloc_count == before);
        fh_block_destroy(block);
    }
    test_memory_finish(&memory);
}

static void write_file_writes_to_the_stream(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    fh_block *block = check_block(1000, FH_BLOCK_TLSF);
    take(block, 10, block);
    CHECK_OK(fh_block_json(block, true, fh_write_file, file));
    test_text text = {0};
    CHECK_OK(fh_block_json(block, true, test_text_write, &text));
    char *written = test_calloc(1, text.length + 2);
    rewind(file);
    assert_true(fread(written, 1, text.length + 1, file) == text.length);
    assert_string_equal(written, text.data);
    test_free(written);
    test_text_finish(&text);
    fh_block_destroy(block);
    fclose(file);
}

static void a_stream_that_refuses_is_an_io_error(void **state)
{
    (void)state;
    FILE *file = fopen("/dev/full", "w");
    if (file == NULL) {
        skip();
    }
    assert_int_equal(setvbuf(file, NULL, _IONBF, 0), 0);
    CHECK_RESULT(fh_write_file(file, "x", 1), FH_ERR_IO);
    assert_true(strlen(fh_error_detail()) > 0);
    fh_block *block = check_block(1000, FH_BLOCK_TLSF);
    CHECK_RESULT(fh_block_json(block, true, fh_write_file, file), FH_ERR_IO);
    fh_block_destroy(block);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_block_s_dump_is_one_gap),
        cmocka_unit_test(a_full_block_s_dump_has_no_gap),
        cmocka_unit_test(a_used_block_s_dump_lists_ranges_and_gaps_in_address_order),
        cmocka_unit_test(a_ring_s_and_a_double_stack_s_dump_lie_in_address_order_too),
        cmocka_unit_test(a_visit_ends_when_its_callback_says_so),
        cmocka_unit_test(json_gives_back_what_the_writer_said_and_stops),
        cmocka_unit_test(a_writer_that_left_a_sentence_keeps_it),
        cmocka_unit_test(json_allocates_no_host_memory),
        cmocka_unit_test(write_file_writes_to_the_stream),
        cmocka_unit_test(a_stream_that_refuses_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
