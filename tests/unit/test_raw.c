/* Raw memory, and what lies on it: many at once or none, aliased buffers and textures that are
 * charged once and keep their backing alive, and host memory of the program's own. */

#include "card_checks.h"

#include <stdlib.h>

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

/* ---- one ---- */

static void raw_memory_is_memory_without_an_object(void **state)
{
    const card *c = *state;
    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = 5000, .alignment = 4096});
    fh_parcel_info info = check_info(c, raw);
    assert_int_equal(info.kind, FH_KIND_RAW);
    CHECK_EQUAL(info.committed, 5000);
    assert_true(info.reserved >= 5000);
    CHECK_EQUAL(info.offset % 4096, 0);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_RAW, info.reserved);
    uint64_t memories;
    uint64_t bytes;
    uint64_t objects;
    fh_simulated_live(c->backend, &memories, &bytes, &objects);
    CHECK_EQUAL(objects, 0);
    check_release(c, raw);
}

static void raw_memory_can_be_mapped_and_written(void **state)
{
    const card *c = *state;
    fh_raw_desc desc = {.size = 4096, .memory = {.location = FH_LOCATION_UPLOAD, .mapped = true}};
    fh_parcel raws[3];
    CHECK_OK(fh_raw_create_many(c->device, &desc, 3, raws));
    unsigned char *bytes[3];
    for (int i = 0; i < 3; i++) {
        CHECK_OK(fh_parcel_map(c->device, raws[i], (void **)&bytes[i]));
        memset(bytes[i], i + 1, 4096);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(bytes[i][0] == i + 1 && bytes[i][4095] == i + 1);
        check_release(c, raws[i]);
    }
}

/* ---- many ---- */

static void many_are_all_or_nothing_under_a_limit(void **state)
{
    const card *c = *state;
    fh_parcel first = check_raw(c, &(fh_raw_desc){.size = KIB(64)});
    uint64_t each = check_info(c, first).reserved;
    uint64_t driver = card_used(c, FH_ACCOUNT_TOTAL, 0);
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_RAW, each * 11 - 1); /* 9 more, and not 10 */
    fh_parcel raws[10];
    memset(raws, 0x77, sizeof raws);
    CHECK_RESULT(fh_raw_create_many(c->device, &(fh_raw_desc){.size = KIB(64)}, 10, raws),
                 FH_ERR_BUDGET);
    for (int i = 0; i < 10; i++) {
        CHECK_EQUAL(raws[i].id, 0);
    }
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_RAW, each);
    CHECK_EQUAL(card_stats(c).parcel_count, 1);
    CHECK_NO_FAULT(card_audit(c));
    CHECK_OK(fh_raw_create_many(c->device, &(fh_raw_desc){.size = KIB(64)}, 9, raws));
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_RAW, each * 10);
    for (int i = 0; i < 9; i++) {
        for (int k = 0; k < i; k++) {
            assert_true(raws[i].id != raws[k].id);
        }
    }
    for (int i = 0; i < 9; i++) {
        check_release(c, raws[i]);
    }
    check_release(c, first);
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_RAW, FH_NO_LIMIT);
    assert_true(driver > 0);
}

static void many_are_all_or_nothing_when_memory_ends(void **state)
{
    const card *c = *state;
    fh_parcel raws[100];
    memset(raws, 0x77, sizeof raws);
    /* 96 MiB in both heaps. */
    CHECK_RESULT(fh_raw_create_many(c->device, &(fh_raw_desc){.size = MIB(1)}, 100, raws),
                 FH_ERR_OUT_OF_MEMORY);
    for (int i = 0; i < 100; i++) {
        CHECK_EQUAL(raws[i].id, 0);
    }
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_RAW, 0);
    CHECK_OK(fh_device_trim(c->device, NULL));
    CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, 0);
    CHECK_OK(fh_raw_create_many(c->device, &(fh_raw_desc){.size = MIB(1)}, 90, raws));
    for (int i = 0; i < 90; i++) {
        check_release(c, raws[i]);
    }
}

static void many_are_all_or_nothing_when_any_driver_call_fails(void **state)
{
    const card *c = *state;
    for (uint64_t nth = 1; nth <= 6; nth++) {
        fh_raw_desc desc = {
            .size = MIB(2),
            .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
        fh_parcel raws[6];
        for (uint64_t i = 0; i < 10; i++) { /* relief tries again */
            fh_fault fault = {.call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = nth + i};
            CHECK_OK(fh_simulated_fault(c->backend, &fault));
        }
        CHECK_RESULT(fh_raw_create_many(c->device, &desc, 6, raws), FH_ERR_OUT_OF_MEMORY);
        for (int i = 0; i < 6; i++) {
            CHECK_EQUAL(raws[i].id, 0);
        }
        CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, 0);
        CHECK_EQUAL(card_stats(c).total.dedicated_count, 0);
        fh_simulated_clear(c->backend);
        CHECK_OK(fh_raw_create_many(c->device, &desc, 6, raws));
        for (int i = 0; i < 6; i++) {
            assert_true(check_info(c, raws[i]).dedicated);
            check_release(c, raws[i]);
        }
    }
}

/* ---- aliasing ---- */

static fh_result on(const card *c, fh_parcel backing, uint64_t offset, uint64_t size,
                    fh_parcel *out)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.backing = backing;
    desc.memory.backing_offset = offset;
    return fh_buffer_create(c->device, &desc, out);
}

static void what_lies_on_a_backing_is_charged_once(void **state)
{
    const card *c = *state;
    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = MIB(1), .alignment = 65536});
    uint64_t charged = check_info(c, raw).reserved;
    uint64_t driver = card_used(c, FH_ACCOUNT_TOTAL, 0);
    fh_parcel items[4];
    CHECK_OK(on(c, raw, 0, MIB(1), &items[0]));
    CHECK_OK(on(c, raw, 0, KIB(512), &items[1]));
    CHECK_OK(on(c, raw, KIB(512), KIB(512), &items[2]));
    fh_texture_desc texture = {.format = FH_FORMAT_RGBA8_UNORM,
                               .width = 256,
                               .height = 256,
                               .memory = {.backing = raw, .backing_offset = KIB(256)}};
    CHECK_OK(fh_texture_create(c->device, &texture, &items[3]));
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_RAW, charged);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, 0);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_TEXTURE, 0);
    CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, driver);
    CHECK_EQUAL(card_stats(c).parcel_count, 5);
    uint64_t base = check_info(c, raw).offset;
    static const uint64_t offsets[] = {0, 0, KIB(512), KIB(256)};
    for (int i = 0; i < 4; i++) {
        fh_parcel_info info = check_info(c, items[i]);
        CHECK_EQUAL(info.reserved, 0);
        assert_true(info.committed > 0);
        CHECK_EQUAL(info.backing.id, raw.id);
        CHECK_EQUAL(info.offset, base + offsets[i]);
        CHECK_EQUAL(info.type, check_info(c, raw).type);
        assert_false(info.dedicated);
    }
    CHECK_NO_FAULT(card_audit(c));
    for (int i = 0; i < 4; i++) {
        check_release(c, items[i]);
    }
    check_release(c, raw);
}

static void items_share_bytes(void **state)
{
    const card *c = *state;
    fh_raw_desc desc = {.size = 4096, .memory = {.location = FH_LOCATION_UPLOAD}};
    fh_parcel raw = check_raw(c, &desc);
    fh_parcel a;
    fh_parcel b;
    CHECK_OK(on(c, raw, 0, 4096, &a));
    CHECK_OK(on(c, raw, 1024, 512, &b));
    unsigned char *whole;
    unsigned char *of_a;
    unsigned char *of_b;
    CHECK_OK(fh_parcel_map(c->device, raw, (void **)&whole));
    CHECK_OK(fh_parcel_map(c->device, a, (void **)&of_a));
    CHECK_OK(fh_parcel_map(c->device, b, (void **)&of_b));
    assert_ptr_equal(whole, of_a);
    assert_ptr_equal(whole + 1024, of_b);
    check_release(c, a);
    check_release(c, b);
    check_release(c, raw);
}

static void a_backing_lives_as_long_as_its_items(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_raw_desc desc = {.size = MIB(1), .memory = {.location = FH_LOCATION_UPLOAD}};
    fh_parcel raw = check_raw(c, &desc);
    uint64_t charged = check_info(c, raw).reserved;
    fh_parcel items[3];
    for (uint64_t i = 0; i < 3; i++) {
        CHECK_OK(on(c, raw, i * KIB(256), KIB(256), &items[i]));
    }
    check_release(c, raw);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_RAW, charged);
    unsigned char *bytes;
    CHECK_OK(fh_parcel_map(c->device, items[1], (void **)&bytes));
    memset(bytes, 0x3c, KIB(256));
    check_release(c, items[0]);
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_RAW, charged);
    /* The last item still waits for the GPU, and the memory with it. */
    CHECK_OK(fh_parcel_use(c->device, items[2], (fh_epoch){queue, 5}));
    check_release(c, items[2]);
    check_release(c, items[1]);
    CHECK_OK(fh_device_tick(c->device));
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_RAW, charged);
    assert_true(card_stats(c).parcel_count >= 1);
    CHECK_OK(fh_queue_signal(c->device, queue, 5));
    CHECK_OK(fh_device_tick(c->device));
    CHECK_USED(c, FH_ACCOUNT_KIND, FH_KIND_RAW, 0);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

static void wrong_backings_are_refused(void **state)
{
    const card *c = *state;
    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = 8192, .alignment = 4096});
    fh_parcel buffer = check_buffer(c, 8192);
    fh_parcel out;
    CHECK_REFUSED(on(c, buffer, 0, 16, &out), out, FH_ERR_INVALID, "backing");
    CHECK_REFUSED(on(c, raw, 0, 8193, &out), out, FH_ERR_INVALID, "backing");
    CHECK_REFUSED(on(c, raw, 16, 8192, &out), out, FH_ERR_INVALID, "backing");
    CHECK_REFUSED(on(c, raw, 8192, 1, &out), out, FH_ERR_INVALID, "backing");
    CHECK_REFUSED(on(c, raw, UINT64_MAX, 16, &out), out, FH_ERR_INVALID, "backing");
    CHECK_REFUSED(on(c, raw, UINT64_MAX - 15, 16, &out), out, FH_ERR_INVALID, "backing");
    CHECK_REFUSED(on(c, raw, 8, 16, &out), out, FH_ERR_INVALID, "backing"); /* alignment is 16 */
    fh_parcel item;
    CHECK_OK(on(c, raw, 0, 16, &item));
    CHECK_REFUSED(on(c, item, 0, 16, &out), out, FH_ERR_INVALID, "backing");
    fh_raw_desc desc = {.size = 16, .memory = {.backing = raw}};
    CHECK_REFUSED(fh_raw_create(c->device, &desc, &out), out, FH_ERR_INVALID, "backing");
    fh_buffer_desc buffer_desc = card_buffer_desc(16);
    buffer_desc.memory.backing_offset = 16;
    CHECK_REFUSED(fh_buffer_create(c->device, &buffer_desc, &out), out, FH_ERR_INVALID, "backing");
    buffer_desc.memory = (fh_memory_desc){.backing = raw, .mapped = true};
    CHECK_REFUSED(fh_buffer_create(c->device, &buffer_desc, &out), out, FH_ERR_INVALID, "mapped");
    check_release(c, item);
    check_release(c, raw);
    CHECK_REFUSED(on(c, raw, 0, 16, &out), out, FH_ERR_STALE, "");
    check_release(c, buffer);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

/* Memory of a type in which the object cannot lie. */
static void a_backing_of_the_wrong_type_is_refused(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.texture_types = 1U << CARD_LOCAL;
    check_open(&c);
    fh_raw_desc desc = {.size = MIB(1), .memory = {.location = FH_LOCATION_UPLOAD}};
    fh_parcel raw = check_raw(&c, &desc);
    fh_texture_desc texture = {
        .format = FH_FORMAT_R8_UNORM, .width = 16, .height = 16, .memory = {.backing = raw}};
    fh_parcel out = {77};
    fh_result result = fh_texture_create(c.device, &texture, &out);
    assert_true(result == FH_ERR_INVALID || result == FH_ERR_UNSUPPORTED);
    assert_true(out.id == 0 && fh_error_detail()[0] != '\0');
    check_release(&c, raw);
    check_close(&c);
}

static void an_item_that_cannot_be_made_lets_its_backing_go(void **state)
{
    const card *c = *state;
    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = 4096});
    static const fh_backend_call calls[] = {FH_BACKEND_CALL_BUFFER_CREATE, FH_BACKEND_CALL_BIND};
    for (size_t i = 0; i < TEST_COUNT_OF(calls); i++) {
        CHECK_OK(fh_simulated_fault(c->backend, &(fh_fault){.call = calls[i], .nth = 1}));
        fh_parcel out;
        CHECK_REFUSED(on(c, raw, 0, 16, &out), out, FH_ERR_OUT_OF_MEMORY, "");
        CHECK_EQUAL(check_info(c, raw).reference_count, 1);
    }
    check_release(c, raw);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

/* ---- import ---- */

static void host_memory_of_the_program_can_be_used(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.imports = true;
    check_open(&c);
    unsigned char *own = aligned_alloc(65536, 65536);
    memset(own, 0x11, 65536);
    fh_raw_desc desc = {.size = 65536, .import = own, .memory = {.location = FH_LOCATION_UPLOAD}};
    fh_parcel raw = check_raw(&c, &desc);
    assert_true(check_info(&c, raw).dedicated);
    CHECK_USED(&c, FH_ACCOUNT_TOTAL, 0, 0);
    void *pointer;
    CHECK_OK(fh_parcel_map(c.device, raw, &pointer));
    assert_ptr_equal(pointer, own);
    fh_parcel buffer;
    CHECK_OK(on(&c, raw, 4096, 4096, &buffer));
    static const unsigned char text[] = "through the device";
    CHECK_OK(fh_parcel_write(c.device, buffer, 16, text, sizeof text, NULL));
    CHECK_OK(fh_device_wait_idle(c.device, SECOND_NS));
    assert_memory_equal(own + 4096 + 16, text, sizeof text);
    assert_int_equal(own[0], 0x11);
    check_release(&c, raw);
    check_release(&c, buffer);
    CHECK_OK(fh_device_wait_idle(c.device, SECOND_NS));
    assert_int_equal(own[65535], 0x11); /* still the program's */
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_MEMORY_IMPORT), 1);
    check_close(&c);
    free(own);
}

static void imported_memory_is_of_no_pool(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_pool *pool;
    CHECK_OK(fh_pool_create(c.device, &(fh_pool_desc){.location = FH_LOCATION_UPLOAD}, &pool));
    unsigned char *own = aligned_alloc(4096, 4096);
    fh_raw_desc desc = {
        .size = 4096, .import = own, .memory = {.location = FH_LOCATION_UPLOAD, .pool = pool}};
    fh_parcel out;
    CHECK_REFUSED(fh_raw_create(c.device, &desc, &out), out, FH_ERR_INVALID, "pool");
    desc.memory = (fh_memory_desc){.location = FH_LOCATION_UPLOAD, .dedicated = FH_DEDICATED_NEVER};
    CHECK_REFUSED(fh_raw_create(c.device, &desc, &out), out, FH_ERR_INVALID, "dedicated");
    CHECK_OK(fh_pool_destroy(pool));
    free(own);
    check_close(&c);
}

static void a_failed_import_leaves_nothing(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.imports = true;
    check_open(&c);
    unsigned char *own = aligned_alloc(4096, 4096);
    fh_raw_desc desc = {.size = 4096, .import = own, .memory = {.location = FH_LOCATION_UPLOAD}};
    CHECK_OK(fh_simulated_fault(c.backend,
                                &(fh_fault){.call = FH_BACKEND_CALL_MEMORY_IMPORT, .nth = 0}));
    fh_parcel out;
    CHECK_REFUSED(fh_raw_create(c.device, &desc, &out), out, FH_ERR_OUT_OF_MEMORY, "");
    fh_simulated_clear(c.backend);
    CHECK_EQUAL(card_stats(&c).parcel_count, 0);
    /* Memory that the CPU cannot reach cannot be imported. */
    desc.memory.type_mask = 1U << CARD_LOCAL;
    desc.memory.location = FH_LOCATION_DEVICE;
    CHECK_REFUSED(fh_raw_create(c.device, &desc, &out), out, FH_ERR_UNSUPPORTED, "");
    check_close(&c);
    free(own);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(raw_memory_is_memory_without_an_object),
        TEST(raw_memory_can_be_mapped_and_written),
        TEST(many_are_all_or_nothing_under_a_limit),
        TEST(many_are_all_or_nothing_when_memory_ends),
        TEST(many_are_all_or_nothing_when_any_driver_call_fails),
        TEST(what_lies_on_a_backing_is_charged_once),
        TEST(items_share_bytes),
        TEST(a_backing_lives_as_long_as_its_items),
        TEST(wrong_backings_are_refused),
        cmocka_unit_test(a_backing_of_the_wrong_type_is_refused),
        TEST(an_item_that_cannot_be_made_lets_its_backing_go),
        cmocka_unit_test(host_memory_of_the_program_can_be_used),
        cmocka_unit_test(imported_memory_is_of_no_pool),
        cmocka_unit_test(a_failed_import_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
