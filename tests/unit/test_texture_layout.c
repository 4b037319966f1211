/* Textures as descriptions: defaults, what is refused, sizes, and where levels lie. */

#include "checks.h"

#include "backend/texture.h"

#include <freehold/resource.h>

#include <string.h>

static fh_texture_desc square(fh_format format, uint32_t side)
{
    return (fh_texture_desc){.format = format, .width = side, .height = side};
}

/* ---- descriptions ---- */

static void defaults_are_filled_in(void **state)
{
    (void)state;
    fh_texture_desc got;
    fh_texture_desc desc = {.format = FH_FORMAT_R8_UNORM, .width = 7};
    desc.memory.tag = 3;
    desc.native = &desc;
    CHECK_OK(fhi_texture_resolve(&desc, &got));
    assert_true(got.width == 7 && got.height == 1 && got.depth == 1);
    assert_true(got.layers == 1 && got.mips == 1 && got.samples == 1);
    assert_true(got.usage == (FH_USAGE_SAMPLED | FH_USAGE_COPY_DST));
    assert_true(got.kind == FH_TEXTURE_2D && got.memory.tag == 3 && got.native == &desc);
    desc.kind = FH_TEXTURE_CUBE;
    desc.height = 7;
    CHECK_OK(fhi_texture_resolve(&desc, &desc)); /* in place */
    assert_true(desc.layers == 6 && desc.mips == 1);
}

/* A description that is refused, and a word that the reason has. */
typedef struct refused {
    fh_texture_desc desc;
    const char *word;
} refused;

static void check_refused_texture(const fh_texture_desc *desc, const char *word)
{
    fh_texture_desc got;
    memset(&got, 0xa5, sizeof got);
    CHECK_RESULT(fhi_texture_resolve(desc, &got), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES(word);
    assert_true(got.width == 0 && got.format == FH_FORMAT_NONE && got.native == NULL);
    assert_true(fh_texture_bytes(desc) == 0);
}

#define PLAIN .format = FH_FORMAT_RGBA8_UNORM, .width = 64, .height = 64
#define DEPTH .format = FH_FORMAT_D32_FLOAT, .width = 64, .height = 64
#define BLOCK .format = FH_FORMAT_BC1_UNORM, .width = 64, .height = 64

static void what_no_device_has_is_refused(void **state)
{
    static const refused all[] = {
        {{.width = 64, .height = 64}, "format"},
        {{.format = FH_FORMAT_COUNT, .width = 64}, "format"},
        {{PLAIN, .kind = (fh_texture_kind)4}, "kind"},
        {{.format = FH_FORMAT_RGBA8_UNORM, .height = 64}, "width"},
        {{PLAIN, .depth = 2}, "depth"},
        {{PLAIN, .kind = FH_TEXTURE_1D}, "height"},
        {{PLAIN, .kind = FH_TEXTURE_3D, .layers = 2}, "layers"},
        {{PLAIN, .kind = FH_TEXTURE_CUBE, .layers = 5}, "layers"},
        {{PLAIN, .kind = FH_TEXTURE_CUBE, .layers = 7}, "layers"},
        {{.format = FH_FORMAT_R8_UNORM, .width = 2, .kind = FH_TEXTURE_CUBE}, "squares"},
        {{.format = FH_FORMAT_BC1_UNORM, .width = 64, .kind = FH_TEXTURE_1D}, "bc1_unorm"},
        {{.format = FH_FORMAT_D16_UNORM, .width = 64, .kind = FH_TEXTURE_1D}, "d16_unorm"},
        {{DEPTH, .kind = FH_TEXTURE_3D, .depth = 4}, "d32_float"},
        {{PLAIN, .mips = 8}, "mips"},
        {{.format = FH_FORMAT_R8_UNORM, .width = 1, .mips = 2}, "mips"},
        {{PLAIN, .samples = 3}, "samples"},
        {{PLAIN, .samples = 32}, "samples"},
        {{PLAIN, .samples = 4, .mips = 2}, "samples"},
        {{PLAIN, .samples = 4, .linear = true}, "samples"},
        {{PLAIN, .samples = 2, .kind = FH_TEXTURE_CUBE}, "samples"},
        {{PLAIN, .samples = 2, .kind = FH_TEXTURE_3D}, "samples"},
        {{BLOCK, .samples = 2}, "bc1_unorm"},
        {{PLAIN, .usage = FH_USAGE_VERTEX}, "usage"},
        {{PLAIN, .usage = FH_USAGE_SAMPLED | FH_USAGE_DEVICE_ADDRESS}, "usage"},
        {{PLAIN, .usage = 1U << 31}, "usage"},
        {{BLOCK, .usage = FH_USAGE_COLOR_TARGET}, "color_target"},
        {{DEPTH, .usage = FH_USAGE_COLOR_TARGET}, "color_target"},
        {{PLAIN, .usage = FH_USAGE_DEPTH_TARGET}, "depth_target"},
        {{BLOCK, .usage = FH_USAGE_DEPTH_TARGET}, "depth_target"},
        {{PLAIN, .usage = FH_USAGE_TRANSIENT_TARGET}, "transient_target"},
        {{PLAIN, .usage = FH_USAGE_TRANSIENT_TARGET | FH_USAGE_COLOR_TARGET | FH_USAGE_SAMPLED},
         "transient_target"},
    };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT_OF(all); i++) {
        check_refused_texture(&all[i].desc, all[i].word);
    }
    fh_texture_desc got;
    CHECK_RESULT(fhi_texture_resolve(NULL, &got), FH_ERR_INVALID);
}

static void what_some_device_has_is_taken(void **state)
{
    static const fh_texture_desc all[] = {
        {PLAIN, .mips = 7},
        {.format = FH_FORMAT_R8_UNORM, .width = 65, .height = 1, .mips = 7},
        {.format = FH_FORMAT_R8_UNORM, .width = 1, .height = UINT32_MAX, .mips = 32},
        {PLAIN, .kind = FH_TEXTURE_3D, .depth = 512, .mips = 10},
        {BLOCK, .kind = FH_TEXTURE_3D, .depth = 2},
        {PLAIN, .kind = FH_TEXTURE_CUBE, .layers = 18, .mips = 7},
        {DEPTH, .kind = FH_TEXTURE_CUBE, .usage = FH_USAGE_DEPTH_TARGET | FH_USAGE_SAMPLED},
        {.format = FH_FORMAT_R8_UNORM, .width = 64, .kind = FH_TEXTURE_1D, .layers = 3, .mips = 7},
        {PLAIN, .samples = 16, .layers = 2, .usage = FH_USAGE_COLOR_TARGET},
        {DEPTH, .samples = 4, .usage = FH_USAGE_DEPTH_TARGET | FH_USAGE_TRANSIENT_TARGET},
        {.format = FH_FORMAT_S8_UINT, .width = 4, .usage = FH_USAGE_DEPTH_TARGET},
        {PLAIN, .linear = true, .mips = 2},
        {PLAIN,
         .usage = FH_USAGE_OF_TEXTURES & ~(FH_USAGE_DEPTH_TARGET | FH_USAGE_TRANSIENT_TARGET)},
    };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT_OF(all); i++) {
        fh_texture_desc got;
        fh_texture_desc again;
        CHECK_OK(fhi_texture_resolve(&all[i], &got));
        CHECK_OK(fhi_texture_resolve(&got, &again)); /* resolving twice changes nothing */
        assert_memory_equal(&got, &again, sizeof got);
    }
}

/* ---- sizes ---- */

static void sizes_are_known(void **state)
{
    static const struct {
        fh_texture_desc desc;
        uint64_t bytes;
    } all[] = {
        {{.format = FH_FORMAT_R8_UNORM, .width = 1}, 1},
        {{.format = FH_FORMAT_RGBA8_UNORM, .width = 256, .height = 256, .mips = 9}, 349524},
        {{.format = FH_FORMAT_BC1_UNORM, .width = 256, .height = 256, .mips = 9}, 43704},
        {{.format = FH_FORMAT_BC7_UNORM, .width = 1}, 16},
        {{.format = FH_FORMAT_BC1_UNORM, .width = 5, .height = 3}, 16},
        {{.format = FH_FORMAT_ASTC_12X10_UNORM, .width = 25, .height = 11}, 96},
        {{.format = FH_FORMAT_RGB32_FLOAT, .width = 3, .height = 5}, 180},
        {{.format = FH_FORMAT_RGBA8_UNORM, .width = 100, .height = 50, .samples = 4}, 80000},
        {{.format = FH_FORMAT_RGBA8_UNORM, .width = 16, .height = 16, .layers = 5}, 5120},
        {{.format = FH_FORMAT_R16_FLOAT,
          .kind = FH_TEXTURE_CUBE,
          .width = 4,
          .height = 4,
          .mips = 3},
         UINT64_C(6) * (32 + 8 + 2)},
        {{.format = FH_FORMAT_R8_UNORM,
          .kind = FH_TEXTURE_3D,
          .width = 8,
          .height = 2,
          .depth = 5,
          .mips = 4},
         80 + 8 + 2 + 1},
        {{.format = FH_FORMAT_R8_UNORM, .kind = FH_TEXTURE_1D, .width = 10, .mips = 4},
         10 + 5 + 2 + 1},
        {{.format = FH_FORMAT_R8_UNORM, .width = UINT32_MAX, .height = UINT32_MAX},
         UINT64_C(0xfffffffe00000001)},
    };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT_OF(all); i++) {
        assert_true(fh_texture_bytes(&all[i].desc) == all[i].bytes);
    }
    assert_true(fh_texture_bytes(NULL) == 0);
}

static void sizes_beyond_63_bits_are_refused_and_beyond_64_are_told(void **state)
{
    (void)state;
    fh_texture_desc got;
    fh_texture_desc desc = square(FH_FORMAT_R8_UNORM, UINT32_MAX);
    CHECK_RESULT(fhi_texture_resolve(&desc, &got), FH_ERR_INVALID); /* between the two */
    CHECK_DETAIL_NAMES("4294967295");
    desc.height = 1U << 31;
    desc.width = (1U << 31) + 1;
    CHECK_OK(fhi_texture_resolve(&desc, &got));
    desc.format = FH_FORMAT_RGBA32_FLOAT;
    assert_true(fh_texture_bytes(&desc) == UINT64_MAX);
    CHECK_RESULT(fhi_texture_resolve(&desc, &got), FH_ERR_INVALID);

    /* Each product of its own. */
    desc = square(FH_FORMAT_RGBA8_UNORM, UINT32_MAX); /* rows */
    assert_true(fh_texture_bytes(&desc) == UINT64_MAX);
    desc = square(FH_FORMAT_RGBA8_UNORM, 1U << 20);
    desc.kind = FH_TEXTURE_3D; /* slices */
    desc.depth = UINT32_MAX;
    assert_true(fh_texture_bytes(&desc) == UINT64_MAX);
    desc = square(FH_FORMAT_RGBA8_UNORM, 1U << 20); /* layers */
    desc.layers = UINT32_MAX;
    assert_true(fh_texture_bytes(&desc) == UINT64_MAX);
    desc = square(FH_FORMAT_R8_UNORM, UINT32_MAX); /* the sum of the levels */
    desc.mips = 32;
    assert_true(fh_texture_bytes(&desc) == UINT64_MAX);
}

/* ---- levels ---- */

static void levels_follow_each_other(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    for (int i = 0; i < 3000; i++) {
        fh_texture_desc desc = {
            .kind = (fh_texture_kind)test_below(&rng, 4),
            .format = (fh_format)(1 + test_below(&rng, FH_FORMAT_COUNT - 1)),
            .width = (uint32_t)test_log_uniform(&rng, 5000),
            .height = (uint32_t)test_log_uniform(&rng, 5000),
            .depth = (uint32_t)test_log_uniform(&rng, 300),
            .layers = (uint32_t)test_log_uniform(&rng, 20),
            .mips = (uint32_t)test_below(&rng, 12),
            .samples = 1U << test_below(&rng, 5),
        };
        fh_texture_desc got;
        if (fhi_texture_resolve(&desc, &got) != FH_OK) {
            desc.depth = desc.kind == FH_TEXTURE_3D ? desc.depth : 1;
            desc.layers = desc.kind == FH_TEXTURE_3D ? 1 : desc.layers * 6;
            desc.height = desc.kind == FH_TEXTURE_1D ? 1 : desc.width;
            desc.samples = 1;
            desc.mips = 1;
            if (fhi_texture_resolve(&desc, &got) != FH_OK) {
                continue; /* a format that does not go with the kind */
            }
        }
        const fh_format_info *format = fh_format_describe(got.format);
        fhi_texture_shape shape = fhi_texture_shape_of(&got);
        uint64_t layer_bytes;
        uint64_t bytes;
        uint64_t end = 0;
        assert_true(fhi_texture_measure(&shape, &layer_bytes, &bytes));
        for (uint32_t mip = 0; mip < got.mips; mip++) {
            fhi_texture_level level;
            fhi_texture_layout(&shape, mip, &level);
            assert_true(level.offset == end);
            assert_true(level.row_bytes * level.rows == level.slice_bytes);
            assert_true(level.slice_bytes * level.depth == level.bytes);
            assert_true(level.row_bytes / got.samples / format->block_bytes * format->block_width >=
                        level.width);
            assert_true((uint64_t)level.rows * format->block_height >= level.height);
            fh_texture_region region = {.mip = mip};
            assert_true(fh_texture_region_bytes(&got, &region) == level.bytes);
            end += level.bytes;
        }
        assert_true(end == layer_bytes && layer_bytes * got.layers == bytes);
        assert_true(fh_texture_bytes(&desc) == bytes);
    }
}

/* ---- regions ---- */

static void regions_have_known_sizes(void **state)
{
    (void)state;
    fh_texture_desc plain = square(FH_FORMAT_RGBA8_UNORM, 100);
    plain.mips = 3;
    plain.layers = 4;
    fh_texture_desc packed = square(FH_FORMAT_BC1_UNORM, 102);
    packed.mips = 3;
    packed.layers = 2;
    fh_texture_desc deep = {.kind = FH_TEXTURE_3D,
                            .format = FH_FORMAT_R16_UNORM,
                            .width = 9,
                            .height = 8,
                            .depth = 7,
                            .mips = 2};
    fh_texture_desc many = square(FH_FORMAT_RGBA8_UNORM, 10);
    many.samples = 4;
    const struct {
        const fh_texture_desc *desc;
        fh_texture_region region;
        uint64_t bytes; /* 0: refused */
    } all[] = {
        {&plain, {0}, 40000},
        {&plain, {.mip = 1}, 10000},
        {&plain, {.mip = 2, .layers = 4}, 10000},
        {&plain, {.x = 10, .y = 90, .width = 3}, 120},
        {&plain, {.width = 1, .height = 1}, 4},
        {&plain, {.x = 100}, 0},
        {&plain, {.x = 99, .width = 2}, 0},
        {&plain, {.x = 99, .width = UINT32_MAX}, 0},
        {&plain, {.y = 1, .height = 100}, 0},
        {&plain, {.z = 1}, 0},
        {&plain, {.depth = 2}, 0},
        {&plain, {.mip = 3}, 0},
        {&plain, {.layer = 4}, 0},
        {&plain, {.layer = 3, .layers = 2}, 0},
        {&plain, {.layer = 3, .layers = UINT32_MAX}, 0},
        {&packed, {0}, UINT64_C(26) * 26 * 8},
        {&packed, {.mip = 1}, UINT64_C(13) * 13 * 8},
        {&packed, {.x = 100, .y = 4, .width = 2, .height = 4}, 8},
        {&packed, {.x = 100, .y = 4, .width = 1, .height = 4}, 0}, /* cuts a block */
        {&packed, {.x = 96, .width = 5}, 0},
        {&packed, {.x = 2, .width = 4}, 0},
        {&packed, {.y = 4, .height = 6}, 0},
        {&packed, {.mip = 2, .layers = 2}, UINT64_C(7) * 7 * 8 * 2},
        {&deep, {.mip = 1}, UINT64_C(4) * 4 * 3 * 2},
        {&deep, {.z = 3, .depth = 4, .width = 1, .height = 1}, 8},
        {&deep, {.z = 3, .depth = 5}, 0},
        {&deep, {.layers = 2}, 0},
        {&many, {.width = 5, .height = 2}, 160},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(all); i++) {
        if (fh_texture_region_bytes(all[i].desc, &all[i].region) != all[i].bytes) {
            fail_msg("region %zu", i);
        }
    }
    assert_true(fh_texture_region_bytes(NULL, &(fh_texture_region){0}) == 0);
    assert_true(fh_texture_region_bytes(&plain, NULL) == 0);
    plain.samples = 3;
    assert_true(fh_texture_region_bytes(&plain, &(fh_texture_region){0}) == 0);
}

static void a_regions_defaults_reach_to_the_levels_end(void **state)
{
    (void)state;
    fh_texture_desc desc = square(FH_FORMAT_BC1_UNORM, 102);
    fh_texture_desc resolved;
    fh_texture_region region = {.mip = 1, .x = 8, .y = 48};
    desc.mips = 2;
    CHECK_OK(fhi_texture_resolve(&desc, &resolved));
    CHECK_OK(fhi_texture_region_resolve(&resolved, &region, &region));
    assert_true(region.x == 8 && region.width == 43 && region.y == 48 && region.height == 3);
    assert_true(region.depth == 1 && region.layers == 1);
    region.x = 51;
    CHECK_RESULT(fhi_texture_region_resolve(&resolved, &region, &region), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("width");
    assert_true(region.width == 0 && region.mip == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(what_no_device_has_is_refused),
        cmocka_unit_test(what_some_device_has_is_taken),
        cmocka_unit_test(sizes_are_known),
        cmocka_unit_test(sizes_beyond_63_bits_are_refused_and_beyond_64_are_told),
        cmocka_unit_test(levels_follow_each_other),
        cmocka_unit_test(regions_have_known_sizes),
        cmocka_unit_test(a_regions_defaults_reach_to_the_levels_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
