/* Margins: what is written behind a parcel's end is found, on demand and when the parcel is freed,
 * and told by name; what is not, is not. */

#include "bytes.h"

#include "device/core.h"

static void open_with_margin(card *c, void (*prepare)(card *), uint64_t margin)
{
    prepare(c);
    c->desc.margin = margin;
    check_open(c);
}

static uint32_t check_damage(const card *c)
{
    uint32_t damaged = 77;
    CHECK_OK(fh_device_check(c->device, &damaged));
    return damaged;
}

static fh_parcel named_upload(const card *c, uint64_t size, const char *name)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.location = FH_LOCATION_UPLOAD;
    desc.memory.name = name;
    return check_make(c, &desc);
}

static void a_device_without_margins_says_so(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    uint32_t damaged = 77;
    CHECK_RESULT(fh_device_check(c.device, &damaged), FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("margins");
    CHECK_EQUAL(damaged, 0);
    damaged = 77;
    CHECK_RESULT(fh_device_check(NULL, &damaged), FH_ERR_INVALID);
    CHECK_EQUAL(damaged, 0);
    check_close(&c);
}

static void margins_are_reserved_and_not_committed(void **state)
{
    (void)state;
    card c;
    open_with_margin(&c, card_small, 20); /* rounded up to 32 */
    fh_parcel buffer = check_upload(&c, 128);
    CHECK_EQUAL(check_info(&c, buffer).committed, 128);
    CHECK_EQUAL(check_info(&c, buffer).reserved, 160);
    CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, 160);
    CHECK_OK(fh_device_check(c.device, NULL));
    check_release(&c, buffer);
    check_close(&c);
}

/* Whoever stays inside is not accused: every byte of every parcel is written, in every way. */
static void nobody_is_accused(card *c)
{
    fh_parcel buffers[40];
    for (uint64_t i = 0; i < TEST_COUNT_OF(buffers); i++) {
        fh_location where = (fh_location)(i % FH_LOCATION_COUNT);
        buffers[i] = check_buffer_at(c, 1 + 37 * i, where);
        check_write(c, buffers[i], i, 0, 1 + 37 * i);
    }
    CHECK_EQUAL(check_damage(c), 0);
    for (uint64_t i = 0; i < TEST_COUNT_OF(buffers); i += 2) {
        CHECK_OK(fh_buffer_resize(c->device, buffers[i], 1 + 100 * i, NULL));
        check_write(c, buffers[i], i, 0, 1 + (i < 1 ? 0 : 100 * i));
    }
    for (uint64_t i = 0; i < TEST_COUNT_OF(buffers); i += 3) {
        fh_copy copy = {.src = buffers[i], .dst = buffers[i + 1 < 40 ? i + 1 : 0], .size = 1};
        CHECK_OK(fh_device_copy(c->device, &copy, 1, NULL));
    }
    CHECK_OK(fh_device_wait_idle(c->device, 5 * SECOND_NS));
    CHECK_EQUAL(check_damage(c), 0);
    for (uint64_t i = 0; i < TEST_COUNT_OF(buffers); i++) {
        check_release(c, buffers[i]);
    }
    CHECK_OK(fh_device_tick(c->device));
    CHECK_EQUAL(atomic_load(&c->complaints), 0);
}

static void who_stays_inside_is_not_accused(void **state)
{
    (void)state;
    void (*const prepare[])(card *) = {card_small, card_split, card_split_only};
    for (size_t i = 0; i < TEST_COUNT_OF(prepare); i++) {
        card c;
        open_with_margin(&c, prepare[i], 16);
        nobody_is_accused(&c);
        check_close(&c);
    }
    card c;
    card_builtin(&c, "mobile-4g");
    c.desc.margin = 64;
    check_open(&c);
    nobody_is_accused(&c);
    check_close(&c);
}

static void a_write_past_the_end_is_found_on_demand(void **state)
{
    (void)state;
    void (*const prepare[])(card *) = {card_small, card_split};
    static const uint64_t places[] = {0, 15, 16, 31};
    for (size_t i = 0; i < TEST_COUNT_OF(prepare); i++) {
        for (size_t place = 0; place < TEST_COUNT_OF(places); place++) {
            card c;
            open_with_margin(&c, prepare[i], 32);
            fh_parcel whole = named_upload(&c, 100, "whole");
            fh_parcel hurt = named_upload(&c, 100, "overrun");
            unsigned char *pointer;
            CHECK_OK(fh_parcel_map(c.device, hurt, (void **)&pointer));
            memset(pointer, 1, 100);
            CHECK_EQUAL(check_damage(&c), 0);
            uint64_t end = check_info(&c, hurt).reserved - 32;
            pointer[end + places[place]] ^= 1;
            CHECK_EQUAL(check_damage(&c), 1);
            CHECK_EQUAL(atomic_load(&c.complaints), 1);
            assert_non_null(strstr(c.complaint, "\"overrun\""));
            assert_non_null(strstr(c.complaint, "100 B"));
            /* It stays damaged, and what was written inside stays, too. */
            CHECK_EQUAL(check_damage(&c), 1);
            for (int b = 0; b < 100; b++) {
                assert_int_equal(pointer[b], 1);
            }
            CHECK_OK(fh_parcel_unmap(c.device, hurt));
            check_release(&c, hurt);
            check_release(&c, whole);
            check_close(&c);
        }
    }
}

static void a_write_past_the_end_is_found_when_it_is_freed(void **state)
{
    (void)state;
    card c;
    open_with_margin(&c, card_small, 16);
    fh_parcel buffer = named_upload(&c, 64, "freed late");
    unsigned char *pointer;
    CHECK_OK(fh_parcel_map(c.device, buffer, (void **)&pointer));
    pointer[64 + 3] = 0;
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    CHECK_EQUAL(atomic_load(&c.complaints), 0);
    check_release(&c, buffer);
    CHECK_EQUAL(atomic_load(&c.complaints), 1);
    assert_non_null(strstr(c.complaint, "\"freed late\""));
    /* The next parcel there has a margin of its own. */
    buffer = named_upload(&c, 64, "next");
    CHECK_EQUAL(check_damage(&c), 0);
    check_release(&c, buffer);
    CHECK_EQUAL(atomic_load(&c.complaints), 1);
    check_close(&c);
}

/* Have the GPU write a word into a parcel's memory, at an offset from its beginning that Freehold
 * would not allow: the backend is asked itself. */
static void write_by_gpu(const card *c, fh_parcel parcel, uint64_t offset)
{
    const fh_backend_ops *ops = fh_backend_find("host");
    const fhi_core *core = c->device->core;
    const fhi_backing *backing = &fhi_record_at(core, fhi_parcel_slot(parcel))->backing;
    const fh_buffer_desc desc = {.size = offset + 4, .usage = FH_USAGE_COPY};
    _Alignas(16) unsigned char object[256] = {0};
    fh_requirements needs;
    uint64_t value;
    CHECK_OK(ops->buffer_create(c->backend, &desc, desc.size, object, &needs));
    CHECK_OK(ops->bind(c->backend, object, backing->memory->backend, backing->offset));
    const fh_backend_copy fill = {
        .kind = FH_COPY_FILL, .dst = object, .dst_offset = offset, .size = 4, .fill = 0};
    CHECK_OK(ops->submit(c->backend, 0, &fill, 1, NULL, 0, &value));
    CHECK_OK(ops->wait(c->backend, 0, value, SECOND_NS));
    ops->object_destroy(c->backend, object);
}

/* In memory that is not coherent, where the CPU does not see it by itself. */
static void what_the_gpu_wrote_is_found(void **state)
{
    (void)state;
    card c;
    open_with_margin(&c, card_split, 512);
    fh_parcel buffer = named_upload(&c, 1000, "overrun by the GPU");
    fh_parcel mapped = named_upload(&c, 1000, "mapped");
    void *pointer;
    CHECK_OK(fh_parcel_map(c.device, mapped, &pointer));
    memset(pointer, 5, 1000); /* not flushed: a check must not take it back */
    CHECK_EQUAL(check_damage(&c), 0);
    write_by_gpu(&c, buffer, 1000);
    CHECK_EQUAL(check_damage(&c), 1);
    /* Of what is mapped, whole atoms. */
    write_by_gpu(&c, mapped, 1024 + 252);
    CHECK_EQUAL(check_damage(&c), 2);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(((unsigned char *)pointer)[i], 5);
    }
    CHECK_OK(fh_parcel_unmap(c.device, mapped));
    check_release(&c, buffer);
    check_release(&c, mapped);
    CHECK_EQUAL(atomic_load(&c.complaints), 5);

    /* And when it is freed, all of it. */
    mapped = named_upload(&c, 1000, "freed");
    CHECK_OK(fh_parcel_map(c.device, mapped, &pointer));
    write_by_gpu(&c, mapped, 1000);
    CHECK_EQUAL(check_damage(&c), 0);
    check_release(&c, mapped);
    CHECK_EQUAL(atomic_load(&c.complaints), 6);
    assert_non_null(strstr(c.complaint, "\"freed\""));
    check_close(&c);
}

/* Memory that the CPU does not see has room for a margin, but nobody looks. */
static void memory_out_of_sight_is_left_alone(void **state)
{
    (void)state;
    card c;
    open_with_margin(&c, card_small, 16);
    fh_parcel local = check_buffer(&c, 64);
    CHECK_EQUAL(check_info(&c, local).reserved, 80);
    CHECK_EQUAL(check_damage(&c), 0);
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_MEMORY_MAP), 0);
    check_release(&c, local);
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_MEMORY_MAP), 0);
    CHECK_EQUAL(atomic_load(&c.complaints), 0);
    check_close(&c);
}

static void external_and_imported_memory_have_no_margin(void **state)
{
    (void)state;
    static _Alignas(4096) unsigned char room[4096];
    card c;
    open_with_margin(&c, card_small, 16);
    c.imports = true;
    fh_parcel external;
    CHECK_OK(fh_external_create(c.device, &(fh_external_desc){.size = 64}, &external));
    fh_parcel raw = check_raw(&c, &(fh_raw_desc){.size = sizeof room, .import = room});
    CHECK_EQUAL(check_info(&c, external).reserved, 64);
    CHECK_EQUAL(check_info(&c, raw).reserved, sizeof room);
    memset(room, 0xff, sizeof room);
    CHECK_EQUAL(check_damage(&c), 0);
    check_release(&c, external);
    check_release(&c, raw);
    CHECK_EQUAL(atomic_load(&c.complaints), 0);
    check_close(&c);
}

/* Moved by a resize, the margin is behind the new memory, and the old one's is looked at once
 * more. */
static void a_resized_buffer_keeps_its_margin(void **state)
{
    (void)state;
    card c;
    open_with_margin(&c, card_small, 16);
    fh_parcel buffer = named_upload(&c, 64, "grown");
    CHECK_OK(fh_buffer_resize(c.device, buffer, 4096, NULL));
    CHECK_OK(fh_device_wait_idle(c.device, SECOND_NS));
    CHECK_EQUAL(check_info(&c, buffer).reserved, 4112);
    CHECK_EQUAL(check_damage(&c), 0);
    CHECK_EQUAL(atomic_load(&c.complaints), 0);
    unsigned char *pointer;
    CHECK_OK(fh_parcel_map(c.device, buffer, (void **)&pointer));
    pointer[4096] ^= 0x10;
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    CHECK_EQUAL(check_damage(&c), 1);
    check_release(&c, buffer);
    check_close(&c);
}

static void many_are_checked_at_once(void **state)
{
    (void)state;
    enum {
        COUNT = 3000
    };
    static fh_parcel buffers[COUNT];
    card c;
    open_with_margin(&c, card_small, 16);
    for (size_t i = 0; i < COUNT; i++) {
        buffers[i] = check_upload(&c, 64);
    }
    for (size_t i = 0; i < COUNT; i += 10) {
        unsigned char *pointer;
        CHECK_OK(fh_parcel_map(c.device, buffers[i], (void **)&pointer));
        pointer[64 + 15] = 0;
        CHECK_OK(fh_parcel_unmap(c.device, buffers[i]));
    }
    CHECK_EQUAL(check_damage(&c), COUNT / 10);
    CHECK_EQUAL(atomic_load(&c.complaints), COUNT / 10);
    for (size_t i = 0; i < COUNT; i++) {
        check_release(&c, buffers[i]);
    }
    CHECK_EQUAL(atomic_load(&c.complaints), COUNT / 5);
    check_close(&c);
}

/* ---- trouble ---- */

static bool make_and_check(card *c)
{
    fh_buffer_desc desc = card_buffer_desc(100);
    fh_parcel buffer;
    desc.memory.location = FH_LOCATION_UPLOAD;
    if (fh_buffer_create(c->device, &desc, &buffer) != FH_OK) {
        return false;
    }
    uint32_t damaged;
    bool done = fh_device_check(c->device, &damaged) == FH_OK;
    assert_int_equal(damaged, 0);
    fh_parcel_release(c->device, buffer);
    return done;
}

static void split_with_margin(card *c)
{
    card_split(c);
    c->desc.margin = 16;
}

static void every_call_can_fail(void **state)
{
    (void)state;
    fail_every_call(split_with_margin, make_and_check, (fh_fault){.result = FH_ERR_OUT_OF_MEMORY});
    fail_every_call(split_with_margin, make_and_check, (fh_fault){.kind = FH_FAULT_LOSE});
    fail_every_host_alloc(split_with_margin, make_and_check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_without_margins_says_so),
        cmocka_unit_test(margins_are_reserved_and_not_committed),
        cmocka_unit_test(who_stays_inside_is_not_accused),
        cmocka_unit_test(a_write_past_the_end_is_found_on_demand),
        cmocka_unit_test(a_write_past_the_end_is_found_when_it_is_freed),
        cmocka_unit_test(what_the_gpu_wrote_is_found),
        cmocka_unit_test(memory_out_of_sight_is_left_alone),
        cmocka_unit_test(external_and_imported_memory_have_no_margin),
        cmocka_unit_test(a_resized_buffer_keeps_its_margin),
        cmocka_unit_test(many_are_checked_at_once),
        cmocka_unit_test(every_call_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
