/* Textures as parcels: every wrong field, sizes by the format table, the kinds, what the backend
 * wants of memory for them, and that linear and optimal resources never share a page of the
 * device's granularity, in blocks of both algorithms and in the device's own pools. Copies stand
 * elsewhere. */

#include "card_checks.h"

static int set_up(void **state)
{
    card *c = test_calloc(1, sizeof *c);
    card_small(c);
    check_open(c);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    card *c = *state;
    check_close(c);
    test_free(c);
    return 0;
}

static fh_parcel check_texture(const card *c, const fh_texture_desc *desc)
{
    fh_parcel texture;
    fh_result result = fh_texture_create(c->device, desc, &texture);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    assert_true(texture.id != 0);
    return texture;
}

/* ---- what one is ---- */

static void a_texture_is_what_was_asked_for(void **state)
{
    const card *c = *state;
    fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM,
                            .width = 256,
                            .height = 128,
                            .mips = 9,
                            .layers = 3,
                            .memory = {.name = "sky"}};
    fh_parcel texture = check_texture(c, &desc);
    fh_parcel_info info = check_info(c, texture);
    assert_int_equal(info.kind, FH_KIND_TEXTURE);
    assert_int_equal(info.format, FH_FORMAT_RGBA8_UNORM);
    CHECK_EQUAL(info.width, 256);
    CHECK_EQUAL(info.height, 128);
    CHECK_EQUAL(info.depth, 1);
    CHECK_EQUAL(info.layers, 3);
    CHECK_EQUAL(info.mips, 9);
    CHECK_EQUAL(info.samples, 1);
    CHECK_EQUAL(info.usage, FH_USAGE_SAMPLED | FH_USAGE_COPY_DST);
    CHECK_EQUAL(info.committed, fh_texture_bytes(&desc));
    CHECK_EQUAL(info.capacity, info.committed);
    assert_true(info.reserved >= info.committed && info.reserved < info.committed + KIB(8));
    CHECK_EQUAL(info.offset % 4096, 0);
    assert_string_equal(info.name, "sky");
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_TEXTURE, info.reserved);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, 0);
    check_release(c, texture);
}

typedef struct size_row {
    fh_texture_desc desc;
    uint64_t bytes;
    uint32_t height, layers, mips, samples;
} size_row;

static void kinds_and_formats_have_the_sizes_of_the_specification(void **state)
{
    const card *c = *state;
    static const size_row rows[] = {
        {{.format = FH_FORMAT_R8_UNORM, .width = 1}, 1, 1, 1, 1, 1},
        {{.kind = FH_TEXTURE_1D, .format = FH_FORMAT_RGBA32_FLOAT, .width = 100, .mips = 7},
         16 * (100 + 50 + 25 + 12 + 6 + 3 + 1),
         1,
         1,
         7,
         1},
        {{.kind = FH_TEXTURE_3D,
          .format = FH_FORMAT_R16_FLOAT,
          .width = 8,
          .height = 4,
          .depth = 16,
          .mips = 5},
         2 * (8 * 4 * 16 + 4 * 2 * 8 + 2 * 1 * 4 + 2 + 1),
         4,
         1,
         5,
         1},
        {{.kind = FH_TEXTURE_CUBE, .format = FH_FORMAT_RGBA8_SRGB, .width = 64, .height = 64},
         6 * 64 * 64 * 4,
         64,
         6,
         1,
         1},
        {{.kind = FH_TEXTURE_CUBE,
          .format = FH_FORMAT_R8_UNORM,
          .width = 16,
          .height = 16,
          .layers = 12},
         12 * 16 * 16,
         16,
         12,
         1,
         1},
        {{.format = FH_FORMAT_BC1_UNORM, .width = 17, .height = 5, .mips = 3},
         8 * (5 * 2 + 2 * 1 + 1 * 1),
         5,
         1,
         3,
         1},
        {{.format = FH_FORMAT_ASTC_12X10_UNORM, .width = 25, .height = 11},
         16 * 3 * 2,
         11,
         1,
         1,
         1},
        {{.format = FH_FORMAT_D24_UNORM_S8_UINT,
          .width = 32,
          .height = 32,
          .samples = 8,
          .usage = FH_USAGE_DEPTH_TARGET},
         UINT64_C(32) * 32 * 4 * 8,
         32,
         1,
         1,
         8},
        {{.format = FH_FORMAT_D32_FLOAT_S8_UINT,
          .width = 10,
          .height = 10,
          .usage = FH_USAGE_DEPTH_TARGET | FH_USAGE_SAMPLED},
         800,
         10,
         1,
         1,
         1},
        {{.format = FH_FORMAT_RGB32_FLOAT, .width = 7, .height = 3, .linear = true},
         7 * 3 * 12,
         3,
         1,
         1,
         1},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(rows); i++) {
        const size_row *row = &rows[i];
        CHECK_EQUAL(fh_texture_bytes(&row->desc), row->bytes);
        fh_parcel texture = check_texture(c, &row->desc);
        fh_parcel_info info = check_info(c, texture);
        CHECK_EQUAL(info.committed, row->bytes);
        assert_true(info.reserved >= info.committed);
        CHECK_EQUAL(info.height, row->height);
        CHECK_EQUAL(info.layers, row->layers);
        CHECK_EQUAL(info.mips, row->mips);
        CHECK_EQUAL(info.samples, row->samples);
        if (row->samples > 1) {
            CHECK_EQUAL(info.offset % 65536, 0);
        }
        check_release(c, texture);
    }
}

/* ---- wrong fields ---- */

typedef struct wrong_texture {
    const char *word;
    fh_texture_desc desc;
} wrong_texture;

static void every_wrong_field_of_a_texture_is_named(void **state)
{
    const card *c = *state;
    static const wrong_texture wrong[] = {
        {"format", {.width = 1}},
        {"format", {.width = 1, .format = FH_FORMAT_COUNT}},
        {"format", {.width = 1, .format = (fh_format)-1}},
        {"width", {.format = FH_FORMAT_R8_UNORM}},
        {"kind", {.format = FH_FORMAT_R8_UNORM, .width = 1, .kind = (fh_texture_kind)4}},
        {"kind", {.format = FH_FORMAT_R8_UNORM, .width = 1, .kind = (fh_texture_kind)-1}},
        {"depth", {.format = FH_FORMAT_R8_UNORM, .width = 4, .height = 4, .depth = 2}},
        {"height", {.format = FH_FORMAT_R8_UNORM, .width = 4, .height = 2, .kind = FH_TEXTURE_1D}},
        {"layers", {.format = FH_FORMAT_R8_UNORM, .width = 4, .layers = 2, .kind = FH_TEXTURE_3D}},
        {"layers",
         {.format = FH_FORMAT_R8_UNORM,
          .width = 4,
          .height = 4,
          .layers = 7,
          .kind = FH_TEXTURE_CUBE}},
        {"cube", {.format = FH_FORMAT_R8_UNORM, .width = 4, .height = 5, .kind = FH_TEXTURE_CUBE}},
        {"mips", {.format = FH_FORMAT_R8_UNORM, .width = 4, .height = 4, .mips = 4}},
        {"samples", {.format = FH_FORMAT_R8_UNORM, .width = 4, .height = 4, .samples = 3}},
        {"samples", {.format = FH_FORMAT_R8_UNORM, .width = 4, .height = 4, .samples = 32}},
        {"samples",
         {.format = FH_FORMAT_R8_UNORM, .width = 4, .height = 4, .samples = 4, .mips = 2}},
        {"samples",
         {.format = FH_FORMAT_R8_UNORM, .width = 4, .height = 4, .samples = 4, .linear = true}},
        {"samples", {.format = FH_FORMAT_BC1_UNORM, .width = 4, .height = 4, .samples = 4}},
        {"usage", {.format = FH_FORMAT_R8_UNORM, .width = 4, .usage = FH_USAGE_VERTEX}},
        {"usage", {.format = FH_FORMAT_R8_UNORM, .width = 4, .usage = 1U << 30}},
        {"usage", {.format = FH_FORMAT_R8_UNORM, .width = 4, .usage = FH_USAGE_DEPTH_TARGET}},
        {"usage", {.format = FH_FORMAT_D32_FLOAT, .width = 4, .usage = FH_USAGE_COLOR_TARGET}},
        {"usage",
         {.format = FH_FORMAT_R8_UNORM,
          .width = 4,
          .usage = FH_USAGE_TRANSIENT_TARGET | FH_USAGE_SAMPLED}},
        {"2^63",
         {.format = FH_FORMAT_RGBA32_FLOAT,
          .width = UINT32_MAX,
          .height = UINT32_MAX,
          .layers = UINT32_MAX}},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        fh_parcel out = {77};
        fh_result result = fh_texture_create(c->device, &wrong[i].desc, &out);
        if (result != FH_ERR_INVALID || out.id != 0) {
            fail_msg("row %zu (%s) gives %s", i, wrong[i].word, fh_result_name(result));
        }
        CHECK_DETAIL_NAMES(wrong[i].word);
    }
    CHECK_EQUAL(card_calls(c, FH_BACKEND_CALL_TEXTURE_CREATE), 0);
    CHECK_EQUAL(card_calls(c, FH_BACKEND_CALL_MEMORY_ALLOC), 0);
}

static void a_texture_larger_than_all_memory_is_refused(void **state)
{
    const card *c = *state;
    fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM, .width = 16384, .height = 16384};
    fh_parcel out;
    CHECK_REFUSED(fh_texture_create(c->device, &desc, &out), out, FH_ERR_OUT_OF_MEMORY, "");
    CHECK_NO_FAULT(card_audit(c));
}

/* ---- what the backend wants ---- */

static void textures_that_prefer_memory_of_their_own_get_it(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.dedicated_texture_size = KIB(64);
    check_open(&c);
    fh_texture_desc small = {.format = FH_FORMAT_R8_UNORM, .width = 128, .height = 128};
    fh_texture_desc large = {.format = FH_FORMAT_R8_UNORM, .width = 256, .height = 256};
    fh_parcel textures[] = {check_texture(&c, &small), check_texture(&c, &large)};
    assert_false(check_info(&c, textures[0]).dedicated);
    assert_true(check_info(&c, textures[1]).dedicated);
    CHECK_EQUAL(check_info(&c, textures[1]).offset, 0);
    CHECK_EQUAL(card_stats(&c).total.dedicated_count, 1);
    large.memory.dedicated = FH_DEDICATED_NEVER;
    fh_parcel never = check_texture(&c, &large);
    assert_false(check_info(&c, never).dedicated);
    check_release(&c, never);
    check_release(&c, textures[0]);
    check_release(&c, textures[1]);
    CHECK_EQUAL(card_stats(&c).total.dedicated_count, 0);
    check_close(&c);
}

static void a_type_that_textures_cannot_be_in_is_not_taken(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.texture_types = 1U << CARD_CACHED;
    check_open(&c);
    fh_texture_desc desc = {.format = FH_FORMAT_R8_UNORM, .width = 16, .height = 16};
    fh_parcel texture = check_texture(&c, &desc);
    CHECK_EQUAL(check_info(&c, texture).type, CARD_CACHED);
    desc.memory.type_mask = 1U << CARD_LOCAL;
    fh_parcel out;
    CHECK_REFUSED(fh_texture_create(c.device, &desc, &out), out, FH_ERR_UNSUPPORTED, "");
    check_release(&c, texture);
    check_close(&c);
}

/* ---- granularity ---- */

enum {
    PIECES = 120
};

typedef struct placed {
    fh_parcel parcel;
    uint64_t offset, size;
    int sort; /* 0 linear, 1 optimal, 2 unknown */
} placed;

static placed place(const card *c, fh_pool *pool, test_rng *rng, int sort)
{
    placed p = {.sort = sort};
    fh_memory_desc memory = {.pool = pool, .dedicated = FH_DEDICATED_NEVER};
    uint32_t side = 1 + (uint32_t)test_below(rng, 40);
    if (sort == 0 && test_chance(rng, 30)) {
        fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM,
                                .width = side,
                                .height = side,
                                .linear = true,
                                .memory = memory};
        p.parcel = check_texture(c, &desc);
    } else if (sort == 0) {
        fh_buffer_desc desc = card_buffer_desc(1 + test_below(rng, 9000));
        desc.memory = memory;
        p.parcel = check_make(c, &desc);
    } else if (sort == 1) {
        fh_texture_desc desc = {
            .format = FH_FORMAT_RGBA8_UNORM, .width = side, .height = side, .memory = memory};
        p.parcel = check_texture(c, &desc);
    } else {
        fh_raw_desc desc = {.size = 1 + test_below(rng, 9000), .alignment = 16, .memory = memory};
        p.parcel = check_raw(c, &desc);
    }
    fh_parcel_info info = check_info(c, p.parcel);
    p.offset = info.offset;
    p.size = info.committed;
    return p;
}

/* Pairs that share a page of that size and must not: buffer or linear texture against optimal
 * texture; raw memory, of which nobody knows what it will hold, against everything. */
static uint32_t conflicts(const placed *pieces, size_t count, uint64_t page)
{
    uint32_t found = 0;
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a + 1; b < count; b++) {
            if (pieces[a].parcel.id == 0 || pieces[b].parcel.id == 0 ||
                (pieces[a].sort == pieces[b].sort && pieces[a].sort != 2)) {
                continue;
            }
            uint64_t a_first = pieces[a].offset / page;
            uint64_t a_last = (pieces[a].offset + pieces[a].size - 1) / page;
            uint64_t b_first = pieces[b].offset / page;
            uint64_t b_last = (pieces[b].offset + pieces[b].size - 1) / page;
            found += a_first <= b_last && b_first <= a_last;
        }
    }
    return found;
}

static uint32_t overlaps(const placed *pieces, size_t count)
{
    uint32_t found = 0;
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a + 1; b < count; b++) {
            found += pieces[a].parcel.id != 0 && pieces[b].parcel.id != 0 &&
                     pieces[a].offset < pieces[b].offset + pieces[b].size &&
                     pieces[b].offset < pieces[a].offset + pieces[a].size;
        }
    }
    return found;
}

/* Pieces of three sorts come and go in one block; counts the pairs that share a page. */
static uint32_t shuffle(uint64_t granularity, fh_block_algorithm algorithm, bool own_pool)
{
    test_rng rng = {test_seed()};
    card c;
    card_small(&c);
    c.profile.granularity = granularity;
    c.profile.texture_alignment = 256;
    c.desc.block_size = MIB(64);
    c.profile.heaps[0].size = MIB(512);
    check_open(&c);
    fh_pool *pool = NULL;
    if (own_pool) {
        fh_pool_desc desc = {.type_mask = 1U << CARD_LOCAL,
                             .algorithm = algorithm,
                             .block_size = MIB(64),
                             .block_count_min = 1,
                             .block_count_max = 1};
        CHECK_OK(fh_pool_create(c.device, &desc, &pool));
    }
    placed pieces[PIECES] = {0};
    uint32_t found = 0;
    for (int round = 0; round < 8; round++) {
        for (size_t i = 0; i < PIECES; i++) {
            if (pieces[i].parcel.id == 0) {
                pieces[i] = place(&c, pool, &rng, (int)test_below(&rng, 3));
            }
        }
        CHECK_EQUAL(card_stats(&c).total.stats.block_count, 1);
        CHECK_EQUAL(overlaps(pieces, PIECES), 0);
        found += conflicts(pieces, PIECES, KIB(16));
        for (size_t i = 0; i < PIECES; i++) {
            if (test_chance(&rng, 50)) {
                check_release(&c, pieces[i].parcel);
                pieces[i] = (placed){0};
            }
        }
        CHECK_NO_FAULT(card_audit(&c));
    }
    for (size_t i = 0; i < PIECES; i++) {
        CHECK_OK(fh_parcel_release(c.device, pieces[i].parcel));
    }
    CHECK_OK(fh_pool_destroy(pool));
    check_close(&c);
    return found;
}

static void linear_and_optimal_never_share_a_page(void **state)
{
    (void)state;
    CHECK_EQUAL(shuffle(KIB(16), FH_BLOCK_TLSF, true), 0);
    CHECK_EQUAL(shuffle(KIB(16), FH_BLOCK_LINEAR, true), 0);
    CHECK_EQUAL(shuffle(KIB(16), FH_BLOCK_TLSF, false), 0);
    CHECK_EQUAL(shuffle(KIB(64), FH_BLOCK_TLSF, true), 0);
}

/* Without such a rule they do, or nothing above would prove anything. */
static void without_granularity_nothing_is_wasted(void **state)
{
    (void)state;
    assert_true(shuffle(1, FH_BLOCK_TLSF, true) > 0);
    assert_true(shuffle(1, FH_BLOCK_LINEAR, true) > 0);
}

static void reserved_bytes_have_the_pages_that_granularity_takes(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.granularity = KIB(16);
    check_open(&c);
    fh_texture_desc desc = {.format = FH_FORMAT_R8_UNORM, .width = 10, .height = 10};
    fh_parcel texture = check_texture(&c, &desc);
    fh_parcel_info info = check_info(&c, texture);
    CHECK_EQUAL(info.committed, 100);
    assert_true(info.reserved >= info.committed && info.reserved <= KIB(16));
    CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_TEXTURE, info.reserved);
    check_release(&c, texture);
    check_close(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_texture_is_what_was_asked_for),
        TEST(kinds_and_formats_have_the_sizes_of_the_specification),
        TEST(every_wrong_field_of_a_texture_is_named),
        TEST(a_texture_larger_than_all_memory_is_refused),
        cmocka_unit_test(textures_that_prefer_memory_of_their_own_get_it),
        cmocka_unit_test(a_type_that_textures_cannot_be_in_is_not_taken),
        cmocka_unit_test(linear_and_optimal_never_share_a_page),
        cmocka_unit_test(without_granularity_nothing_is_wasted),
        cmocka_unit_test(reserved_bytes_have_the_pages_that_granularity_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
