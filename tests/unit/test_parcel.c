/* Parcels: what one is, names and what else can be replaced, how references count, and every
 * wrong field of every description. */

#include "card_checks.h"

#include <math.h>

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

/* ---- what a parcel is ---- */

static void a_buffer_is_what_was_asked_for(void **state)
{
    const card *c = *state;
    int owner;
    fh_tag tag;
    CHECK_OK(fh_device_tag(c->device, "terrain", &tag));
    fh_buffer_desc desc = {
        .size = 12000,
        .usage = FH_USAGE_STORAGE | FH_USAGE_COPY_DST,
        .stride = 12,
        .memory = {.tag = tag, .name = "mesh", .user = &owner, .priority = 0.75F}};
    fh_parcel buffer = check_make(c, &desc);
    fh_parcel_info info = check_info(c, buffer);
    assert_int_equal(info.kind, FH_KIND_BUFFER);
    CHECK_EQUAL(info.tag, tag);
    CHECK_EQUAL(info.committed, 12000);
    CHECK_EQUAL(info.capacity, 12000);
    assert_true(info.reserved >= 12000 && info.reserved < 12000 + 256);
    CHECK_EQUAL(info.type, CARD_LOCAL);
    CHECK_EQUAL(info.heap, 0);
    CHECK_EQUAL(info.flags, FH_MEMORY_DEVICE_LOCAL);
    assert_false(info.dedicated);
    assert_false(info.retiring);
    CHECK_EQUAL(info.usage, FH_USAGE_STORAGE | FH_USAGE_COPY_DST);
    CHECK_EQUAL(info.stride, 12);
    assert_int_equal(info.format, FH_FORMAT_NONE);
    CHECK_EQUAL(info.backing.id, 0);
    assert_true(info.priority == 0.75F);
    CHECK_EQUAL(info.reference_count, 1);
    CHECK_EQUAL(info.map_count, 0);
    assert_ptr_equal(info.user, &owner);
    assert_string_equal(info.name, "mesh");
    CHECK_EQUAL(info.offset % 16, 0);
    check_release(c, buffer);
}

static void defaults_are_what_the_header_says(void **state)
{
    const card *c = *state;
    fh_parcel buffer = check_buffer(c, 64);
    fh_parcel_info info = check_info(c, buffer);
    assert_true(info.priority == 0.5F);
    CHECK_EQUAL(info.tag, 0);
    CHECK_EQUAL(info.stride, 0);
    assert_null(info.user);
    assert_string_equal(info.name, "");
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, info.reserved);
    check_release(c, buffer);
}

static void capacity_is_reserved_and_not_committed(void **state)
{
    const card *c = *state;
    fh_buffer_desc desc = card_buffer_desc(1000);
    desc.capacity = 4096;
    fh_parcel buffer = check_make(c, &desc);
    fh_parcel_info info = check_info(c, buffer);
    CHECK_EQUAL(info.committed, 1000);
    CHECK_EQUAL(info.capacity, 4096);
    assert_true(info.reserved >= 4096);
    CHECK_EQUAL(card_stats(c).committed_bytes, 1000);
    check_release(c, buffer);
}

static void every_parcel_has_bytes_of_its_own(void **state)
{
    const card *c = *state;
    enum {
        COUNT = 300
    };
    fh_parcel buffers[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        buffers[i] = check_upload(c, 1 + i * 37);
        void *pointer;
        CHECK_OK(fh_parcel_map(c->device, buffers[i], &pointer));
        memset(pointer, (int)(i & 0xff), 1 + i * 37);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        void *pointer;
        CHECK_OK(fh_parcel_map(c->device, buffers[i], &pointer));
        const unsigned char *bytes = pointer;
        for (uint32_t at = 0; at < 1 + i * 37; at++) {
            assert_int_equal(bytes[at], i & 0xff);
        }
        check_release(c, buffers[i]);
    }
}

static void alignments_are_kept(void **state)
{
    card *c = *state;
    for (uint32_t shift = 0; shift <= 20; shift++) {
        fh_raw_desc desc = {.size = 100, .alignment = UINT64_C(1) << shift};
        fh_parcel raws[3];
        for (size_t i = 0; i < TEST_COUNT_OF(raws); i++) {
            CHECK_OK(fh_raw_create(c->device, &desc, &raws[i]));
            CHECK_EQUAL(check_info(c, raws[i]).offset % desc.alignment, 0);
        }
        for (size_t i = 0; i < TEST_COUNT_OF(raws); i++) {
            check_release(c, raws[i]);
        }
    }
    fh_raw_desc by_default = {.size = 100};
    fh_parcel raw;
    CHECK_OK(fh_raw_create(c->device, &by_default, &raw));
    CHECK_EQUAL(check_info(c, raw).offset % 256, 0);
    check_release(c, raw);
    fh_buffer_desc uniform = {.size = 100, .usage = FH_USAGE_UNIFORM};
    fh_parcel buffers[2];
    for (size_t i = 0; i < TEST_COUNT_OF(buffers); i++) {
        buffers[i] = check_make(c, &uniform);
        CHECK_EQUAL(check_info(c, buffers[i]).offset % 256, 0);
    }
    check_release(c, buffers[0]);
    check_release(c, buffers[1]);
}

/* ---- names, users, priorities ---- */

static void a_name_is_copied_and_can_be_replaced(void **state)
{
    const card *c = *state;
    char name[] = "first";
    fh_buffer_desc desc = card_buffer_desc(64);
    desc.memory.name = name;
    fh_parcel buffer = check_make(c, &desc);
    name[0] = 'X';
    assert_string_equal(check_info(c, buffer).name, "first");
    CHECK_OK(fh_parcel_set_name(c->device, buffer, "second"));
    assert_string_equal(check_info(c, buffer).name, "second");
    CHECK_OK(fh_parcel_set_name(c->device, buffer, NULL));
    assert_string_equal(check_info(c, buffer).name, "");
    check_release(c, buffer);

    fh_parcel next = check_buffer(c, 64); /* most likely the same slot */
    assert_string_equal(check_info(c, next).name, "");
    CHECK_OK(fh_parcel_set_name(c->device, next, "late"));
    assert_string_equal(check_info(c, next).name, "late");
    check_release(c, next);
}

/* 63 bytes and the zero; never half a character. */
static void a_long_name_is_cut_between_characters(void **state)
{
    const card *c = *state;
    for (size_t lead = 56; lead <= 66; lead++) {
        char name[128];
        memset(name, 'a', lead);
        memcpy(name + lead, "\xe2\x82\xac\xf0\x9f\x98\x80z", 9); /* 3 bytes, 4 bytes, 1 */
        size_t ends[] = {lead, lead + 3, lead + 7, lead + 8};
        size_t expected = lead < 63 ? lead : 63;
        for (size_t i = 0; i < TEST_COUNT_OF(ends); i++) {
            expected = ends[i] <= 63 && ends[i] > expected ? ends[i] : expected;
        }
        fh_buffer_desc desc = card_buffer_desc(64);
        desc.memory.name = name;
        fh_parcel made_with_it = check_make(c, &desc);
        fh_parcel named_later = check_buffer(c, 64);
        CHECK_OK(fh_parcel_set_name(c->device, named_later, name));
        fh_parcel_info info = check_info(c, made_with_it);
        CHECK_EQUAL(strlen(info.name), expected);
        assert_memory_equal(info.name, name, expected);
        assert_string_equal(check_info(c, named_later).name, info.name);
        check_release(c, made_with_it);
        check_release(c, named_later);
    }
}

static void user_and_priority_can_be_replaced(void **state)
{
    const card *c = *state;
    int owner;
    fh_parcel buffer = check_buffer(c, 64);
    CHECK_OK(fh_parcel_set_user(c->device, buffer, &owner));
    assert_ptr_equal(check_info(c, buffer).user, &owner);
    CHECK_OK(fh_parcel_set_user(c->device, buffer, NULL));
    assert_null(check_info(c, buffer).user);
    CHECK_OK(fh_parcel_set_priority(c->device, buffer, 1.0F));
    assert_true(check_info(c, buffer).priority == 1.0F);
    CHECK_OK(fh_parcel_set_priority(c->device, buffer, 0.0F));
    static const float wrong[] = {-0.001F, 1.001F, NAN, INFINITY};
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        CHECK_RESULT(fh_parcel_set_priority(c->device, buffer, wrong[i]), FH_ERR_INVALID);
        CHECK_DETAIL_NAMES("priority");
    }
    check_release(c, buffer);
}

/* ---- references ---- */

static void the_last_release_ends_it(void **state)
{
    const card *c = *state;
    fh_parcel buffer = check_buffer(c, 4096);
    for (uint32_t i = 1; i <= 100; i++) {
        CHECK_OK(fh_parcel_acquire(c->device, buffer));
        CHECK_EQUAL(check_info(c, buffer).reference_count, i + 1);
    }
    for (uint32_t i = 100; i > 0; i--) {
        check_release(c, buffer);
        CHECK_EQUAL(check_info(c, buffer).reference_count, i);
    }
    CHECK_EQUAL(card_stats(c).parcel_count, 1);
    check_release(c, buffer);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, 0);
    fh_parcel_info info;
    memset(&info, 0x55, sizeof info);
    CHECK_RESULT(fh_parcel_get(c->device, buffer, &info), FH_ERR_STALE);
    static const fh_parcel_info nothing;
    assert_memory_equal(&info, &nothing, sizeof info);
}

static void releasing_too_often_is_stale(void **state)
{
    const card *c = *state;
    fh_parcel kept = check_buffer(c, 64);
    fh_parcel buffer = check_buffer(c, 64);
    CHECK_OK(fh_parcel_acquire(c->device, buffer));
    check_release(c, buffer);
    check_release(c, buffer);
    for (int i = 0; i < 10; i++) {
        CHECK_RESULT(fh_parcel_release(c->device, buffer), FH_ERR_STALE);
        assert_true(strlen(fh_error_detail()) > 0);
    }
    CHECK_EQUAL(card_stats(c).parcel_count, 1);
    CHECK_EQUAL(check_info(c, kept).reference_count, 1);
    check_release(c, kept);
}

/* More references than a count may hold must be refused, or it would come round to 0. */
static void a_reference_count_does_not_wrap(void **state)
{
    const card *c = *state;
    fh_parcel buffer = check_buffer(c, 64);
    uint32_t acquired = 0;
    while (acquired < (1U << 20) + 100 && fh_parcel_acquire(c->device, buffer) == FH_OK) {
        acquired++;
    }
    CHECK_EQUAL(check_info(c, buffer).reference_count, (uint64_t)acquired + 1);
    for (uint32_t i = 0; i < acquired; i++) {
        if (fh_parcel_release(c->device, buffer) != FH_OK) {
            fail_msg("release %u of %u", i, acquired);
        }
    }
    CHECK_EQUAL(check_info(c, buffer).reference_count, 1);
    check_release(c, buffer);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

static void releasing_nothing_is_a_no_op(void **state)
{
    const card *c = *state;
    CHECK_OK(fh_parcel_release(c->device, (fh_parcel){0}));
    CHECK_RESULT(fh_parcel_acquire(c->device, (fh_parcel){0}), FH_ERR_STALE);
}

static bool count_parcels(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    (void)parcel, (void)info;
    ++*(uint32_t *)context;
    return true;
}

static void many_parcels_have_their_own_handles_and_bytes(void **state)
{
    card *c = *state;
    enum {
        COUNT = 20000
    };
    fh_parcel *buffers = test_calloc(COUNT, sizeof *buffers);
    for (uint32_t i = 0; i < COUNT; i++) {
        buffers[i] = check_buffer(c, 16);
    }
    CHECK_EQUAL(card_stats(c).parcel_count, COUNT);
    uint32_t seen = 0;
    CHECK_OK(fh_device_visit(c->device, count_parcels, &seen));
    CHECK_EQUAL(seen, COUNT);
    CHECK_NO_FAULT(card_audit(c));
    for (uint32_t i = 0; i < COUNT; i++) {
        check_release(c, buffers[i]);
    }
    test_free(buffers);
}

/* ---- wrong arguments ---- */

static void a_null_device_is_refused_everywhere(void **state)
{
    (void)state;
    fh_buffer_desc buffer = card_buffer_desc(16);
    fh_texture_desc texture = {.format = FH_FORMAT_R8_UNORM, .width = 1};
    fh_raw_desc raw = {.size = 16};
    fh_external_desc external = {.size = 16};
    fh_parcel some = {5};
    fh_parcel out;
    fh_parcel outs[2] = {{1}, {2}};
    fh_parcel_info info;
    void *pointer = &info;
    fh_epoch epoch = {3, 3};
    char bytes[4] = {0};
    fh_view view = {some, 0, 1};
    CHECK_REFUSED(fh_buffer_create(NULL, &buffer, &out), out, FH_ERR_INVALID, "device");
    CHECK_REFUSED(fh_texture_create(NULL, &texture, &out), out, FH_ERR_INVALID, "device");
    CHECK_REFUSED(fh_raw_create(NULL, &raw, &out), out, FH_ERR_INVALID, "device");
    CHECK_REFUSED(fh_external_create(NULL, &external, &out), out, FH_ERR_INVALID, "device");
    CHECK_RESULT(fh_raw_create_many(NULL, &raw, 2, outs), FH_ERR_INVALID);
    assert_true(outs[0].id == 0 && outs[1].id == 0);
    CHECK_RESULT(fh_parcel_acquire(NULL, some), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_release(NULL, some), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_get(NULL, some, &info), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_set_name(NULL, some, "n"), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_set_user(NULL, some, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_set_priority(NULL, some, 0.5F), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_use(NULL, some, epoch), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_retire(NULL, some, &epoch, 1), FH_ERR_INVALID);
    CHECK_RESULT(fh_buffer_resize(NULL, some, 1, &epoch), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_map(NULL, some, &pointer), FH_ERR_INVALID);
    assert_null(pointer);
    CHECK_RESULT(fh_parcel_unmap(NULL, some), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_flush(NULL, some, 0, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_invalidate(NULL, some, 0, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_write(NULL, some, 0, bytes, 1, &epoch), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_read(NULL, some, 0, bytes, 1, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_copy(NULL, &(fh_copy){.dst = some}, 1, &epoch), FH_ERR_INVALID);
    CHECK_RESULT(fh_view_make(NULL, some, 0, 0, &view), FH_ERR_INVALID);
    CHECK_RESULT(fh_view_check(NULL, &view), FH_ERR_INVALID);
    uint32_t seen = 0;
    CHECK_RESULT(fh_device_visit(NULL, count_parcels, &seen), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
}

static void missing_arguments_are_refused(void **state)
{
    const card *c = *state;
    fh_buffer_desc desc = card_buffer_desc(16);
    fh_raw_desc raw = {.size = 16};
    fh_parcel out;
    CHECK_REFUSED(fh_buffer_create(c->device, NULL, &out), out, FH_ERR_INVALID, "desc");
    CHECK_REFUSED(fh_texture_create(c->device, NULL, &out), out, FH_ERR_INVALID, "desc");
    CHECK_REFUSED(fh_raw_create(c->device, NULL, &out), out, FH_ERR_INVALID, "desc");
    CHECK_REFUSED(fh_external_create(c->device, NULL, &out), out, FH_ERR_INVALID, "desc");
    CHECK_RESULT(fh_buffer_create(c->device, &desc, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_buffer");
    CHECK_RESULT(fh_texture_create(
                     c->device, &(fh_texture_desc){.format = FH_FORMAT_R8_UNORM, .width = 1}, NULL),
                 FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_texture");
    CHECK_RESULT(fh_raw_create(c->device, &raw, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_raw");
    CHECK_RESULT(fh_raw_create_many(c->device, &raw, 2, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_raws");
    CHECK_RESULT(fh_external_create(c->device, &(fh_external_desc){.size = 1}, NULL),
                 FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_external");
    fh_parcel buffer = check_buffer(c, 64);
    CHECK_RESULT(fh_parcel_get(c->device, buffer, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_parcel_map(c->device, buffer, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_view_make(c->device, buffer, 0, 0, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_view_check(c->device, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_visit(c->device, NULL, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_retire(c->device, buffer, NULL, 1), FH_ERR_INVALID);
    CHECK_EQUAL(check_info(c, buffer).reference_count, 1);
    CHECK_OK(fh_device_retire(c->device, buffer, NULL, 0));
}

typedef struct wrong_buffer {
    const char *word;
    fh_buffer_desc desc;
} wrong_buffer;

#define RIGHT .size = 256, .usage = FH_USAGE_STORAGE

static void every_wrong_field_of_a_buffer_is_named(void **state)
{
    const card *c = *state;
    const wrong_buffer wrong[] = {
        {"size", {.size = 0, .usage = FH_USAGE_STORAGE}},
        {"usage", {.size = 256}},
        {"usage", {.size = 256, .usage = FH_USAGE_STORAGE | FH_USAGE_SAMPLED}},
        {"usage", {.size = 256, .usage = FH_USAGE_COLOR_TARGET}},
        {"usage", {.size = 256, .usage = UINT32_C(1) << 31}},
        {"stride", {RIGHT, .stride = 7}},
        {"stride", {RIGHT, .stride = 512}},
        {"capacity", {RIGHT, .capacity = 255}},
        {"location", {RIGHT, .memory.location = (fh_location)4}},
        {"location", {RIGHT, .memory.location = (fh_location)-1}},
        {"access", {RIGHT, .memory.access = (fh_access)3}},
        {"access", {RIGHT, .memory.access = (fh_access)INT32_MAX}},
        {"required", {RIGHT, .memory.required = UINT32_C(1) << 30}},
        {"preferred", {RIGHT, .memory.preferred = UINT32_C(1) << 30}},
        {"dedicated", {RIGHT, .memory.dedicated = (fh_dedicated)4}},
        {"dedicated", {RIGHT, .memory.dedicated = (fh_dedicated)-1}},
        {"strategy", {RIGHT, .memory.strategy = (fh_strategy)4}},
        {"strategy", {RIGHT, .memory.strategy = (fh_strategy)-1}},
        {"evictable", {RIGHT, .memory.evictable = (fh_evictable)3}},
        {"evictable", {RIGHT, .memory.evictable = (fh_evictable)-1}},
        {"priority", {RIGHT, .memory.priority = -0.5F}},
        {"priority", {RIGHT, .memory.priority = 1.5F}},
        {"priority", {RIGHT, .memory.priority = NAN}},
        {"tag", {RIGHT, .memory.tag = 900}},
        {"tag", {RIGHT, .memory.tag = UINT32_MAX}},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        fh_parcel out = {77};
        fh_result result = fh_buffer_create(c->device, &wrong[i].desc, &out);
        if (result != FH_ERR_INVALID || out.id != 0) {
            fail_msg("%s (row %zu) gives %s", wrong[i].word, i, fh_result_name(result));
        }
        CHECK_DETAIL_NAMES(wrong[i].word);

        /* The same in a raw parcel's description, where it has that field. */
        fh_raw_desc raw = {.size = wrong[i].desc.size, .memory = wrong[i].desc.memory};
        if (i == 0 || i >= 8) {
            CHECK_REFUSED(fh_raw_create(c->device, &raw, &out), out, FH_ERR_INVALID, wrong[i].word);
        }
        fh_texture_desc texture = {
            .format = FH_FORMAT_R8_UNORM, .width = 4, .memory = wrong[i].desc.memory};
        if (i >= 8) {
            CHECK_REFUSED(fh_texture_create(c->device, &texture, &out), out, FH_ERR_INVALID,
                          wrong[i].word);
        }
    }
    CHECK_EQUAL(card_calls(c, FH_BACKEND_CALL_MEMORY_ALLOC), 0);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

static void sizes_that_no_memory_has_are_refused(void **state)
{
    const card *c = *state;
    static const uint64_t sizes[] = {
        UINT64_MAX,     UINT64_MAX - 1, UINT64_MAX - 15, UINT64_MAX / 2 + 1,
        UINT64_MAX / 2, GIB(5),         MIB(97)};
    for (size_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
        fh_buffer_desc desc = card_buffer_desc(sizes[i]);
        fh_parcel out = {77};
        fh_result result = fh_buffer_create(c->device, &desc, &out);
        assert_true(result == FH_ERR_OUT_OF_MEMORY || result == FH_ERR_INVALID);
        assert_true(out.id == 0);
        fh_raw_desc raw = {.size = sizes[i], .alignment = MIB(1)};
        result = fh_raw_create(c->device, &raw, &out);
        assert_true(result == FH_ERR_OUT_OF_MEMORY || result == FH_ERR_INVALID);
        desc = card_buffer_desc(16);
        desc.capacity = sizes[i];
        result = fh_buffer_create(c->device, &desc, &out);
        assert_true(result == FH_ERR_OUT_OF_MEMORY || result == FH_ERR_INVALID);
        CHECK_NO_FAULT(card_audit(c));
    }
}

static void wrong_alignments_are_refused(void **state)
{
    const card *c = *state;
    static const uint64_t wrong[] = {3, 48, 255, 65535, UINT64_MAX};
    fh_parcel out;
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        fh_raw_desc desc = {.size = 100, .alignment = wrong[i]};
        CHECK_REFUSED(fh_raw_create(c->device, &desc, &out), out, FH_ERR_INVALID, "alignment");
    }
    fh_raw_desc desc = {.size = 100, .alignment = UINT64_C(1) << 63};
    fh_parcel first = check_raw(c, &desc); /* at 0 */
    CHECK_EQUAL(check_info(c, first).offset, 0);
    check_release(c, first);
}

static void what_no_memory_type_can_do_is_unsupported(void **state)
{
    const card *c = *state;
    fh_parcel out;
    fh_buffer_desc desc = card_buffer_desc(64);
    desc.memory.required = FH_MEMORY_PROTECTED;
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_UNSUPPORTED, "");
    assert_true(strlen(fh_error_detail()) > 20);
    desc = card_buffer_desc(64);
    desc.memory.required = FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_HOST_VISIBLE;
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_UNSUPPORTED, "");
    desc = card_buffer_desc(64);
    desc.memory.type_mask = 1U << 20;
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_UNSUPPORTED, "");
    desc = card_buffer_desc(64);
    desc.memory.type_mask = 1U << CARD_LOCAL;
    desc.memory.location = FH_LOCATION_READBACK;
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_UNSUPPORTED, "");
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

static void a_foreign_pool_is_refused(void **state)
{
    const card *c = *state;
    card other;
    card_small(&other);
    check_open(&other);
    fh_pool *pool;
    CHECK_OK(fh_pool_create(other.device, &(fh_pool_desc){0}, &pool));
    fh_buffer_desc desc = card_buffer_desc(64);
    desc.memory.pool = pool;
    fh_parcel out;
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_INVALID, "pool");
    CHECK_OK(fh_pool_destroy(pool));
    check_close(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_buffer_is_what_was_asked_for),
        TEST(defaults_are_what_the_header_says),
        TEST(capacity_is_reserved_and_not_committed),
        TEST(every_parcel_has_bytes_of_its_own),
        TEST(alignments_are_kept),
        TEST(a_name_is_copied_and_can_be_replaced),
        TEST(a_long_name_is_cut_between_characters),
        TEST(user_and_priority_can_be_replaced),
        TEST(the_last_release_ends_it),
        TEST(releasing_too_often_is_stale),
        TEST(a_reference_count_does_not_wrap),
        TEST(releasing_nothing_is_a_no_op),
        TEST(many_parcels_have_their_own_handles_and_bytes),
        cmocka_unit_test(a_null_device_is_refused_everywhere),
        TEST(missing_arguments_are_refused),
        TEST(every_wrong_field_of_a_buffer_is_named),
        TEST(sizes_that_no_memory_has_are_refused),
        TEST(wrong_alignments_are_refused),
        TEST(what_no_memory_type_can_do_is_unsupported),
        TEST(a_foreign_pool_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
