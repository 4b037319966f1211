/* Conformance: textures. What should be in a level is kept beside it as an array of whole blocks,
 * which knows nothing of how a backend lays texels out. */

#include "rig.h"

#include "backend/texture.h"
#include "base/bits.h"

#include <stdlib.h>
#include <string.h>

/* ---- a model of one mip level, all layers ---- */

typedef struct model {
    fh_texture_desc desc; /* resolved */
    const fh_format_info *format;
    uint32_t mip;
    uint32_t columns, rows, slices; /* blocks; slices: depth or layers */
    uint64_t bytes;
    unsigned char *blocks;
} model;

static uint32_t at_least_1(uint32_t value)
{
    return value > 0 ? value : 1;
}

static uint32_t ceiling(uint32_t value, uint32_t unit)
{
    return (value + unit - 1) / unit;
}

static void model_init(model *m, const fh_texture_desc *resolved, uint32_t mip)
{
    *m = (model){.desc = *resolved, .mip = mip, .format = fh_format_describe(resolved->format)};
    m->columns = ceiling(at_least_1(resolved->width >> mip), m->format->block_width);
    m->rows = ceiling(at_least_1(resolved->height >> mip), m->format->block_height);
    m->slices = at_least_1(resolved->depth >> mip) * resolved->layers;
    m->bytes = (uint64_t)m->columns * m->rows * m->slices * m->format->block_bytes;
    m->blocks = calloc(1, m->bytes);
    assert_non_null(m->blocks);
}

static void model_finish(model *m)
{
    free(m->blocks);
}

static fh_texture_region whole_level(const model *m)
{
    return (fh_texture_region){.mip = m->mip, .layers = m->desc.layers};
}

/* Puts packed texels in, or takes them out. */
static void model_move(model *m, const fh_texture_region *region, unsigned char *packed, bool in)
{
    fh_texture_region box;
    CHECK_OK(fhi_texture_region_resolve(&m->desc, region, &box));
    uint32_t first_slice = box.z + box.layer; /* one of them is 0 */
    uint32_t columns = ceiling(box.width, m->format->block_width);
    uint32_t rows = ceiling(box.height, m->format->block_height);
    size_t bytes = (size_t)columns * m->format->block_bytes;
    for (uint32_t slice = 0; slice < box.depth * box.layers; slice++) {
        for (uint32_t row = 0; row < rows; row++) {
            uint64_t at = ((uint64_t)(first_slice + slice) * m->rows +
                           box.y / m->format->block_height + row) *
                              m->columns +
                          box.x / m->format->block_width;
            unsigned char *blocks = m->blocks + at * m->format->block_bytes;
            memcpy(in ? blocks : packed, in ? packed : blocks, bytes);
            packed += bytes;
        }
    }
}

static void check_model(rig *r, rig_texture *texture, const model *m, const char *what)
{
    fh_texture_region all = whole_level(m);
    unsigned char *got = malloc(m->bytes);
    assert_non_null(got);
    rig_texture_download(r, texture, &all, got);
    rig_same(got, m->blocks, m->bytes, what);
    free(got);
}

/* New bytes for a region, in the texture and in the model. */
static void upload(rig *r, rig_texture *texture, model *m, const fh_texture_region *region,
                   uint32_t seed)
{
    uint64_t bytes = fh_texture_region_bytes(&texture->desc, region);
    unsigned char *packed = malloc(bytes);
    assert_true(bytes > 0);
    assert_non_null(packed);
    rig_pattern(packed, bytes, seed);
    rig_texture_upload(r, texture, region, packed);
    model_move(m, region, packed, true);
    free(packed);
}

static void upload_level(rig *r, rig_texture *texture, model *m, uint32_t seed)
{
    fh_texture_region all = whole_level(m);
    upload(r, texture, m, &all, seed);
}

/* What a region has, read back alone. */
static void check_region(rig *r, rig_texture *texture, model *m, const fh_texture_region *region)
{
    uint64_t bytes = fh_texture_region_bytes(&texture->desc, region);
    unsigned char *got = malloc(2 * bytes);
    assert_non_null(got);
    rig_texture_download(r, texture, region, got);
    model_move(m, region, got + bytes, false);
    rig_same(got, got + bytes, bytes, "a region read back alone");
    free(got);
}

static void say_skipped(const fh_texture_desc *desc)
{
    print_message("%s %u x %u x %u is not supported: skipped\n",
                  fh_format_describe(desc->format)->name, desc->width, desc->height, desc->depth);
}

/* ---- tests ---- */

void texture_requirements_hold_all_texels(void **state)
{
    static const fh_texture_desc descs[] = {
        {.format = FH_FORMAT_RGBA8_UNORM, .width = 1},
        {.format = FH_FORMAT_RGBA8_UNORM, .width = 1000, .height = 700, .mips = 10},
        {.format = FH_FORMAT_BC7_UNORM, .width = 1000, .height = 700, .mips = 10, .layers = 3},
        {.format = FH_FORMAT_R8_UNORM, .width = 300, .height = 300, .linear = true},
        {.format = FH_FORMAT_RGBA16_FLOAT,
         .width = 512,
         .height = 512,
         .samples = 4,
         .usage = FH_USAGE_COLOR_TARGET},
        {.format = FH_FORMAT_D32_FLOAT,
         .width = 512,
         .height = 512,
         .usage = FH_USAGE_DEPTH_TARGET | FH_USAGE_TRANSIENT_TARGET},
        {.kind = FH_TEXTURE_3D,
         .format = FH_FORMAT_R8_UNORM,
         .width = 33,
         .height = 44,
         .depth = 55,
         .mips = 6},
        {.kind = FH_TEXTURE_CUBE,
         .format = FH_FORMAT_RGBA16_FLOAT,
         .width = 128,
         .height = 128,
         .mips = 8},
        {.kind = FH_TEXTURE_1D, .format = FH_FORMAT_R32_FLOAT, .width = 1000, .layers = 5},
    };
    rig r;

    rig_open(&r, state);
    for (size_t i = 0; i < COUNT_OF(descs); i++) {
        rig_object object;
        rig_memory memory;
        if (!rig_object_texture(&r, &object, &descs[i])) {
            say_skipped(&descs[i]);
            continue;
        }
        assert_true(object.needs.size >= fh_texture_bytes(&descs[i]));
        rig_memory_alloc(&r, &memory, object.needs.size,
                         rig_type(&r, object.needs.type_mask, 0, 0));
        CHECK_OK(r.ops->bind(r.device, object.room, memory.room, 0));
        rig_object_destroy(&r, &object);
        rig_memory_free(&r, &memory);
    }
    rig_close(&r);
}

static void check_round_trip(rig *r, const fh_texture_desc *desc, uint32_t seed)
{
    rig_texture texture;
    if (!rig_texture_create(r, &texture, desc)) {
        say_skipped(desc);
        return;
    }
    for (uint32_t mip = 0; mip < texture.desc.mips; mip++) {
        model m;
        model_init(&m, &texture.desc, mip);
        upload_level(r, &texture, &m, seed + mip);
        check_model(r, &texture, &m, "a level");
        model_finish(&m);
    }
    rig_texture_destroy(r, &texture);
}

void textures_of_every_kind_keep_what_was_uploaded(void **state)
{
    static const fh_texture_desc descs[] = {
        {.kind = FH_TEXTURE_1D, .width = 300, .mips = 9},
        {.kind = FH_TEXTURE_1D, .width = 100, .layers = 7},
        {.kind = FH_TEXTURE_2D, .width = 300, .height = 200, .mips = 9},
        {.kind = FH_TEXTURE_2D, .width = 1, .height = 200, .layers = 3, .mips = 8},
        {.kind = FH_TEXTURE_3D, .width = 60, .height = 20, .depth = 33, .mips = 6},
        {.kind = FH_TEXTURE_CUBE, .width = 64, .height = 64, .mips = 7},
        {.kind = FH_TEXTURE_CUBE, .width = 32, .height = 32, .layers = 12},
        {.kind = FH_TEXTURE_2D, .width = 123, .height = 45, .linear = true},
    };
    rig r;
    rig_open(&r, state);
    for (uint32_t i = 0; i < COUNT_OF(descs); i++) {
        fh_texture_desc desc = descs[i];
        desc.format = FH_FORMAT_RGBA8_UNORM;
        check_round_trip(&r, &desc, 10 * i);
    }
    rig_close(&r);
}

/* Those whose texels are plain bytes: no depth or stencil, whose copies have rules of their own. */
void formats_keep_what_was_uploaded(void **state)
{
    rig r;
    rig_open(&r, state);
    for (uint32_t i = 1; i < FH_FORMAT_COUNT; i++) {
        const fh_format_info *format = fh_format_describe((fh_format)i);
        if ((format->traits & (FH_FORMAT_DEPTH | FH_FORMAT_STENCIL)) == 0) {
            fh_texture_desc desc = {
                .format = (fh_format)i, .width = 61, .height = 35, .mips = 6, .layers = 2};
            check_round_trip(&r, &desc, i);
        }
    }
    rig_close(&r);
}

/* Every level of every layer gets its own bytes, and all are looked at when all are written. */
void levels_and_layers_do_not_overlap(void **state)
{
    static const fh_texture_desc descs[] = {
        {.format = FH_FORMAT_RGBA8_UNORM, .width = 65, .height = 33, .mips = 7, .layers = 3},
        {.format = FH_FORMAT_BC1_UNORM, .width = 52, .height = 20, .mips = 6, .layers = 3},
        {.format = FH_FORMAT_ASTC_10X6_UNORM, .width = 52, .height = 20, .mips = 6, .layers = 2},
        {.kind = FH_TEXTURE_3D,
         .format = FH_FORMAT_RG16_FLOAT,
         .width = 17,
         .height = 9,
         .depth = 20,
         .mips = 5},
        {.kind = FH_TEXTURE_CUBE,
         .format = FH_FORMAT_R8_UNORM,
         .width = 31,
         .height = 31,
         .mips = 5},
    };
    rig r;

    rig_open(&r, state);
    for (uint32_t i = 0; i < COUNT_OF(descs); i++) {
        rig_texture texture;
        model models[8];
        if (!rig_texture_create(&r, &texture, &descs[i])) {
            say_skipped(&descs[i]);
            continue;
        }
        for (uint32_t mip = 0; mip < texture.desc.mips; mip++) {
            model_init(&models[mip], &texture.desc, mip);
            for (uint32_t layer = texture.desc.layers; layer-- > 0;) {
                fh_texture_region region = {.mip = mip, .layer = layer};
                upload(&r, &texture, &models[mip], &region, i * 100 + mip * 10 + layer);
            }
        }
        for (uint32_t mip = 0; mip < texture.desc.mips; mip++) {
            check_model(&r, &texture, &models[mip], "one level of many");
            model_finish(&models[mip]);
        }
        rig_texture_destroy(&r, &texture);
    }
    rig_close(&r);
}

/* Regions of level `mip`, one after the other, each upon what the others left. */
static void check_regions(rig *r, const fh_texture_desc *desc, uint32_t mip,
                          const fh_texture_region *regions, size_t count)
{
    rig_texture texture;
    model m;
    if (!rig_texture_create(r, &texture, desc)) {
        say_skipped(desc);
        return;
    }
    model_init(&m, &texture.desc, mip);
    upload_level(r, &texture, &m, 77);
    for (size_t i = 0; i < count; i++) {
        upload(r, &texture, &m, &regions[i], 200 + (uint32_t)i);
        check_model(r, &texture, &m, "after a region was uploaded");
    }
    for (size_t i = 0; i < count; i++) {
        check_region(r, &texture, &m, &regions[i]);
    }
    model_finish(&m);
    rig_texture_destroy(r, &texture);
}

void regions_land_where_they_should(void **state)
{
    static const fh_texture_region regions[] = {
        {.mip = 1, .x = 0, .y = 0, .width = 1, .height = 1},
        {.mip = 1, .x = 10, .y = 20, .width = 30, .height = 7},
        {.mip = 1, .x = 49, .y = 34, .width = 1, .height = 1},
        {.mip = 1, .x = 5, .layer = 1},
        {.mip = 1, .y = 33, .layer = 2},
        {.mip = 1, .x = 3, .y = 4, .layer = 1, .width = 47, .height = 31},
        {.mip = 1, .layer = 2, .height = 5},
        {.mip = 1, .layer = 0, .width = 5},
    };
    fh_texture_desc desc = {.width = 101, .height = 70, .mips = 3, .layers = 3};
    static const fh_format formats[] = {FH_FORMAT_RGBA8_UNORM, FH_FORMAT_R8_UINT,
                                        FH_FORMAT_RGBA32_FLOAT};
    rig r;
    rig_open(&r, state);
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        desc.format = formats[i];
        check_regions(&r, &desc, 1, regions, COUNT_OF(regions));
    }
    rig_close(&r);
}

/* Level 1 is 51 by 23 texels: 13 by 6 blocks, the last of them cut. */
void regions_of_compressed_textures_land_where_they_should(void **state)
{
    static const fh_texture_region regions[] = {
        {.mip = 1, .x = 4, .y = 8, .width = 4, .height = 4},
        {.mip = 1, .x = 48, .y = 20},
        {.mip = 1, .x = 20, .y = 4, .width = 31, .height = 12, .layer = 1},
        {.mip = 1, .y = 16, .width = 12},
        {.mip = 1, .layer = 1},
    };
    fh_texture_desc desc = {.width = 102, .height = 47, .mips = 3, .layers = 2};
    static const fh_format formats[] = {FH_FORMAT_BC1_UNORM, FH_FORMAT_BC7_UNORM,
                                        FH_FORMAT_ETC2_RGB8_UNORM};
    rig r;
    rig_open(&r, state);
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        desc.format = formats[i];
        check_regions(&r, &desc, 1, regions, COUNT_OF(regions));
    }
    rig_close(&r);
}

void boxes_of_3d_textures_land_where_they_should(void **state)
{
    static const fh_texture_region regions[] = {
        {.mip = 1, .x = 1, .y = 2, .z = 3, .width = 4, .height = 4, .depth = 2},
        {.mip = 1, .z = 7},
        {.mip = 1, .x = 9, .y = 5, .z = 2},
        {.mip = 1, .width = 1, .height = 1, .depth = 1},
        {.mip = 1, .y = 3, .depth = 6, .height = 1},
    };
    static const fh_texture_desc desc = {.kind = FH_TEXTURE_3D,
                                         .format = FH_FORMAT_RG8_UNORM,
                                         .width = 21,
                                         .height = 12,
                                         .depth = 17,
                                         .mips = 3};
    rig r;
    rig_open(&r, state);
    check_regions(&r, &desc, 1, regions, COUNT_OF(regions));
    rig_close(&r);
}

void several_layers_are_copied_at_once(void **state)
{
    static const fh_texture_region regions[] = {
        {.layer = 1, .layers = 3},
        {.x = 3, .y = 5, .width = 8, .height = 2, .layer = 0, .layers = 5},
        {.x = 2, .layer = 3, .layers = 2},
    };
    static const fh_texture_desc desc = {
        .format = FH_FORMAT_RGBA8_UNORM, .width = 20, .height = 11, .layers = 5, .mips = 2};
    rig r;
    rig_open(&r, state);
    check_regions(&r, &desc, 0, regions, COUNT_OF(regions));
    rig_close(&r);
}

/* Between levels of different sizes of two textures. */
void textures_are_copied_to_textures(void **state)
{
    static const struct {
        fh_format format;
        fh_texture_region from, to;
    } moves[] = {
        {FH_FORMAT_RGBA8_UNORM,
         {.mip = 1, .x = 4, .y = 5, .width = 17, .height = 9},
         {.mip = 0, .x = 30, .y = 1, .width = 17, .height = 9}},
        {FH_FORMAT_RGBA8_UNORM, {.mip = 1, .layers = 2}, {.mip = 1, .layer = 1, .layers = 2}},
        {FH_FORMAT_R8_UNORM, {.mip = 2}, {.mip = 2, .layer = 2}},
        {FH_FORMAT_BC3_UNORM,
         {.mip = 0, .x = 8, .y = 4, .width = 20, .height = 8},
         {.mip = 1, .x = 0, .y = 12, .width = 20, .height = 8}},
    };
    rig r;

    rig_open(&r, state);
    for (uint32_t i = 0; i < COUNT_OF(moves); i++) {
        rig_texture from;
        rig_texture to;
        model source;
        model target;
        fh_texture_desc desc = {
            .format = moves[i].format, .width = 64, .height = 48, .mips = 3, .layers = 3};
        if (!rig_texture_create(&r, &from, &desc)) {
            say_skipped(&desc);
            continue;
        }
        assert_true(rig_texture_create(&r, &to, &desc));
        model_init(&source, &from.desc, moves[i].from.mip);
        model_init(&target, &to.desc, moves[i].to.mip);
        upload_level(&r, &from, &source, 2 * i);
        upload_level(&r, &to, &target, 2 * i + 1);

        fh_backend_copy copy = {
            .kind = FH_COPY_TEXTURE, .src = from.object.room, .dst = to.object.room};
        CHECK_OK(fhi_texture_region_resolve(&from.desc, &moves[i].from, &copy.src_region));
        CHECK_OK(fhi_texture_region_resolve(&to.desc, &moves[i].to, &copy.dst_region));
        rig_copy(&r, &copy, 1);
        unsigned char *packed = malloc(source.bytes);
        assert_non_null(packed);
        model_move(&source, &moves[i].from, packed, false);
        model_move(&target, &moves[i].to, packed, true);
        free(packed);
        check_model(&r, &from, &source, "the source of a copy");
        check_model(&r, &to, &target, "the target of a copy");
        model_finish(&source);
        model_finish(&target);
        rig_texture_destroy(&r, &from);
        rig_texture_destroy(&r, &to);
    }
    rig_close(&r);
}

void textures_in_one_memory_do_not_touch_each_other(void **state)
{
    enum {
        COUNT = 6
    };
    rig r;
    rig_texture textures[COUNT];
    model models[COUNT];
    rig_memory memory;
    uint64_t offsets[COUNT];
    uint64_t end = 0;
    uint32_t types = UINT32_MAX;

    rig_open(&r, state);
    for (uint32_t i = 0; i < COUNT; i++) {
        fh_texture_desc desc = {
            .format = FH_FORMAT_RGBA8_UNORM, .width = 100 - 10 * i, .height = 30 + i};
        desc.usage = FH_USAGE_COPY | FH_USAGE_SAMPLED;
        CHECK_OK(fhi_texture_resolve(&desc, &textures[i].desc));
        assert_true(rig_object_texture(&r, &textures[i].object, &desc));
        offsets[i] = fhi_align_up(end, textures[i].object.needs.alignment);
        end = offsets[i] + textures[i].object.needs.size;
        types &= textures[i].object.needs.type_mask;
    }
    rig_memory_alloc(&r, &memory, end,
                     rig_type(&r, types, 0, FH_MEMORY_PROTECTED | FH_MEMORY_LAZILY_ALLOCATED));
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK_OK(r.ops->bind(r.device, textures[i].object.room, memory.room, offsets[i]));
        model_init(&models[i], &textures[i].desc, 0);
    }
    for (uint32_t round = 0; round < 2 * COUNT; round++) {
        uint32_t i = round * 5 % COUNT;
        upload_level(&r, &textures[i], &models[i], round);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        check_model(&r, &textures[i], &models[i], "one of many in a memory");
        model_finish(&models[i]);
        rig_object_destroy(&r, &textures[i].object);
    }
    rig_memory_free(&r, &memory);
    rig_close(&r);
}
