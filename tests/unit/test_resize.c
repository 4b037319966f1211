/* Resizing buffers: content kept, what is new zeroed, what is old retired; accounts at every step; what
 * makes it impossible for the moment, or for good; and others that use the buffer meanwhile. */

#include "bytes.h"

#include <pthread.h>
#include <sched.h>

static const fh_location everywhere[] = {FH_LOCATION_DEVICE, FH_LOCATION_UPLOAD,
                                         FH_LOCATION_READBACK, FH_LOCATION_DEVICE_UPLOAD};

static void check_resize(const card *c, fh_parcel buffer, uint64_t size)
{
    fh_result result = fh_buffer_resize(c->device, buffer, size, NULL);
    if (result != FH_OK) {
        fail_msg("to %llu: %s: %s", (unsigned long long)size, fh_result_name(result),
                 fh_error_detail());
    }
    CHECK_EQUAL(check_info(c, buffer).committed, size);
}

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
    static const uint64_t sizes[][2] = {
        {1, 2},       {3, 9},       {10, 11},          {100, 1001},
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

/* A copy out of the old memory is queued when the buffer moves; what takes the old place later must not
 * show in it. */
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

/* A copy reads what a shrink cut off, and what a growth then zeroes: it still sees the old bytes. */
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

typedef struct resizer {
    pthread_t thread;
    const card *c;
    fh_parcel buffer;
    fh_result result;
} resizer;

static void *start_resizer(void *argument)
{
    resizer *r = argument;
    r->result = fh_buffer_resize(r->c->device, r->buffer, MIB(20), NULL);
    return NULL;
}

/* One resize waits for the driver: another is refused, everything else goes on. */
static void a_second_resize_is_busy(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    resizer r = {.c = &c, .buffer = check_upload(&c, 1000)};
    check_write(&c, r.buffer, 1, 0, 1000);
    CHECK_OK(fh_simulated_fault(c.backend, &(fh_fault){.kind = FH_FAULT_STALL,
                                                       .call = FH_BACKEND_CALL_MEMORY_ALLOC,
                                                       .nth = 1}));
    uint64_t calls = card_calls(&c, FH_BACKEND_CALL_MEMORY_ALLOC);
    assert_int_equal(pthread_create(&r.thread, NULL, start_resizer, &r), 0);
    while (card_calls(&c, FH_BACKEND_CALL_MEMORY_ALLOC) == calls) {
        sched_yield();
    }
    CHECK_RESULT(fh_buffer_resize(c.device, r.buffer, 2000, NULL), FH_ERR_BUSY);
    CHECK_DETAIL_NAMES("another resize");
    CHECK_RESULT(fh_buffer_resize(c.device, r.buffer, 10, NULL), FH_ERR_BUSY);
    check_write(&c, r.buffer, 2, 0, 1000);
    check_holds(&c, r.buffer, 2, 0, 1000);
    void *pointer;
    CHECK_OK(fh_parcel_map(c.device, r.buffer, &pointer));
    CHECK_OK(fh_parcel_unmap(c.device, r.buffer));
    while (fh_simulated_resume(c.backend) == 0) {
        sched_yield();
    }
    assert_int_equal(pthread_join(r.thread, NULL), 0);
    CHECK_OK(r.result);
    check_holds(&c, r.buffer, 2, 0, 1000);
    check_zero(&c, r.buffer, 1000, 5000);
    check_release(&c, r.buffer);
    check_close(&c);
}

/* ---- who is told ---- */

typedef struct told {
    uint32_t resized, freed, retired, notified;
    uint64_t bytes, bytes_before;
    fh_parcel_bytes before, after;
    fh_parcel buffer; /* mapped in the middle of its own resize */
    uint32_t mapped;
} told;

static void observe(void *context, fh_device *device, const fh_event *event)
{
    told *t = context;
    void *pointer;
    switch (event->kind) {
    case FH_EVENT_PARCEL_RESIZED:
        t->resized++;
        t->bytes = event->bytes;
        t->bytes_before = event->bytes_before;
        break;
    case FH_EVENT_PARCEL_FREED:
        t->freed++;
        break;
    case FH_EVENT_PARCEL_RETIRED:
        t->retired++;
        break;
    default: /* memory, or the loss of the device */
        if (t->buffer.id != 0 && fh_parcel_map(device, t->buffer, &pointer) == FH_OK) {
            t->mapped++;
            fh_parcel_unmap(device, t->buffer);
        }
        break;
    }
}

static void notify_resized(void *context, fh_parcel_bytes before, fh_parcel_bytes after,
                           fh_kind kind)
{
    told *t = context;
    t->notified++;
    t->before = before;
    t->after = after;
    assert_int_equal(kind, FH_KIND_BUFFER);
}

static void observers_and_the_maker_are_told_once(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    told t = {0};
    uint32_t id;
    CHECK_OK(fh_device_observe(c.device,
                               FH_EVENT_PARCEL_RESIZED | FH_EVENT_PARCEL_FREED |
                                   FH_EVENT_PARCEL_RETIRED,
                               observe, &t, &id));
    fh_device *alias;
    const fh_allocator_ops ops = {.name = "told", .notify_resized = notify_resized};
    CHECK_OK(fh_device_with_allocator(c.device, &ops, &t, &alias));
    fh_buffer_desc desc = card_buffer_desc(64);
    desc.capacity = 128;
    fh_parcel buffer;
    CHECK_OK(fh_buffer_create(alias, &desc, &buffer));
    CHECK_EQUAL(fh_device_allocated_bytes(alias), 128);
    check_resize(&c, buffer, 100);
    CHECK_EQUAL(t.resized, 1);
    CHECK_EQUAL(t.bytes, 100);
    CHECK_EQUAL(t.bytes_before, 64);
    CHECK_EQUAL(t.notified, 1);
    CHECK_EQUAL(t.before.committed, 64);
    CHECK_EQUAL(t.before.reserved, 128);
    CHECK_EQUAL(t.after.committed, 100);
    CHECK_EQUAL(t.after.reserved, 128);
    check_resize(&c, buffer, 4096);
    CHECK_EQUAL(t.notified, 2);
    CHECK_EQUAL(t.after.committed, 4096);
    CHECK_EQUAL(t.after.reserved, 4096);
    CHECK_EQUAL(fh_device_allocated_bytes(alias), 4096);
    check_resize(&c, buffer, 4096);
    CHECK_EQUAL(t.notified, 2);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, MIB(500), NULL), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(t.notified, 2);
    CHECK_EQUAL(t.resized, 2);
    CHECK_OK(fh_device_wait_idle(c.device, SECOND_NS));
    CHECK_OK(fh_device_tick(c.device));
    /* What a resize leaves behind is shown to nobody. */
    CHECK_EQUAL(t.freed, 0);
    CHECK_EQUAL(t.retired, 0);
    check_release(&c, buffer);
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(t.freed, 1);
    CHECK_OK(fh_device_unobserve(c.device, id));
    fh_device_destroy(alias);
    check_close(&c);
}

/* An observer uses the buffer in the middle of its resize, on the same thread. */
static void an_observer_may_map_what_is_being_resized(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    told t = {0};
    uint32_t id;
    CHECK_OK(fh_device_observe(c.device, FH_EVENT_MEMORY_ALLOCATED | FH_EVENT_DEVICE_LOST, observe,
                               &t, &id));
    fh_parcel buffer = check_upload(&c, 1000);
    check_write(&c, buffer, 1, 0, 1000);
    t.buffer = buffer;
    check_resize(&c, buffer, MIB(9));
    assert_true(t.mapped > 0);
    check_holds(&c, buffer, 1, 0, 1000);
    CHECK_OK(fh_simulated_fault(
        c.backend,
        &(fh_fault){.kind = FH_FAULT_LOSE, .call = FH_BACKEND_CALL_SUBMIT, .nth = 1}));
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, MIB(10), NULL), FH_ERR_DEVICE_LOST);
    assert_true(fh_device_is_lost(c.device));
    CHECK_EQUAL(check_info(&c, buffer).committed, MIB(9));
    CHECK_OK(fh_device_unobserve(c.device, id));
    check_release(&c, buffer);
    check_close(&c);
}

static bool count_parcels(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    (void)parcel;
    (*(uint32_t *)context) += info->kind == FH_KIND_BUFFER;
    return true;
}

static void what_is_left_behind_is_shown_to_nobody(void **state)
{
    (void)state;
    card c;
    card_manual(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 64);
    check_resize(&c, buffer, 4096);
    check_resize(&c, buffer, 8192);
    uint32_t count = 0;
    CHECK_OK(fh_device_visit(c.device, count_parcels, &count));
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(card_stats(&c).retiring_count, 2);
    fh_simulated_advance(c.backend, 0, 2);
    check_release(&c, buffer);
    check_close(&c);
}

/* ---- trouble ---- */

static bool resize_all_ways(card *c)
{
    static const fh_location where[] = {FH_LOCATION_DEVICE, FH_LOCATION_UPLOAD};
    bool done = true;
    for (size_t i = 0; i < TEST_COUNT_OF(where) && done; i++) {
        fh_buffer_desc desc = card_buffer_desc(101);
        fh_parcel buffer;
        desc.capacity = 203;
        desc.memory.location = where[i];
        desc.memory.name = "resized";
        if (fh_buffer_create(c->device, &desc, &buffer) != FH_OK) {
            return false;
        }
        static const uint64_t sizes[] = {203, 90, 150, 1000, MIB(3), 7, 500};
        uint64_t size = 101;
        uint64_t kept = 101;
        unsigned char bytes[500];
        for (uint64_t b = 0; b < sizeof bytes; b++) {
            bytes[b] = bytes_at(5, b);
        }
        done = fh_parcel_write(c->device, buffer, 0, bytes, 101, NULL) == FH_OK;
        bool written = done;
        for (size_t s = 0; s < TEST_COUNT_OF(sizes) && done; s++) {
            fh_parcel_info before;
            fh_parcel_info after;
            fh_parcel_get(c->device, buffer, &before);
            done = fh_buffer_resize(c->device, buffer, sizes[s], NULL) == FH_OK;
            fh_parcel_get(c->device, buffer, &after);
            if (done) {
                size = sizes[s];
                kept = size < kept ? size : kept;
            } else {
                assert_true(before.committed == after.committed);
                assert_true(before.reserved == after.reserved);
                assert_true(before.type == after.type && before.offset == after.offset);
                assert_true(before.capacity == after.capacity);
            }
        }
        /* Whatever failed, the content is right. */
        if (written && !fh_device_is_lost(c->device)) {
            uint64_t length = size < sizeof bytes ? size : sizeof bytes;
            fh_simulated_clear(c->backend);
            if (fh_parcel_read(c->device, buffer, 0, bytes, length, 5 * SECOND_NS) == FH_OK) {
                assert_null(bytes_compare(bytes, 5, 0, kept));
                for (uint64_t b = kept; b < length; b++) {
                    assert_int_equal(bytes[b], 0);
                }
            } else {
                done = false;
            }
        }
        fh_parcel_release(c->device, buffer);
    }
    return done;
}

static void late(card *c)
{
    card_split(c);
    c->profile.copy_latency_ns = 20000;
    c->desc.margin = 16;
}

static void every_call_can_fail(void **state)
{
    (void)state;
    fail_every_call(late, resize_all_ways, (fh_fault){.result = FH_ERR_OUT_OF_MEMORY});
    fail_every_call(late, resize_all_ways, (fh_fault){.kind = FH_FAULT_LOSE});
}

static void every_host_allocation_can_fail(void **state)
{
    (void)state;
    fail_every_host_alloc(late, resize_all_ways);
}

static void a_lost_device_resizes_nothing(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 64);
    CHECK_OK(fh_simulated_fault(c.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 4096, NULL), FH_ERR_DEVICE_LOST);
    CHECK_RESULT(fh_buffer_resize(c.device, buffer, 32, NULL), FH_ERR_DEVICE_LOST);
    CHECK_EQUAL(check_info(&c, buffer).committed, 64);
    check_release(&c, buffer);
    check_close(&c);
}

/* ---- many ---- */

/* Random buffers that are made, written, resized and released, with copies under way: slots, objects and
 * memory change places all the time. */
static void random_resizes(card *c)
{
    enum {
        COUNT = 40
    };
    struct {
        fh_parcel buffer;
        uint64_t size, kept, seed; /* `kept` bytes of the data, then zeroes */
    } all[COUNT] = {{{0}, 0, 0, 0}};
    test_rng rng = {test_seed()};
    uint64_t operations = test_operations(1500);
    for (uint64_t i = 0; i < operations; i++) {
        size_t at = (size_t)test_below(&rng, COUNT);
        if (all[at].buffer.id == 0) {
            all[at].size = test_log_uniform(&rng, KIB(100));
            all[at].kept = all[at].size;
            all[at].seed = i;
            all[at].buffer = check_buffer_at(
                c, all[at].size, everywhere[test_below(&rng, TEST_COUNT_OF(everywhere))]);
            check_write(c, all[at].buffer, i, 0, all[at].size);
        } else if (test_chance(&rng, 60)) {
            uint64_t size = test_log_uniform(&rng, KIB(100));
            check_resize(c, all[at].buffer, size);
            all[at].size = size;
            all[at].kept = size < all[at].kept ? size : all[at].kept;
        } else if (test_chance(&rng, 50)) {
            check_holds(c, all[at].buffer, all[at].seed, 0, all[at].kept);
            if (all[at].size > all[at].kept) {
                check_zero(c, all[at].buffer, all[at].kept, all[at].size - all[at].kept);
            }
        } else {
            check_release(c, all[at].buffer);
            all[at].buffer.id = 0;
        }
        if (test_chance(&rng, 5)) {
            CHECK_OK(fh_device_tick(c->device));
            CHECK_NO_FAULT(card_audit(c));
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        if (all[i].buffer.id != 0) {
            check_holds(c, all[i].buffer, all[i].seed, 0, all[i].kept);
            check_release(c, all[i].buffer);
        }
    }
}

static void random_resizes_keep_all_content(void **state)
{
    (void)state;
    on_every_card(random_resizes);
}

enum {
    THREADS = 6,
    PART = 1000,
    WRITES = 60
};

typedef struct user {
    pthread_t thread;
    const card *c;
    fh_parcel buffer;
    uint64_t number;
    _Atomic bool *stop;
    const char *fault;
} user;

/* Write and read a part of one's own, while the buffer moves. */
static const char *use_part(const user *u)
{
    uint64_t place = u->number * PART;
    for (uint64_t i = 0; i < WRITES; i++) {
        unsigned char *bytes = bytes_make(u->number * 1000 + i, place, PART);
        unsigned char read[PART];
        fh_result result =
            fh_parcel_write(u->c->device, u->buffer, place, bytes, PART, NULL);
        free(bytes);
        if (result != FH_OK) {
            fprintf(stderr, "%s\n", fh_error_detail());
            return "a write failed";
        }
        if (fh_parcel_read(u->c->device, u->buffer, place, read, PART, 20 * SECOND_NS) != FH_OK) {
            return "a read failed";
        }
        const char *fault = bytes_compare(read, u->number * 1000 + i, place, PART);
        if (fault != NULL) {
            return fault;
        }
        void *pointer;
        if (u->number == 0 && fh_parcel_map(u->c->device, u->buffer, &pointer) == FH_OK &&
            fh_parcel_unmap(u->c->device, u->buffer) != FH_OK) {
            return "an unmap failed";
        }
        fh_view view;
        if (fh_view_make(u->c->device, u->buffer, place, PART, &view) != FH_OK ||
            fh_view_check(u->c->device, &view) != FH_OK) {
            return "a view failed";
        }
    }
    return NULL;
}

static void *start_user(void *argument)
{
    user *u = argument;
    u->fault = use_part(u);
    return NULL;
}

static void *start_resizing(void *argument)
{
    user *u = argument;
    for (uint64_t i = 0; !atomic_load(u->stop); i++) {
        uint64_t size = PART * THREADS + 1777 * (i % 50);
        fh_result result = fh_buffer_resize(u->c->device, u->buffer, size, NULL);
        if (result != FH_OK && result != FH_ERR_BUSY) {
            u->fault = "a resize failed";
        }
        if (i % 7 == 0) {
            fh_device_poll(u->c->device);
        }
    }
    return NULL;
}

static void use_while_resizing(void (*prepare)(card *), fh_location where)
{
    card c;
    user users[THREADS + 2];
    _Atomic bool stop;
    prepare(&c);
    c.profile.copy_latency_ns = 20000;
    check_open(&c);
    fh_parcel buffer = check_buffer_at(&c, (uint64_t)PART * THREADS, where);
    atomic_init(&stop, false);
    for (uint64_t i = 0; i < THREADS + 2; i++) {
        users[i] = (user){.c = &c, .buffer = buffer, .number = i, .stop = &stop};
        assert_int_equal(pthread_create(&users[i].thread, NULL,
                                        i < THREADS ? start_user : start_resizing, &users[i]),
                         0);
    }
    for (size_t i = 0; i < THREADS + 2; i++) {
        atomic_store(&stop, i >= THREADS);
        assert_int_equal(pthread_join(users[i].thread, NULL), 0);
        if (i == THREADS - 1) {
            atomic_store(&stop, true);
        }
    }
    for (size_t i = 0; i < THREADS + 2; i++) {
        CHECK_NO_FAULT(users[i].fault);
    }
    check_release(&c, buffer);
    check_close(&c);
}

static void others_use_the_buffer_meanwhile(void **state)
{
    (void)state;
    use_while_resizing(card_small, FH_LOCATION_DEVICE);
    use_while_resizing(card_small, FH_LOCATION_UPLOAD);
    use_while_resizing(card_small, FH_LOCATION_READBACK);
    use_while_resizing(card_split, FH_LOCATION_DEVICE);
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
        cmocka_unit_test(a_second_resize_is_busy),
        cmocka_unit_test(observers_and_the_maker_are_told_once),
        cmocka_unit_test(an_observer_may_map_what_is_being_resized),
        cmocka_unit_test(what_is_left_behind_is_shown_to_nobody),
        cmocka_unit_test(every_call_can_fail),
        cmocka_unit_test(every_host_allocation_can_fail),
        cmocka_unit_test(a_lost_device_resizes_nothing),
        cmocka_unit_test(random_resizes_keep_all_content),
        cmocka_unit_test(others_use_the_buffer_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
