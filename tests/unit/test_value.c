/* Byte values of scripts: as numbers and as text. */

#include "lua_rig.h"

static void sizes_as_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } right[] = {
        {"0B", 0},
        {"512MiB", 512 << 20},
        {"1.5GiB", UINT64_C(3) << 29},
        {"0.1GiB", 107374182},
        {" 4 KiB", 4096},
        {"100", 100},
        {"1.9B", 1},
        {"007B", 7},
        {"0.33333333333333333333KiB", 341},
        {"00000000000000000000000000000007B", 7},
        {"8388607TiB", UINT64_C(8388607) << 40},
        {"9223372036854775807", UINT64_C(9223372036854775807)},
    };
    static const char *const wrong[] = {
        "",
        "B",
        "MiB",
        "-1B",
        "1 2B",
        "1.B",
        ".5MiB",
        "1..5MiB",
        "1.5.5MiB",
        "1mib",
        "1MB",
        "1 MiB ",
        "1e3B",
        "0x10B",
        "1PiB",
        "1,5MiB",
        "+1B",
        "8388608TiB",
        "nanB",
        "infB",
        "1MiB\n",
        "9223372036854775808",
        "10000000000000000000B",
        "99999999999999999999999999999B",
    };
    for (size_t i = 0; i < TEST_COUNT_OF(right); i++) {
        uint64_t bytes = 77;
        assert_true(fhi_parse_bytes(right[i].text, strlen(right[i].text), &bytes));
        assert_true(bytes == right[i].bytes);
    }
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        uint64_t bytes;
        if (fhi_parse_bytes(wrong[i], strlen(wrong[i]), &bytes)) {
            fail_msg("'%s' was read", wrong[i]);
        }
    }
    uint64_t bytes;
    assert_false(fhi_parse_bytes("1B\0", 3, &bytes));
}

static void sizes_as_values(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1 = it is none */
    } cases[] = {
        {"return 0", 0},         {"return math.maxinteger", INT64_MAX},
        {"return -1", -1},       {"return 1 << 63", -1},
        {"return 2.5", 2},       {"return -0.0", 0},
        {"return -0.5", -1},     {"return 2^53", INT64_C(1) << 53},
        {"return 2^53 + 2", -1}, {"return 0/0", -1},
        {"return 1/0", -1},      {"return '1KiB'", 1024},
        {"return '1024'", -1},   {"return '1024B'", 1024},
        {"return ''", -1},       {"return ' '", -1},
        {"return {}", -1},       {"return true", -1},
        {"return nil", -1},
    };
    rig *self = *state;
    for (size_t i = 0; i < TEST_COUNT_OF(cases); i++) {
        uint64_t bytes = 0;
        const char *why = NULL;
        lua_settop(self->L, 0);
        assert_true(rig_run(self, cases[i].text));
        bool right = fhi_value_bytes(self->L, 1, &bytes, &why);
        assert_int_equal(right, cases[i].bytes >= 0);
        assert_true(!right || bytes == (uint64_t)cases[i].bytes);
        assert_non_null(why);
        assert_int_equal(lua_type(self->L, 1), lua_type(self->L, -1)); /* and was not changed */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_as_text),
        cmocka_unit_test_setup_teardown(sizes_as_values, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
