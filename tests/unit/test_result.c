/* Results: names, messages, and the sentence about the last failure, one per thread. */

#include "checks.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void every_result_has_its_own_name(void **state)
{
    (void)state;
#define CHECK_NAME(name, value, message)                                                           \
    assert_string_equal(fh_result_name(FH_##name), "FH_" #name);
    FH_RESULTS(CHECK_NAME)
#undef CHECK_NAME
}

static void every_result_has_its_message_without_a_full_stop(void **state)
{
    (void)state;
#define CHECK_MESSAGE(name, value, message)                                                        \
    assert_string_equal(fh_result_message(FH_##name), message);                                    \
    assert_int_not_equal(fh_result_message(FH_##name)[strlen(message) - 1], '.');
    FH_RESULTS(CHECK_MESSAGE)
#undef CHECK_MESSAGE
}

static void ok_is_0_and_every_error_is_negative_and_used_once(void **state)
{
    (void)state;
    static const int values[] = {
#define LIST_VALUE(name, value, message) (value),
        FH_RESULTS(LIST_VALUE)
#undef LIST_VALUE
    };
    assert_int_equal(FH_OK, 0);
    for (size_t i = 1; i < TEST_COUNT_OF(values); i++) {
        assert_true(values[i] < 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(values[i], values[j]);
        }
    }
}

static void values_that_are_no_result_have_a_name_and_a_message_too(void **state)
{
    (void)state;
    static const int values[] = {1, 2, -13, -1000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < TEST_COUNT_OF(values); i++) {
        assert_string_equal(fh_result_name((fh_result)values[i]), "FH_ERR_UNKNOWN");
        assert_non_null(fh_result_message((fh_result)values[i]));
        assert_true(strlen(fh_result_message((fh_result)values[i])) > 0);
    }
}

static void the_library_s_version_is_that_of_its_headers(void **state)
{
    (void)state;
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", FH_VERSION_MAJOR, FH_VERSION_MINOR,
             FH_VERSION_PATCH);
    assert_string_equal(FH_VERSION_STRING, version);
    assert_string_equal(fh_version(), version);
}

/* Runs in a thread of its own, so that nothing failed there before. */
static void *detail_of_a_fresh_thread(void *out)
{
    bool *is_empty = out;
    *is_empty = strcmp(fh_error_detail(), "") == 0;
    return NULL;
}

static void the_detail_is_empty_when_nothing_failed_on_this_thread(void **state)
{
    (void)state;
    fh_block *block;
    CHECK_RESULT(fh_block_create(NULL, &block), FH_ERR_INVALID);
    bool is_empty = false;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, detail_of_a_fresh_thread, &is_empty), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(is_empty);
}

static void the_detail_is_one_sentence_and_stays_when_a_call_succeeds(void **state)
{
    (void)state;
    fh_block *block;
    CHECK_RESULT(fh_block_create(&(fh_block_desc){.size = 0}, &block), FH_ERR_INVALID);
    char before[512];
    snprintf(before, sizeof before, "%s", fh_error_detail());
    assert_true(strlen(before) > 0);
    assert_null(strchr(before, '\n'));
    CHECK_OK(fh_block_create(&(fh_block_desc){.size = 1}, &block));
    assert_string_equal(fh_error_detail(), before);
    fh_block_destroy(block);
    assert_string_equal(fh_error_detail(), before);
}

static void a_refusal_s_detail_tells_what_was_asked_for_and_what_was_left(void **state)
{
    (void)state;
    fh_block *block;
    CHECK_OK(fh_block_create(&(fh_block_desc){.size = 7654321}, &block));
    fh_range range;
    fh_range_desc desc = {.size = 98765432, .alignment = 4096};
    CHECK_RESULT(fh_block_alloc(block, &desc, &range, NULL), FH_ERR_OUT_OF_MEMORY);
    CHECK_DETAIL_NAMES("98765432");
    CHECK_DETAIL_NAMES("7654321");
    fh_block_destroy(block);
}

static void the_newest_failure_s_detail_replaces_the_one_before(void **state)
{
    (void)state;
    fh_block *block;
    CHECK_OK(fh_block_create(&(fh_block_desc){.size = 64}, &block));
    fh_range range;
    CHECK_RESULT(fh_block_alloc(block, &(fh_range_desc){.size = 0}, &range, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("size");
    fh_range_desc desc = {.size = 1, .alignment = 48};
    CHECK_RESULT(fh_block_alloc(block, &desc, &range, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("alignment");
    CHECK_DETAIL_NAMES("48");
    fh_block_destroy(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_result_has_its_own_name),
        cmocka_unit_test(every_result_has_its_message_without_a_full_stop),
        cmocka_unit_test(ok_is_0_and_every_error_is_negative_and_used_once),
        cmocka_unit_test(values_that_are_no_result_have_a_name_and_a_message_too),
        cmocka_unit_test(the_library_s_version_is_that_of_its_headers),
        cmocka_unit_test(the_detail_is_empty_when_nothing_failed_on_this_thread),
        cmocka_unit_test(the_detail_is_one_sentence_and_stays_when_a_call_succeeds),
        cmocka_unit_test(a_refusal_s_detail_tells_what_was_asked_for_and_what_was_left),
        cmocka_unit_test(the_newest_failure_s_detail_replaces_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
