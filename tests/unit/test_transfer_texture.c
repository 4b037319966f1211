/* Texels into textures and out of them: every shape, regions, pieces of what is larger than a
 * staging buffer, and what is refused. */

#include "bytes.h"

/* ---- textures ---- */

static const fh_texture_desc shapes[] = {
    {.format = FH_FORMAT_RGBA8_UNORM, .width = 64, .height = 64},
    {.format = FH_FORMAT_R8_UNORM, .width = 1},
    {.kind = FH_TEXTURE_1D, .format = FH_FORMAT_RG16_FLOAT, .width = 300, .mips = 9},
    {.format = FH_FORMAT_RGB32_FLOAT, .width = 33, .height = 17, .mips = 6},
    {.format = FH_FORMAT_BC7_UNORM, .width = 61, .height = 35, .layers = 3, .mips = 6},
    {.format = FH_FORMAT_ASTC_10X5_UNORM, .width = 203, .height = 77, .mips = 3},
    {.kind = FH_TEXTURE_3D,
     .format = FH_FORMAT_R16_UINT,
     .width = 20,
     .height = 12,
     .depth = 9,
     .mips = 4},
    {.kind = FH_TEXTURE_CUBE,
     .format = FH_FORMAT_RGBA16_FLOAT,
     .width = 32,
     .height = 32,
     .layers = 12,
     .mips = 3},
    {.format = FH_FORMAT_D24_UNORM_S8_UINT, .width = 40, .height = 30},
    {.format = FH_FORMAT_RGBA8_UNORM,
     .width = 16,
     .height = 16,
     .samples = 4,
     .usage = FH_USAGE_COLOR_TARGET | FH_USAGE_COPY},
};

static void write_region(const card *c, fh_parcel texture, const fh_texture_desc *shape,
                         const fh_texture_region *region, uint64_t seed)
{
    uint64_t size = fh_texture_region_bytes(shape, region);
    unsigned char *bytes = bytes_make(seed, 0, size);
    fh_result result = fh_texture_write(c->device, texture, region, bytes, size, NULL);
    free(bytes);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
}

static unsigned char *read_region(const card *c, fh_parcel texture, const fh_texture_desc *shape,
                                  const fh_texture_region *region)
{
    uint64_t size = fh_texture_region_bytes(shape, region);
    unsigned char *bytes = malloc((size_t)size);
    fh_result result = fh_texture_read(c->device, texture, region, bytes, size, 5 * SECOND_NS);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    return bytes;
}

static void region_holds(const card *c, fh_parcel texture, const fh_texture_desc *shape,
                         const fh_texture_region *region, uint64_t seed)
{
    unsigned char *bytes = read_region(c, texture, shape, region);
    CHECK_NO_FAULT(bytes_compare(bytes, seed, 0, fh_texture_region_bytes(shape, region)));
    free(bytes);
}

/* Every level of every layer has data of its own. */
static void whole_textures(card *c)
{
    for (size_t i = 0; i < TEST_COUNT_OF(shapes); i++) {
        const fh_texture_desc *shape = &shapes[i];
        uint32_t mips = shape->mips != 0 ? shape->mips : 1;
        uint32_t layers = shape->layers != 0 ? shape->layers : 1;
        fh_parcel texture = check_texture(c, shape);
        for (uint32_t mip = 0; mip < mips; mip++) {
            for (uint32_t layer = 0; layer < layers; layer++) {
                fh_texture_region region = {.mip = mip, .layer = layer};
                write_region(c, texture, shape, &region, 100 * mip + layer);
            }
        }
        for (uint32_t mip = 0; mip < mips; mip++) {
            for (uint32_t layer = 0; layer < layers; layer++) {
                fh_texture_region region = {.mip = mip, .layer = layer};
                region_holds(c, texture, shape, &region, 100 * mip + layer);
            }
        }
        check_release(c, texture);
    }
}

static void textures_hold_what_was_written_on_every_card(void **state)
{
    (void)state;
    on_every_card(whole_textures);
}

/* A box in the middle: inside is new, around it is old. */
static void a_region_leaves_the_rest_alone(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_texture_desc shape = {.format = FH_FORMAT_RG8_UNORM, .width = 40, .height = 30, .layers = 4};
    fh_parcel texture = check_texture(&c, &shape);
    fh_texture_region whole = {.layers = 4};
    fh_texture_region box = {.layer = 1, .x = 5, .y = 7, .width = 20, .height = 11, .layers = 2};
    write_region(&c, texture, &shape, &whole, 1);
    write_region(&c, texture, &shape, &box, 2);
    region_holds(&c, texture, &shape, &box, 2);
    unsigned char *bytes = read_region(&c, texture, &shape, &whole);
    for (uint64_t i = 0; i < UINT64_C(4) * 40 * 30; i++) {
        uint64_t x = i % 40;
        uint64_t y = i / 40 % 30;
        uint64_t layer = i / (40 * 30);
        bool inside = x >= 5 && x < 25 && y >= 7 && y < 18 && layer >= 1 && layer < 3;
        uint64_t place = inside ? ((layer - 1) * 11 + (y - 7)) * 20 + (x - 5) : i;
        for (uint64_t b = 0; b < 2; b++) {
            assert_int_equal(bytes[2 * i + b], bytes_at(inside ? 2 : 1, 2 * place + b));
        }
    }
    free(bytes);
    check_release(&c, texture);
    check_close(&c);
}

/* Larger than a staging buffer: cut between layers, slices, rows, and inside a row. */
static void large_textures_go_in_pieces(void **state)
{
    (void)state;
    static const fh_texture_desc large[] = {
        {.format = FH_FORMAT_RGBA8_UNORM, .width = 512, .height = 512, .layers = 11},
        {.format = FH_FORMAT_RGBA8_UNORM, .width = 3000, .height = 1001},
        {.format = FH_FORMAT_BC7_UNORM, .width = 6001, .height = 1023},
        {.kind = FH_TEXTURE_3D,
         .format = FH_FORMAT_RG32_UINT,
         .width = 200,
         .height = 100,
         .depth = 70},
        {.format = FH_FORMAT_RGBA32_FLOAT, .width = 300001, .height = 3, .layers = 2},
        {.format = FH_FORMAT_RGB32_FLOAT, .width = 400000, .height = 2},
    };
    card c;
    card_builtin(&c, "uma-16g");
    c.profile.copy_latency_ns = 100000;
    check_open(&c);
    for (size_t i = 0; i < TEST_COUNT_OF(large); i++) {
        const fh_texture_desc *shape = &large[i];
        fh_texture_region whole = {.layers = shape->layers};
        fh_texture_region rest = {.x = 4, .layers = shape->layers};
        fh_parcel texture = check_texture(&c, shape);
        write_region(&c, texture, shape, &whole, i);
        region_holds(&c, texture, shape, &whole, i);
        write_region(&c, texture, shape, &rest, i + 50);
        region_holds(&c, texture, shape, &rest, i + 50);
        check_release(&c, texture);
    }
    assert_true(card_account(&c, FH_ACCOUNT_KIND, FH_KIND_STAGING).peak <= MIB(64));
    check_close(&c);
}

/* ---- what is refused ---- */

static void wrong_arguments_of_textures_are_refused(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    static unsigned char bytes[64 * 64 * 4];
    const fh_texture_region whole = {0};
    fh_parcel texture = check_texture(&c, &shapes[0]);
    fh_parcel buffer = check_buffer(&c, 64);
    uint64_t size = sizeof bytes;
    fh_epoch epoch = {3, 3};
    CHECK_RESULT(fh_texture_write(NULL, texture, &whole, bytes, size, &epoch), FH_ERR_INVALID);
    CHECK_EQUAL(epoch.value, 0);
    CHECK_RESULT(fh_texture_write(c.device, texture, NULL, bytes, size, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_texture_write(c.device, texture, &whole, NULL, size, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_texture_read(NULL, texture, &whole, bytes, size, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_texture_read(c.device, texture, NULL, bytes, size, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_texture_read(c.device, texture, &whole, NULL, size, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_texture_write(c.device, texture, &whole, bytes, size - 1, NULL),
                 FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("16384");
    CHECK_RESULT(fh_texture_read(c.device, texture, &whole, bytes, size + 1, 0), FH_ERR_INVALID);
    fh_texture_region wrong = {.mip = 1};
    CHECK_RESULT(fh_texture_write(c.device, texture, &wrong, bytes, size, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("mip");
    wrong = (fh_texture_region){.x = 60, .width = 5};
    CHECK_RESULT(fh_texture_read(c.device, texture, &wrong, bytes, 5, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_texture_write(c.device, buffer, &whole, bytes, size, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("not a texture");
    check_release(&c, texture);
    CHECK_RESULT(fh_texture_write(c.device, texture, &whole, bytes, size, NULL), FH_ERR_STALE);
    fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM, .width = 64, .height = 64};
    desc.usage = FH_USAGE_SAMPLED;
    CHECK_OK(fh_texture_create(c.device, &desc, &texture));
    CHECK_RESULT(fh_texture_write(c.device, texture, &whole, bytes, size, NULL),
                 FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("FH_USAGE_COPY_DST");
    CHECK_RESULT(fh_texture_read(c.device, texture, &whole, bytes, size, 0), FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("FH_USAGE_COPY_SRC");
    check_release(&c, texture);
    check_release(&c, buffer);
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(textures_hold_what_was_written_on_every_card),
        cmocka_unit_test(a_region_leaves_the_rest_alone),
        cmocka_unit_test(large_textures_go_in_pieces),
        cmocka_unit_test(wrong_arguments_of_textures_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
