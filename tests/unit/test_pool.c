/* Pools: how they grow and shrink, how they fill limits exactly, what becomes of empty blocks,
 * and when a parcel gets a driver allocation of its own. The program's own pools stand in
 * test_pool_custom.c. */

#include "pool_checks.h"

/* ---- growing ---- */

static void blocks_grow_through_eighths(void **state)
{
    const card *c = *state;
    static const uint64_t ladder[] = {MIB(1), MIB(2), MIB(4), MIB(8), MIB(8), MIB(8)};
    heap_of h = {0};
    fh_stats before = blocks(c);
    CHECK_EQUAL(before.block_count, 0);
    for (size_t step = 0; step < TEST_COUNT_OF(ladder);) {
        fh_parcel parcel;
        CHECK_OK(in_block(c, NULL, KIB(200), &parcel));
        keep(&h, parcel);
        fh_stats now = blocks(c);
        if (now.block_count > before.block_count) {
            CHECK_EQUAL(now.block_count, before.block_count + 1);
            CHECK_EQUAL(now.block_bytes - before.block_bytes, ladder[step]);
            /* Not before what there was is full. */
            assert_true(before.block_bytes - before.range_bytes <= KIB(200) * (step + 1) * 2);
            step++;
        }
        before = now;
    }
    drop(c, &h);
}

static void a_large_request_gets_a_block_that_holds_it(void **state)
{
    const card *c = *state;
    fh_parcel parcel;
    CHECK_OK(in_block(c, NULL, MIB(4), &parcel));
    assert_true(blocks(c).block_bytes >= MIB(4) && blocks(c).block_bytes <= MIB(8));
    CHECK_EQUAL(blocks(c).block_count, 1);
    assert_false(check_info(c, parcel).dedicated);
    check_release(c, parcel);
    CHECK_OK(fh_device_trim(c->device, NULL));
    CHECK_OK(in_block(c, NULL, MIB(8), &parcel)); /* exactly a block */
    CHECK_EQUAL(blocks(c).block_bytes, MIB(8));
    check_release(c, parcel);
}

/* 0: heap / 8 up to heaps of 1 GiB, else 256 MiB. */
static void the_block_size_is_by_the_heap(void **state)
{
    (void)state;
    static const struct {
        uint64_t heap, block;
    } rows[] = {{MIB(64), MIB(8)}, {GIB(1), MIB(128)}, {GIB(2), MIB(256)}, {GIB(16), MIB(256)}};
    for (size_t i = 0; i < TEST_COUNT_OF(rows); i++) {
        card c;
        one_type(&c);
        c.profile.heaps[0].size = rows[i].heap;
        c.profile.os_budget[0] = GIB(100);
        c.desc.block_size = 0;
        check_open(&c);
        fh_parcel parcel;
        CHECK_OK(in_block(&c, NULL, KIB(64), &parcel));
        CHECK_EQUAL(blocks(&c).block_bytes, rows[i].block / 8);
        check_release(&c, parcel);
        check_close(&c);
    }
}

static void blocks_are_halved_when_the_driver_fails(void **state)
{
    const card *c = *state;
    CHECK_OK(fh_simulated_fault(
        c->backend, &(fh_fault){.call = FH_BACKEND_CALL_MEMORY_ALLOC, .above = KIB(300)}));
    fh_parcel parcel;
    CHECK_OK(in_block(c, NULL, KIB(100), &parcel));
    CHECK_EQUAL(blocks(c).block_bytes, KIB(256));
    assert_true(card_calls(c, FH_BACKEND_CALL_MEMORY_ALLOC) <= 5);
    CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, KIB(256));
    check_release(c, parcel);
    /* What does not fit the halves fails, and says so. */
    CHECK_OK(fh_device_trim(c->device, NULL));
    fh_parcel out;
    CHECK_REFUSED(in_block(c, NULL, KIB(301), &out), out, FH_ERR_OUT_OF_MEMORY, "");
    CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, 0);
    fh_simulated_clear(c->backend);
    CHECK_OK(in_block(c, NULL, KIB(301), &parcel));
    check_release(c, parcel);
}

/* ---- limits ---- */

static void a_limit_is_filled_exactly_and_the_next_byte_fails(void **state)
{
    (void)state;
    static const uint64_t pieces[] = {KIB(4), KIB(64), KIB(256), MIB(1)};
    static const uint64_t limits[] = {MIB(5), MIB(5) + KIB(4), MIB(21) + KIB(12), KIB(8)};
    for (size_t i = 0; i < TEST_COUNT_OF(pieces) * TEST_COUNT_OF(limits) * 2; i++) {
        uint64_t piece = pieces[i % TEST_COUNT_OF(pieces)];
        uint64_t limit = limits[i / TEST_COUNT_OF(pieces) % TEST_COUNT_OF(limits)];
        bool total = i >= TEST_COUNT_OF(pieces) * TEST_COUNT_OF(limits);
        card c;
        one_type(&c);
        check_open(&c);
        check_limit(&c, total ? FH_ACCOUNT_TOTAL : FH_ACCOUNT_HEAP, 0, limit);
        heap_of h = {0};
        CHECK_RESULT(fill(&c, NULL, piece, &h), FH_ERR_BUDGET);
        CHECK_EQUAL(h.count, limit / piece);
        CHECK_RESULT(fill(&c, NULL, KIB(4), &h), FH_ERR_BUDGET);
        CHECK_EQUAL(blocks(&c).range_bytes, limit);
        CHECK_USED(&c, FH_ACCOUNT_HEAP, 0, limit);
        fh_parcel out;
        CHECK_REFUSED(in_block(&c, NULL, 1, &out), out, FH_ERR_BUDGET, total ? "total" : "heap 0");
        CHECK_EQUAL(card_account(&c, FH_ACCOUNT_TOTAL, 0).peak, limit);
        CHECK_NO_FAULT(card_audit(&c));
        drop(&c, &h);
        check_close(&c);
    }
}

/* The heap itself is the limit. */
static void a_heap_is_filled_exactly(void **state)
{
    (void)state;
    card c;
    one_type(&c);
    c.profile.heaps[0].size = MIB(13) + KIB(36);
    check_open(&c);
    heap_of h = {0};
    CHECK_RESULT(fill(&c, NULL, KIB(100), &h), FH_ERR_OUT_OF_MEMORY);
    CHECK_RESULT(fill(&c, NULL, KIB(4), &h), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(blocks(&c).range_bytes, MIB(13) + KIB(36));
    drop(&c, &h);
    check_close(&c);
}

static void a_full_heap_is_not_cut_into_tiny_dedicated_allocations(void **state)
{
    (void)state;
    card c;
    one_type(&c);
    c.profile.heaps[0].size = MIB(16);
    c.desc.block_size = MIB(2);
    check_open(&c);
    heap_of h = {0};
    fh_buffer_desc desc = card_buffer_desc(KIB(1));
    fh_parcel parcel;
    while (fh_buffer_create(c.device, &desc, &parcel) == FH_OK) {
        keep(&h, parcel);
        assert_true(h.count <= 16384);
    }
    assert_true(h.count > 16384 - 64);
    CHECK_EQUAL(card_stats(&c).total.dedicated_count, 0);
    assert_true(blocks(&c).block_count <= 20);
    assert_true(driver_allocs(&c) <= 20);
    uint64_t calls = card_calls(&c, FH_BACKEND_CALL_MEMORY_ALLOC);
    for (int i = 0; i < 100; i++) {
        CHECK_RESULT(fh_buffer_create(c.device, &desc, &parcel), FH_ERR_OUT_OF_MEMORY);
    }
    assert_true(card_calls(&c, FH_BACKEND_CALL_MEMORY_ALLOC) - calls <= 100 * 20);
    drop(&c, &h);
    check_close(&c);
}

/* The driver gives pieces of 64 KiB and less only, though the heap has room. */
static void a_stingy_driver_is_not_asked_for_tiny_dedicated_allocations(void **state)
{
    const card *c = *state;
    CHECK_OK(fh_simulated_fault(
        c->backend, &(fh_fault){.call = FH_BACKEND_CALL_MEMORY_ALLOC, .above = KIB(64)}));
    heap_of h = {0};
    fh_buffer_desc desc = card_buffer_desc(KIB(1));
    for (int i = 0; i < 4000; i++) {
        fh_parcel parcel;
        if (fh_buffer_create(c->device, &desc, &parcel) == FH_OK) {
            keep(&h, parcel);
        }
    }
    assert_true(card_stats(c).total.dedicated_count <= 16);
    assert_true(blocks(c).block_count <= 4000 / 32);
    fh_simulated_clear(c->backend);
    drop(c, &h);
}

/* ---- empty blocks ---- */

/* The field's case: five 5 MB buffers made and freed per frame settled at one driver allocation per
 * frame for ever. */
static void frame_ping_pong_settles_at_no_driver_allocation(const char *profile, uint64_t size,
                                                            bool with_epochs)
{
    card c;
    if (profile != NULL) {
        card_builtin(&c, profile);
    } else {
        one_type(&c);
        c.desc.block_size = 0; /* blocks of 128 MiB */
    }
    check_open(&c);
    uint32_t queue = check_queue(&c);
    uint64_t settled = 0;
    for (uint64_t frame = 1; frame <= 200; frame++) {
        fh_parcel buffers[5];
        for (int i = 0; i < 5; i++) {
            buffers[i] = check_buffer(&c, size);
        }
        for (int i = 0; i < 5; i++) {
            if (with_epochs) {
                CHECK_OK(fh_parcel_use(c.device, buffers[i], (fh_epoch){queue, frame}));
            }
            check_release(&c, buffers[i]);
        }
        CHECK_OK(fh_queue_signal(c.device, queue, frame > 2 ? frame - 2 : 0));
        CHECK_OK(fh_device_tick(c.device));
        if (frame == 20) {
            settled = driver_allocs(&c);
        }
    }
    CHECK_EQUAL(driver_allocs(&c), settled);
    CHECK_OK(fh_queue_signal(c.device, queue, 1000));
    check_close(&c);
}

static void frame_ping_pong_settles(void **state)
{
    (void)state;
    frame_ping_pong_settles_at_no_driver_allocation("discrete-8g", 5000000, false);
    frame_ping_pong_settles_at_no_driver_allocation("discrete-8g", 5000000, true);
    frame_ping_pong_settles_at_no_driver_allocation("mobile-4g", 5000000, true);
    frame_ping_pong_settles_at_no_driver_allocation(NULL, 5000000, false);
    frame_ping_pong_settles_at_no_driver_allocation(NULL, 5000000, true);
    frame_ping_pong_settles_at_no_driver_allocation(NULL, 500, true);
    frame_ping_pong_settles_at_no_driver_allocation("uma-16g", 20000000, true);
}

static void an_empty_block_is_kept_for_some_ticks_and_no_longer(void **state)
{
    (void)state;
    card c;
    one_type(&c);
    c.desc.retain_ticks = 10;
    check_open(&c);
    for (int round = 0; round < 3; round++) {
        check_release(&c, check_buffer(&c, KIB(512)));
        for (int tick = 1; tick <= 8; tick++) {
            CHECK_OK(fh_device_tick(c.device));
            CHECK_EQUAL(blocks(&c).block_count, 1);
        }
        CHECK_EQUAL(driver_allocs(&c), (uint64_t)round + 1);
        for (int tick = 9; tick <= 25; tick++) {
            CHECK_OK(fh_device_tick(c.device));
        }
        CHECK_EQUAL(blocks(&c).block_count, 0);
        CHECK_USED(&c, FH_ACCOUNT_TOTAL, 0, 0);
    }
    /* Using it again starts the time anew. */
    for (int i = 0; i < 40; i++) {
        check_release(&c, check_buffer(&c, KIB(512)));
        for (int tick = 0; tick < 5; tick++) {
            CHECK_OK(fh_device_tick(c.device));
        }
    }
    CHECK_EQUAL(driver_allocs(&c), 4);
    check_close(&c);
}

static void an_empty_block_is_kept_for_64_ticks_by_default(void **state)
{
    const card *c = *state;
    fh_parcel parcel;
    CHECK_OK(in_block(c, NULL, KIB(512), &parcel));
    check_release(c, parcel);
    for (int tick = 0; tick < 62; tick++) {
        CHECK_OK(fh_device_tick(c->device));
    }
    CHECK_EQUAL(blocks(c).block_count, 1);
    for (int tick = 62; tick < 70; tick++) {
        CHECK_OK(fh_device_tick(c->device));
    }
    CHECK_EQUAL(blocks(c).block_count, 0);
}

/* Small buffers leave slabs behind; those must not keep a block for ever. */
static void small_buffers_leave_no_block_behind(void **state)
{
    (void)state;
    card c;
    one_type(&c);
    c.desc.retain_ticks = 10;
    check_open(&c);
    heap_of h = {0};
    for (int i = 0; i < 5000; i++) {
        keep(&h, check_buffer(&c, 100 + (uint64_t)i % 700));
    }
    drop(&c, &h);
    for (int tick = 0; tick < 60; tick++) {
        CHECK_OK(fh_device_tick(c.device));
    }
    CHECK_EQUAL(blocks(&c).block_count, 0);
    check_close(&c);
}

static void trim_gives_back_what_is_empty_and_says_how_much(void **state)
{
    const card *c = *state;
    heap_of h = {0};
    fh_parcel first = check_buffer(c, KIB(512));
    fh_parcel parcel;
    do {
        CHECK_OK(in_block(c, NULL, KIB(512), &parcel));
        keep(&h, parcel);
    } while (blocks(c).block_count < 4);
    CHECK_EQUAL(blocks(c).block_bytes, MIB(15));
    uint64_t bytes = 77;
    CHECK_OK(fh_device_trim(c->device, &bytes));
    CHECK_EQUAL(bytes, 0);
    drop(c, &h);
    CHECK_EQUAL(blocks(c).block_bytes, MIB(15));
    CHECK_OK(fh_device_trim(c->device, &bytes));
    CHECK_EQUAL(bytes, MIB(14));
    CHECK_EQUAL(blocks(c).block_bytes, MIB(1));
    CHECK_USED(c, FH_ACCOUNT_HEAP, 0, MIB(1));
    check_release(c, first);
    CHECK_OK(fh_device_trim(c->device, NULL));
    CHECK_EQUAL(blocks(c).block_bytes, 0);
    CHECK_RESULT(fh_device_trim(NULL, &bytes), FH_ERR_INVALID);
    CHECK_EQUAL(bytes, 0);
}

static void empty_blocks_go_at_once_when_the_heap_is_over_its_limit(void **state)
{
    const card *c = *state;
    heap_of h = {0};
    fh_parcel kept = check_buffer(c, KIB(512));
    fh_parcel parcel;
    while (blocks(c).block_count < 3) {
        CHECK_OK(in_block(c, NULL, KIB(512), &parcel));
        keep(&h, parcel);
    }
    drop(c, &h);
    CHECK_EQUAL(blocks(c).block_bytes, MIB(7));
    check_limit(c, FH_ACCOUNT_HEAP, 0, MIB(2));
    CHECK_OK(fh_device_tick(c->device));
    CHECK_EQUAL(blocks(c).block_bytes, MIB(1));
    check_release(c, kept);
}

/* ---- dedicated ---- */

static bool is_dedicated(const card *c, uint64_t size, fh_dedicated dedicated)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.dedicated = dedicated;
    fh_parcel parcel = check_make(c, &desc);
    fh_parcel_info info = check_info(c, parcel);
    CHECK_EQUAL(card_stats(c).total.dedicated_count, info.dedicated);
    if (info.dedicated) {
        CHECK_EQUAL(info.offset, 0);
    }
    check_release(c, parcel);
    CHECK_EQUAL(card_stats(c).total.dedicated_count, 0);
    return info.dedicated;
}

static void large_requests_get_memory_of_their_own(void **state)
{
    const card *c = *state;
    assert_false(is_dedicated(c, MIB(4), FH_DEDICATED_AUTO)); /* half a block */
    assert_true(is_dedicated(c, MIB(4) + 16, FH_DEDICATED_AUTO));
    assert_true(is_dedicated(c, MIB(100), FH_DEDICATED_AUTO));
    assert_false(is_dedicated(c, MIB(8), FH_DEDICATED_NEVER));
    assert_true(is_dedicated(c, 16, FH_DEDICATED_REQUIRE));
    assert_true(is_dedicated(c, KIB(64), FH_DEDICATED_PREFER));
}

/* PREFER falls back to a block, REQUIRE does not. */
static void preferring_is_not_requiring(void **state)
{
    const card *c = *state;
    fh_parcel other = check_buffer(c, KIB(512)); /* in a block with room */
    check_limit(c, FH_ACCOUNT_HEAP, 0, MIB(1));
    assert_false(is_dedicated(c, KIB(64), FH_DEDICATED_PREFER));
    fh_buffer_desc desc = card_buffer_desc(KIB(64));
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    fh_parcel out;
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_BUDGET, "heap 0");
    check_release(c, other);
}

/* Nothing gets memory of its own above 3/4 of what the driver can count, unless it must. */
static void the_drivers_count_is_not_used_up_by_dedicated_allocations(void **state)
{
    (void)state;
    card c;
    one_type(&c);
    c.profile.allocation_count_max = 16;
    check_open(&c);
    heap_of h = {0};
    fh_buffer_desc desc = card_buffer_desc(MIB(5));
    for (int i = 0; i < 14; i++) {
        keep(&h, check_make(&c, &desc));
        assert_true(card_stats(&c).total.dedicated_count <= 12);
        fh_parcel_info info = check_info(&c, h.parcels[h.count - 1]);
        assert_int_equal(info.dedicated, i < 12);
    }
    CHECK_EQUAL(blocks(&c).block_count, 14);
    desc.memory.dedicated = FH_DEDICATED_PREFER;
    keep(&h, check_make(&c, &desc));
    assert_false(check_info(&c, h.parcels[h.count - 1]).dedicated);
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    keep(&h, check_make(&c, &desc));
    assert_true(check_info(&c, h.parcels[h.count - 1]).dedicated);
    fh_parcel out;
    CHECK_REFUSED(fh_buffer_create(c.device, &desc, &out), out, FH_ERR_OUT_OF_MEMORY, "");
    drop(&c, &h);
    check_close(&c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(blocks_grow_through_eighths),
        TEST(a_large_request_gets_a_block_that_holds_it),
        cmocka_unit_test(the_block_size_is_by_the_heap),
        TEST(blocks_are_halved_when_the_driver_fails),
        cmocka_unit_test(a_limit_is_filled_exactly_and_the_next_byte_fails),
        cmocka_unit_test(a_heap_is_filled_exactly),
        cmocka_unit_test(a_full_heap_is_not_cut_into_tiny_dedicated_allocations),
        TEST(a_stingy_driver_is_not_asked_for_tiny_dedicated_allocations),
        cmocka_unit_test(frame_ping_pong_settles),
        cmocka_unit_test(an_empty_block_is_kept_for_some_ticks_and_no_longer),
        TEST(an_empty_block_is_kept_for_64_ticks_by_default),
        cmocka_unit_test(small_buffers_leave_no_block_behind),
        TEST(trim_gives_back_what_is_empty_and_says_how_much),
        TEST(empty_blocks_go_at_once_when_the_heap_is_over_its_limit),
        TEST(large_requests_get_memory_of_their_own),
        TEST(preferring_is_not_requiring),
        cmocka_unit_test(the_drivers_count_is_not_used_up_by_dedicated_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
