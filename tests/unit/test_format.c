/* The table of formats: what a format's name says of its size is what the table says. */

#include "checks.h"

#include <freehold/format.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void what_is_not_in_the_list_has_no_description(void **state)
{
    (void)state;
    assert_null(fh_format_describe(FH_FORMAT_NONE));
    assert_null(fh_format_describe(FH_FORMAT_COUNT));
    assert_null(fh_format_describe((fh_format)-1));
    assert_null(fh_format_describe((fh_format)100000));
    assert_int_equal(fh_format_find(NULL), FH_FORMAT_NONE);
    assert_int_equal(fh_format_find(""), FH_FORMAT_NONE);
    assert_int_equal(fh_format_find("RGBA8_UNORM"), FH_FORMAT_NONE);
    assert_int_equal(fh_format_find("rgba8_unorm "), FH_FORMAT_NONE);
    assert_int_equal(fh_format_find("rgba8"), FH_FORMAT_NONE);
}

static void every_format_is_found_by_its_name(void **state)
{
    (void)state;
    for (uint32_t i = 1; i < FH_FORMAT_COUNT; i++) {
        const fh_format_info *format = fh_format_describe((fh_format)i);
        assert_non_null(format);
        assert_int_equal(fh_format_find(format->name), i);
        for (const char *at = format->name; *at; at++) {
            assert_true(islower((unsigned char)*at) || isdigit((unsigned char)*at) || *at == '_');
        }
    }
    assert_int_equal(fh_format_find("rgba8_unorm"), FH_FORMAT_RGBA8_UNORM);
    assert_int_equal(fh_format_find("astc_12x12_unorm"), FH_FORMAT_ASTC_12X12_UNORM);
}

/* "rgb10a2_unorm": a number holds for each of the letters before it; words say no size. */
static uint32_t bits_by_name(const char *name)
{
    uint32_t bits = 0;
    while (*name) {
        uint32_t letters = 0;
        uint32_t number = 0;
        while (*name && *name != '_' && !isdigit((unsigned char)*name)) {
            letters++;
            name++;
        }
        while (isdigit((unsigned char)*name)) {
            number = number * 10 + (uint32_t)(*name++ - '0');
        }
        bits += letters * number;
        name += *name == '_';
    }
    return bits;
}

static void sizes_of_plain_formats_are_what_their_names_say(void **state)
{
    (void)state;
    for (uint32_t i = 1; i < FH_FORMAT_COUNT; i++) {
        const fh_format_info *format = fh_format_describe((fh_format)i);
        if ((format->traits & FH_FORMAT_COMPRESSED) != 0) {
            continue;
        }
        assert_int_equal(format->block_width, 1);
        assert_int_equal(format->block_height, 1);
        uint32_t bits = bits_by_name(format->name);
        if (i == FH_FORMAT_D32_FLOAT_S8_UINT) {
            bits = 64; /* padded by those who store it */
        }
        if (format->block_bytes * 8 != bits) {
            fail_msg("%s has %u bytes", format->name, format->block_bytes);
        }
    }
}

/* Source: the Vulkan specification, "Compatible Formats". */
static void sizes_of_compressed_formats_are_the_specifications(void **state)
{
    static const struct {
        const char *prefix;
        uint32_t bytes;
    } families[] = {
        {"bc1_", 8},        {"bc2_", 16},   {"bc3_", 16},     {"bc4_", 8},
        {"bc5_", 16},       {"bc6h_", 16},  {"bc7_", 16},     {"etc2_rgb8", 8},
        {"etc2_rgba8", 16}, {"eac_r11", 8}, {"eac_rg11", 16}, {"astc_", 16},
    };
    (void)state;
    for (uint32_t i = 1; i < FH_FORMAT_COUNT; i++) {
        const fh_format_info *format = fh_format_describe((fh_format)i);
        if ((format->traits & FH_FORMAT_COMPRESSED) == 0) {
            continue;
        }
        assert_int_equal(format->traits, FH_FORMAT_COMPRESSED);
        unsigned long width = 4;
        unsigned long height = 4;
        if (strncmp(format->name, "astc_", 5) == 0) { /* "astc_10x8_unorm" */
            char *end;
            width = strtoul(format->name + 5, &end, 10);
            height = strtoul(end + 1, NULL, 10);
        }
        assert_int_equal(format->block_width, width);
        assert_int_equal(format->block_height, height);
        size_t family = 0;
        for (size_t f = 0; f < TEST_COUNT_OF(families); f++) {
            if (strncmp(format->name, families[f].prefix, strlen(families[f].prefix)) == 0) {
                assert_int_equal(format->block_bytes, families[f].bytes);
                family++;
            }
        }
        assert_int_equal(family, 1);
    }
}

static void traits_are_what_the_names_say(void **state)
{
    (void)state;
    for (uint32_t i = 1; i < FH_FORMAT_COUNT; i++) {
        const fh_format_info *format = fh_format_describe((fh_format)i);
        bool depth = format->name[0] == 'd' && isdigit((unsigned char)format->name[1]);
        bool stencil = strstr(format->name, "s8_uint") != NULL;
        assert_int_equal((format->traits & FH_FORMAT_DEPTH) != 0, depth);
        assert_int_equal((format->traits & FH_FORMAT_STENCIL) != 0, stencil);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_in_the_list_has_no_description),
        cmocka_unit_test(every_format_is_found_by_its_name),
        cmocka_unit_test(sizes_of_plain_formats_are_what_their_names_say),
        cmocka_unit_test(sizes_of_compressed_formats_are_the_specifications),
        cmocka_unit_test(traits_are_what_the_names_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
