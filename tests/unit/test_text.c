/* Sizes as people read them, names cut and cleaned: what sentences are made of. */

#include "checks.h"

#include "device/text.h"

#include <string.h>

static void check_size(uint64_t bytes, const char *text)
{
    fhi_size_text size = fhi_size_print(bytes);
    assert_string_equal(size.text, text);
}

static void sizes_have_the_largest_unit_that_fits(void **state)
{
    (void)state;
    check_size(0, "0 B");
    check_size(1, "1 B");
    check_size(1023, "1023 B");
    check_size(1024, "1 KiB");
    check_size(1025, "1.00 KiB"); /* more than whole */
    check_size(1536, "1.50 KiB");
    check_size((1 << 20) - 1, "1023.99 KiB"); /* never rounded up */
    check_size(1 << 20, "1 MiB");
    check_size(UINT64_C(5) << 30, "5 GiB");
    check_size((UINT64_C(5) << 30) + (UINT64_C(1) << 29), "5.50 GiB");
    check_size(UINT64_C(1) << 40, "1 TiB");
    check_size(UINT64_C(1) << 50, "1 PiB");
    check_size(UINT64_C(1) << 60, "1 EiB");
    check_size(UINT64_C(1) << 63, "8 EiB");
    check_size(UINT64_MAX, "15.99 EiB");
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(fhi_kind_name(FH_KIND_BUFFER), "buffer");
    assert_string_equal(fhi_kind_name(FH_KIND_TRANSIENT), "transient");
    assert_string_equal(fhi_kind_name(FH_KIND_COUNT), "unknown");
    assert_string_equal(fhi_kind_name(UINT32_MAX), "unknown");
}

static void a_name_is_filled_up_with_zeroes(void **state)
{
    (void)state;
    char name[FH_NAME_SIZE];
    memset(name, 'x', sizeof name);
    fhi_name_copy(name, "short");
    assert_string_equal(name, "short");
    for (size_t i = 5; i < sizeof name; i++) {
        assert_int_equal(name[i], 0);
    }
    fhi_name_copy(name, NULL);
    assert_string_equal(name, "");
}

static bool is_shown(unsigned int byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

/* Every sequence of two bytes, between two letters: what is left is UTF-8 on one line, letters are
 * left alone, and cleaning again changes nothing. For what has lines, control characters stay. */
static void cleaning_leaves_utf_8(void **state)
{
    (void)state;
    for (unsigned int first = 1; first < 256; first++) {
        for (unsigned int second = 1; second < 256; second++) {
            const char text[] = {'a', (char)first, (char)second, 'z', '\0'};
            char once[sizeof text];
            char twice[sizeof text];
            memcpy(once, text, sizeof text);
            fhi_text_clean(once);
            memcpy(twice, once, sizeof once);
            fhi_text_clean(twice);
            assert_string_equal(once, twice);
            bool is_pair = first >= 0xc2 && first <= 0xdf && second >= 0x80 && second <= 0xbf;
            assert_int_equal(once[0], 'a');
            assert_int_equal(once[3], 'z');
            assert_int_equal(once[1], is_shown(first) || is_pair ? text[1] : '?');
            assert_int_equal(once[2], is_shown(second) || is_pair ? text[2] : '?');
            memcpy(twice, text, sizeof text);
            fhi_text_validate(twice);
            assert_int_equal(twice[1], first < 0x80 || is_pair ? text[1] : '?');
            assert_int_equal(twice[2], second < 0x80 || is_pair ? text[2] : '?');
        }
    }
}

static void a_printed_name_is_cut_and_clean(void **state)
{
    (void)state;
    char longer[FH_NAME_SIZE + 8];
    memset(longer, '\n', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    fhi_name_text name = fhi_name_print(longer);
    assert_int_equal(strlen(name.text), FH_NAME_SIZE - 1);
    assert_null(strchr(name.text, '\n'));
    name = fhi_name_print("a\tb\r\n\x1b[2J\x7f\xe2\x82\xac");
    assert_string_equal(name.text, "a?b???[2J?\xe2\x82\xac");
    name = fhi_name_print(NULL);
    assert_string_equal(name.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_the_largest_unit_that_fits),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(a_name_is_filled_up_with_zeroes),
        cmocka_unit_test(cleaning_leaves_utf_8),
        cmocka_unit_test(a_printed_name_is_cut_and_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
