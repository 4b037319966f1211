/* The JSON writer of floor 1, which block dumps do not drive into every corner: escapes, empty
 * containers, pieces that meet the end of its buffer, a sink that fails. */

#include "checks.h"
#include "json.h"

#include "base/json.h"

#include <string.h>

static json_value *finish(fhi_json *json, test_text *text)
{
    CHECK_OK(fhi_json_finish(json));
    json_value *value = json_parse(text->data, text->length);
    if (value == NULL) {
        fail_msg("not valid JSON: %s", text->data);
    }
    return value;
}

static void strings_and_keys_are_escaped(void **state)
{
    (void)state;
    static const char *const plain[] = {"",        "a\"b", "back\\slash", "line\nend\ttab\x01\x1f",
                                        "Größe ✓", "\"",   "\\\\"};
    static const char *const escaped[] = {
        "",        "a\\\"b", "back\\\\slash", "line\\u000aend\\u0009tab\\u0001\\u001f",
        "Größe ✓", "\\\"",   "\\\\\\\\"};
    for (size_t i = 0; i < TEST_COUNT_OF(plain); i++) {
        test_text text = {0};
        fhi_json json;
        fhi_json_init(&json, test_text_write, &text);
        fhi_json_object(&json, NULL);
        fhi_json_string(&json, plain[i], plain[i]);
        fhi_json_end_object(&json);
        json_value *value = finish(&json, &text);
        assert_true(value->count == 1);
        assert_string_equal(value->first->string, escaped[i]);
        assert_string_equal(value->first->key, escaped[i]);
        json_free(value);
        test_text_finish(&text);
    }
}

static void containers_can_be_empty_and_nested(void **state)
{
    (void)state;
    test_text text = {0};
    fhi_json json;
    fhi_json_init(&json, test_text_write, &text);
    fhi_json_object(&json, NULL);
    fhi_json_array(&json, "empty");
    fhi_json_end_array(&json);
    fhi_json_array(&json, "rows");
    for (uint64_t i = 0; i < 3; i++) {
        fhi_json_row(&json, NULL);
        fhi_json_integer(&json, "i", i);
        fhi_json_integer(&json, "largest", UINT64_MAX - i);
        fhi_json_end_object(&json);
    }
    fhi_json_end_array(&json);
    fhi_json_object(&json, "inner");
    fhi_json_end_object(&json);
    fhi_json_end_object(&json);
    json_value *value = finish(&json, &text);
    assert_true(value->count == 3);
    assert_true(json_get(value, "empty")->count == 0);
    assert_true(json_get(value, "inner")->count == 0);
    const json_value *row = json_get(value, "rows")->first;
    for (uint64_t i = 0; i < 3; i++, row = row->next) {
        assert_true(json_get(row, "i")->number == i);
        assert_true(json_get(row, "largest")->is_unsigned);
        assert_true(json_get(row, "largest")->number == UINT64_MAX - i);
    }
    json_free(value);
    test_text_finish(&text);
}

/* Whatever the length of what stands before, nothing is lost where the buffer ends. */
static void text_crosses_the_end_of_the_buffer_at_every_place(void **state)
{
    (void)state;
    char padding[FHI_JSON_BUFFER + 64];
    memset(padding, 'x', sizeof padding);
    for (size_t length = FHI_JSON_BUFFER - 64; length < sizeof padding; length++) {
        padding[length] = '\0';
        test_text text = {0};
        fhi_json json;
        fhi_json_init(&json, test_text_write, &text);
        fhi_json_object(&json, NULL);
        fhi_json_string(&json, "padding", padding);
        fhi_json_string(&json, "quote", "\"\n");
        fhi_json_integer(&json, "number", 1234567890123);
        fhi_json_end_object(&json);
        json_value *value = finish(&json, &text);
        assert_string_equal(json_get(value, "padding")->string, padding);
        assert_string_equal(json_get(value, "quote")->string, "\\\"\\u000a");
        assert_true(json_get(value, "number")->number == 1234567890123);
        json_free(value);
        test_text_finish(&text);
        padding[length] = 'x';
    }
}

static void the_sink_s_first_error_sticks_and_nothing_more_is_written(void **state)
{
    (void)state;
    test_text text = {.fail_at = 3, .failure = FH_ERR_IO};
    fhi_json json;
    fhi_json_init(&json, test_text_write, &text);
    fhi_json_array(&json, NULL);
    for (uint64_t i = 0; i < 5000; i++) {
        fhi_json_integer(&json, NULL, i);
    }
    fhi_json_end_array(&json);
    CHECK_RESULT(fhi_json_finish(&json), FH_ERR_IO);
    assert_int_equal(text.call_count, 3);
    test_text_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_and_keys_are_escaped),
        cmocka_unit_test(containers_can_be_empty_and_nested),
        cmocka_unit_test(text_crosses_the_end_of_the_buffer_at_every_place),
        cmocka_unit_test(the_sink_s_first_error_sticks_and_nothing_more_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
