/* Resizing buffers: content kept, what is new zeroed, what is old retired; accounts at every step;
 * what makes it impossible for the moment, or for good. Others that use the buffer meanwhile, and
 * trouble, are in test_resize_meanwhile.c. */

#include "bytes.h"

/* Fill memory with something, so that zeroes are somebody's doing. */
static void soil(card *c, uint64_t size)
{
    for (size_t where = 0; where < TEST_COUNT_OF(everywhere); where++) {
        fh_parcel buffers[8];
        for (uint64_t i = 0; i < TEST_COUNT_OF(buffers); i++) {
            buffers[i] = check_buffer_at(c, size, everywhere[where]);
            check_write(c, buffers[i], 77, 0, size);
        }
        for (size_t i = 0; i < TEST_COUNT_OF(buffers); i++) {
            check_release(c, buffers[i]);
        }
    }
    CHECK_OK(fh_device_wait_idle(c->device, 5 * SECOND_NS));
    CHECK_OK(fh_device_tick(c->device));
}

/* ---- content ---- */

static void grow_and_shrink(card *c)
{
    static const uint64_t sizes[][2] = {{1, 2},       {3, 9},       {10, 11},          {100, 1001},
                                        {4096, 8192}, {4097, 8190}, {1000, MIB(1) + 3}};
    soil(c, KIB(100));
    for (size_t where = 0; where < TEST_COUNT_OF(everywhere); where++) {
        for (uint64_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
            uint64_t small = sizes[i][0];
            uint64_t large = sizes[i][1];
            fh_parcel buffer = check_buffer_at(c, small, everywhere[where]);
            check_write(c, buffer, i, 0, small);
            check_resize(c, buffer, large);
            check_holds(c, buffer, i, 0, small);
            check_zero(c, buffer, small, large - small);
            /* And again, where it was larger once: zeroes, not what was there. */
            check_write(c, buffer, 90, 0, large);
            check_resize(c, buffer, small);
            check_resize(c, buffer, large);
            check_holds(c, buffer, 90, 0, small);
            check_zero(c, buffer, small, large - small);
            check_resize(c, buffer, 2 * large + 5);
            check_holds(c, buffer, 90, 0, small);
            check_zero(c, buffer, small, 2 * large + 5 - small);
            check_release(c, buffer);
        }
    }
}

static void content_is_kept_and_the_rest_is_zero_on_every_card(void **state)
{
    (void)state;
    on_every_card(grow_and_shrink);
}

static void grow_in_place(card *c)
{
    soil(c, KIB(100));
    for (size_t where = 0; where < TEST_COUNT_OF(everywhere); where++) {
        fh_buffer_desc desc = card_buffer_desc(101);
        desc.capacity = 10001;
        desc.memory.location = everywhere[where];
        fh_parcel buffer = check_make(c, &desc);
        check_write(c, buffer, 1, 0, 101);
        uint64_t objects = card_calls(c, FH_BACKEND_CALL_BUFFER_CREATE);
        uint64_t reserved = check_info(c, buffer).reserved;
        static const uint64_t sizes[] = {102, 103, 107, 1000, 5001, 9999, 10000, 10001};
        for (size_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
            check_resize(c, buffer, sizes[i]);
            check_holds(c, buffer, 1, 0, 101);
            check_zero(c, buffer, 101, sizes[i] - 101);
            CHECK_EQUAL(card_stats(c).committed_bytes -
                            card_account(c, FH_ACCOUNT_KIND, FH_KIND_STAGING).used,
                        sizes[i]);
        }
        /* Staging memory for what is not whole words, but no other object for the buffer. */
        assert_true(card_calls(c, FH_BACKEND_CALL_BUFFER_CREATE) <= objects + 2);
        CHECK_EQUAL(check_info(c, buffer).reserved, reserved);
        CHECK_EQUAL(check_info(c, buffer).capacity, 10001);
        check_resize(c, buffer, 10009);
        check_holds(c, buffer, 1, 0, 101);
        check_zero(c, buffer, 101, 10009 - 101);
        check_release(c, buffer);
    }
}

static void up_to_its_capacity_a_buffer_grows_in_place(void **state)
{
    (void)state;
    on_every_card(grow_in_place);
}

static void the_same_size_changes_nothing(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 100);
    fh_epoch epoch = {4, 4};
    CHECK_OK(fh_buffer_resize(c.device, buffer, 100, &epoch));
    CHECK_EQUAL(epoch.value, 0);
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_SUBMIT), 0);
    check_release(&c, buffer);
    check_close(&c);
}

static void everything_else_stays(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_tag tag;
    CHECK_OK(fh_device_tag(c.device, "mesh", &tag));
    fh_buffer_desc desc = card_buffer_desc(120);
    desc.stride = 12;
    desc.memory.tag = tag;
    desc.memory.user = &c;
    desc.memory.priority = 0.25F;
    desc.memory.name = "growing";
    fh_parcel buffer = check_make(&c, &desc);
    CHECK_OK(fh_parcel_acquire(c.device, buffer));
    fh_view view;
    CHECK_OK(fh_view_make(c.device, buffer, 24, 48, &view));
    check_resize(&c, buffer, 1200);
    fh_parcel_info info = check_info(&c, buffer);
    CHECK_EQUAL(info.tag, tag);
    CHECK_EQUAL(info.stride, 12);
    CHECK_EQUAL(info.reference_count, 2);
    assert_ptr_equal(info.user, &c);
    assert_true(info.priority == 0.25F);
    assert_string_equal(info.name, "growing");
    CHECK_EQUAL(info.usage, desc.usage);
    CHECK_OK(fh_view_check(c.device, &view));
    check_resize(&c, buffer, 60);
    CHECK_RESULT(fh_view_check(c.device, &view), FH_ERR_STALE);
    check_resize(&c, buffer, 72);
    CHECK_OK(fh_view_check(c.device, &view));
    check_release(&c, buffer);
    check_release(&c, buffer);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 24, NULL), FH_ERR_STALE);
    check_close(&c);
}

/* What the description asked for is asked for again. */
static void a_moved_buffer_is_as_it_was_described(void **state)
{
    (void)state;
    card c;
    card_builtin(&c, "discrete-8g");
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(KIB(100));
    desc.memory.required = FH_MEMORY_HOST_VISIBLE | FH_MEMORY_DEVICE_LOCAL;
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    fh_parcel buffer = check_make(&c, &desc);
    uint32_t type = check_info(&c, buffer).type;
    check_resize(&c, buffer, MIB(1));
    CHECK_EQUAL(check_info(&c, buffer).type, type);
    assert_true(check_info(&c, buffer).dedicated);
    check_release(&c, buffer);

    desc.memory = (fh_memory_desc){.type_mask = 1 << 3};
    buffer = check_make(&c, &desc);
    CHECK_EQUAL(check_info(&c, buffer).type, 3);
    check_resize(&c, buffer, MIB(1));
    CHECK_EQUAL(check_info(&c, buffer).type, 3);
    check_release(&c, buffer);
    check_close(&c);
}

/* ---- accounts ---- */

static void both_are_counted_until_the_old_one_is_gone(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    fh_tag tag;
    CHECK_OK(fh_device_tag(c.device, "terrain", &tag));
    fh_buffer_desc desc = card_buffer_desc(KIB(64));
    desc.memory.tag = tag;
    fh_parcel buffer = check_make(&c, &desc);
    CHECK_USED(&c, FH_ACCOUNT_TAG, tag, KIB(64));
    for (uint64_t step = 1; step <= 5; step++) {
        uint64_t before = KIB(64) << (step - 1);
        uint64_t after = KIB(64) << step;
        fh_epoch epoch;
        CHECK_OK(fh_buffer_resize(c.device, buffer, after, &epoch));
        assert_true(epoch.value > 0);
        fh_parcel_info info = check_info(&c, buffer);
        CHECK_EQUAL(info.committed, after);
        CHECK_EQUAL(info.reserved, after);
        CHECK_USED(&c, FH_ACCOUNT_TAG, tag, before + after);
        CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, before + after);
        fh_account_info account = card_account(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER);
        CHECK_EQUAL(account.retiring, before);
        CHECK_EQUAL(card_stats(&c).total.retiring_bytes, before);
        CHECK_EQUAL(card_stats(&c).committed_bytes, after);
        CHECK_NO_FAULT(card_audit(&c));
        CHECK_OK(fh_device_tick(c.device));
        CHECK_USED(&c, FH_ACCOUNT_TAG, tag, before + after);
        CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 1), 1);
        CHECK_OK(fh_device_wait(c.device, epoch, 0));
        CHECK_OK(fh_device_tick(c.device));
        CHECK_USED(&c, FH_ACCOUNT_TAG, tag, after);
        CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, after);
        CHECK_EQUAL(card_stats(&c).total.retiring_bytes, 0);
        CHECK_NO_FAULT(card_audit(&c));
    }
    check_release(&c, buffer);
    check_close(&c);
}

static void accounts_are_right_past_the_expected_maximum(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(1000);
    desc.capacity = 4000;
    fh_parcel buffer = check_make(&c, &desc);
    uint64_t reserved = check_info(&c, buffer).reserved;
    assert_true(reserved >= 4000);
    CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, reserved);
    check_resize(&c, buffer, 4000);
    CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, reserved);
    check_resize(&c, buffer, 4004);
    CHECK_OK(fh_device_wait_idle(c.device, SECOND_NS));
    CHECK_OK(fh_device_tick(c.device));
    CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, check_info(&c, buffer).reserved);
    CHECK_EQUAL(card_stats(&c).committed_bytes, 4004);
    check_resize(&c, buffer, 4);
    CHECK_EQUAL(card_stats(&c).committed_bytes, 4);
    CHECK_NO_FAULT(card_audit(&c));
    check_release(&c, buffer);
    check_close(&c);
}

/* A resize does not escape a limit: old and new count together, and exactly the limit passes. */
static void a_limit_holds_for_resizes(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, KIB(64));
    check_write(&c, buffer, 1, 0, KIB(64));
    check_limit(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, KIB(192) - 1);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, KIB(128), NULL), FH_ERR_BUDGET);
    CHECK_DETAIL_NAMES("buffer");
    CHECK_EQUAL(check_info(&c, buffer).committed, KIB(64));
    CHECK_EQUAL(check_info(&c, buffer).capacity, KIB(64));
    CHECK_USED(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, KIB(64));
    check_limit(&c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, KIB(192));
    check_resize(&c, buffer, KIB(128));
    check_holds(&c, buffer, 1, 0, KIB(64));
    check_release(&c, buffer);
    check_close(&c);
}

static void a_buffer_that_does_not_fit_stays_as_it_was(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, KIB(64));
    check_write(&c, buffer, 1, 0, KIB(64));
    fh_parcel_info before = check_info(&c, buffer);
    fh_epoch epoch = {4, 4};
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, MIB(500), &epoch), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(epoch.value, 0);
    fh_parcel_info after = check_info(&c, buffer);
    CHECK_EQUAL(after.committed, before.committed);
    CHECK_EQUAL(after.reserved, before.reserved);
    CHECK_EQUAL(after.offset, before.offset);
    check_holds(&c, buffer, 1, 0, KIB(64));
    CHECK_NO_FAULT(card_audit(&c));
    check_release(&c, buffer);
    check_close(&c);
}

static void a_buffer_stays_in_its_pool(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    fh_pool *pool;
    CHECK_OK(fh_pool_create(c.device, &(fh_pool_desc){.block_size = MIB(1)}, &pool));
    fh_buffer_desc desc = card_buffer_desc(KIB(100));
    desc.memory.pool = pool;
    fh_parcel buffer = check_make(&c, &desc);
    check_resize(&c, buffer, KIB(300));
    fh_pool_info info;
    CHECK_OK(fh_pool_get(pool, &info));
    CHECK_EQUAL(info.stats.range_bytes, KIB(400));
    check_release(&c, buffer);
    CHECK_RESULT(fh_pool_destroy(pool), FH_ERR_BUSY);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 1), 1);
    CHECK_OK(fh_device_tick(c.device));
    CHECK_OK(fh_pool_destroy(pool));
    check_close(&c);
}

/* ---- the GPU is still at it ---- */

/* A copy out of the old memory is queued when the buffer moves; what takes the old place later must
 * not show in it. */
static void old_memory_is_not_reused_early(void **state)
{
    (void)state;
    enum {
        ROUNDS = 20,
        SIZE = 16 * 1024
    };
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel buffers[ROUNDS];
    fh_parcel results[ROUNDS];
    fh_parcel others[ROUNDS];
    for (uint64_t i = 0; i < ROUNDS; i++) {
        buffers[i] = check_upload(&c, SIZE);
        results[i] = check_buffer_at(&c, SIZE, FH_LOCATION_READBACK);
        check_write(&c, buffers[i], i, 0, SIZE);
        fh_copy copy = {.src = buffers[i], .dst = results[i], .size = SIZE};
        CHECK_OK(fh_device_copy(c.device, &copy, 1, NULL));
        CHECK_OK(fh_buffer_resize(c.device, buffers[i], UINT64_C(2) * SIZE, NULL));
        CHECK_OK(fh_device_tick(c.device));
        others[i] = check_upload(&c, SIZE);
        check_write(&c, others[i], 1000 + i, 0, SIZE);
    }
    CHECK_EQUAL(card_stats(&c).retiring_count, ROUNDS);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 2 * ROUNDS), 2 * ROUNDS);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        check_holds(&c, results[i], i, 0, SIZE);
        check_holds(&c, others[i], 1000 + i, 0, SIZE);
        check_holds(&c, buffers[i], i, 0, SIZE);
        check_zero(&c, buffers[i], SIZE, SIZE);
        check_release(&c, buffers[i]);
        check_release(&c, results[i]);
        check_release(&c, others[i]);
    }
    check_close(&c);
}

/* A copy reads what a shrink cut off, and what a growth then zeroes: it still sees the old
 * bytes. */
static void zeroes_wait_for_the_copies_before_them(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel buffer = check_upload(&c, 1000);
    fh_parcel result = check_buffer_at(&c, 1000, FH_LOCATION_READBACK);
    check_write(&c, buffer, 1, 0, 1000);
    fh_copy copy = {.src = buffer, .dst = result, .size = 1000};
    CHECK_OK(fh_device_copy(c.device, &copy, 1, NULL));
    check_resize(&c, buffer, 501);
    fh_epoch epoch;
    CHECK_OK(fh_buffer_resize(c.device, buffer, 1000, &epoch));
    assert_true(epoch.value > 0);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 9), 2);
    check_holds(&c, result, 1, 0, 1000);
    check_holds(&c, buffer, 1, 0, 501);
    check_zero(&c, buffer, 501, 499);
    check_release(&c, buffer);
    check_release(&c, result);
    check_close(&c);
}

/* Resized again and again before anything has happened; released at once. */
static void resizes_can_follow_each_other(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 100);
    check_write(&c, buffer, 1, 0, 100);
    for (uint64_t size = 200; size <= 100 << 10; size *= 2) {
        CHECK_OK(fh_buffer_resize(c.device, buffer, size, NULL));
    }
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 11), 11);
    fh_parcel copy = check_buffer_at(&c, 100 << 10, FH_LOCATION_READBACK);
    fh_copy all = {.src = buffer, .dst = copy, .size = 100 << 10};
    CHECK_OK(fh_device_copy(c.device, &all, 1, NULL));
    check_release(&c, buffer);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 1), 1);
    check_holds(&c, copy, 1, 0, 100);
    check_zero(&c, copy, 100, (100 << 10) - 100);
    check_release(&c, copy);
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_stats(&c).retiring_count, 0);
    check_close(&c);
}

/* ---- what is refused ---- */

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(120);
    desc.stride = 12;
    fh_parcel buffer = check_make(&c, &desc);
    fh_parcel raw = check_raw(&c, &(fh_raw_desc){.size = 64});
    fh_epoch epoch = {4, 4};
    CHECK_RESULT(fh_buffer_resize(NULL, buffer, 24, &epoch), FH_ERR_INVALID);
    CHECK_EQUAL(epoch.value, 0);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 0, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("size");
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 121, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("stride");
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, UINT64_MAX / 12 * 12, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_buffer_resize(c.device, raw, 128, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("not a buffer");
    CHECK_RESULT(fh_buffer_resize(c.device, (fh_parcel){0}, 128, NULL), FH_ERR_STALE);
    /* A failure leaves it free for the next. */
    check_resize(&c, buffer, 240);
    check_release(&c, buffer);
    check_release(&c, raw);
    check_close(&c);
}

static void what_cannot_move_says_so(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_buffer_desc desc = {.size = 64, .usage = FH_USAGE_STORAGE | FH_USAGE_COPY_DST};
    fh_parcel buffer = check_make(&c, &desc);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 65, NULL), FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("FH_USAGE_COPY");
    check_resize(&c, buffer, 32);
    check_resize(&c, buffer, 64);
    check_release(&c, buffer);

    desc.usage = FH_USAGE_STORAGE;
    desc.capacity = 128;
    buffer = check_make(&c, &desc);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 65, NULL), FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("FH_USAGE_COPY_DST");
    check_release(&c, buffer);

    fh_parcel raw = check_raw(&c, &(fh_raw_desc){.size = KIB(4)});
    desc = card_buffer_desc(64);
    desc.capacity = 128;
    desc.memory.backing = raw;
    buffer = check_make(&c, &desc);
    check_resize(&c, buffer, 128);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 129, NULL), FH_ERR_UNSUPPORTED);
    CHECK_DETAIL_NAMES("backing");
    check_release(&c, buffer);
    check_release(&c, raw);
    check_close(&c);
}

static void host_visible_buffers_move_without_copy_usage(void **state)
{
    (void)state;
    card c;
    card_split(&c);
    check_open(&c);
    fh_buffer_desc desc = {.size = 101, .usage = FH_USAGE_STORAGE};
    desc.memory.location = FH_LOCATION_UPLOAD;
    fh_parcel buffer = check_make(&c, &desc);
    check_write(&c, buffer, 1, 0, 101);
    check_resize(&c, buffer, 1003);
    check_holds(&c, buffer, 1, 0, 101);
    check_zero(&c, buffer, 101, 1003 - 101);
    CHECK_EQUAL(card_calls(&c, FH_BACKEND_CALL_SUBMIT), 0);
    CHECK_EQUAL(card_stats(&c).retiring_count, 0);
    uint32_t queue = check_queue(&c);
    CHECK_OK(fh_parcel_use(c.device, buffer, (fh_epoch){queue, 1}));
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 5000, NULL), FH_ERR_BUSY);
    CHECK_OK(fh_queue_signal(c.device, queue, 1));
    check_resize(&c, buffer, 5000);
    check_holds(&c, buffer, 1, 0, 101);
    check_release(&c, buffer);
    check_close(&c);
}

static void a_mapped_buffer_does_not_move(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(64);
    desc.capacity = 128;
    desc.memory.location = FH_LOCATION_UPLOAD;
    fh_parcel buffer = check_make(&c, &desc);
    void *pointer;
    void *again;
    CHECK_OK(fh_parcel_map(c.device, buffer, &pointer));
    check_resize(&c, buffer, 128);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 256, NULL), FH_ERR_BUSY);
    CHECK_DETAIL_NAMES("mapped");
    CHECK_OK(fh_parcel_map(c.device, buffer, &again));
    assert_ptr_equal(pointer, again);
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    CHECK_OK(fh_parcel_unmap(c.device, buffer));
    check_resize(&c, buffer, 256);
    check_release(&c, buffer);
    desc.memory.mapped = true;
    buffer = check_make(&c, &desc);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 256, NULL), FH_ERR_BUSY);
    check_release(&c, buffer);
    check_close(&c);
}

static void a_buffer_in_use_by_the_program_does_not_move(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_buffer_desc desc = card_buffer_desc(64);
    desc.capacity = 128;
    fh_parcel buffer = check_make(&c, &desc);
    uint32_t queue = check_queue(&c);
    check_write(&c, buffer, 1, 0, 64);
    CHECK_OK(fh_parcel_use(c.device, buffer, (fh_epoch){queue, 7}));
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 200, NULL), FH_ERR_BUSY);
    CHECK_DETAIL_NAMES("queue 2");
    /* Where it never was, no queue can be. */
    check_resize(&c, buffer, 128);
    check_resize(&c, buffer, 32);
    /* There it was. */
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 128, NULL), FH_ERR_BUSY);
    CHECK_OK(fh_queue_signal(c.device, queue, 7));
    check_resize(&c, buffer, 128);
    check_resize(&c, buffer, 200);
    check_holds(&c, buffer, 1, 0, 32);
    check_zero(&c, buffer, 32, 168);
    check_release(&c, buffer);
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_is_kept_and_the_rest_is_zero_on_every_card),
        cmocka_unit_test(up_to_its_capacity_a_buffer_grows_in_place),
        cmocka_unit_test(the_same_size_changes_nothing),
        cmocka_unit_test(everything_else_stays),
        cmocka_unit_test(a_moved_buffer_is_as_it_was_described),
        cmocka_unit_test(both_are_counted_until_the_old_one_is_gone),
        cmocka_unit_test(accounts_are_right_past_the_expected_maximum),
        cmocka_unit_test(a_limit_holds_for_resizes),
        cmocka_unit_test(a_buffer_that_does_not_fit_stays_as_it_was),
        cmocka_unit_test(a_buffer_stays_in_its_pool),
        cmocka_unit_test(old_memory_is_not_reused_early),
        cmocka_unit_test(zeroes_wait_for_the_copies_before_them),
        cmocka_unit_test(resizes_can_follow_each_other),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(what_cannot_move_says_so),
        cmocka_unit_test(host_visible_buffers_move_without_copy_usage),
        cmocka_unit_test(a_mapped_buffer_does_not_move),
        cmocka_unit_test(a_buffer_in_use_by_the_program_does_not_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
