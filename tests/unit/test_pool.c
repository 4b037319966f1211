/* Pools: how they grow and shrink, what becomes of empty blocks, the program's own pools, and when a
 * parcel gets a driver allocation of its own. */

#include "card_checks.h"

#include <stdlib.h>

/* One heap of 1 GiB and one memory type, that can be mapped: what there is, is in one pool. */
static void one_type(card *c)
{
    card_small(c);
    c->profile.heap_count = 1;
    c->profile.heaps[0].size = GIB(1);
    c->profile.os_budget[0] = GIB(4);
    c->profile.type_count = 1;
    c->profile.types[0].flags =
        FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_HOST_VISIBLE | FH_MEMORY_HOST_COHERENT;
}

static int set_up(void **state)
{
    card *c = test_calloc(1, sizeof *c);
    one_type(c);
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

static uint64_t driver_allocs(const card *c)
{
    return card_stats(c).driver_alloc_count;
}

static fh_stats blocks(const card *c)
{
    return card_stats(c).total.stats;
}

static fh_result in_block(const card *c, fh_pool *pool, uint64_t size, fh_parcel *out)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.pool = pool;
    desc.memory.dedicated = FH_DEDICATED_NEVER;
    return fh_buffer_create(c->device, &desc, out);
}

/* Pieces that are released together. */
typedef struct heap_of {
    fh_parcel *parcels;
    size_t count, capacity;
} heap_of;

static void keep(heap_of *h, fh_parcel parcel)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity * 2 + 64;
        h->parcels = realloc(h->parcels, h->capacity * sizeof *h->parcels);
        assert_non_null(h->parcels);
    }
    h->parcels[h->count++] = parcel;
}

static void drop(const card *c, heap_of *h)
{
    for (size_t i = 0; i < h->count; i++) {
        check_release(c, h->parcels[i]);
    }
    free(h->parcels);
    *h = (heap_of){0};
}

/* Pieces of that size until it fails; the failure. */
static fh_result fill(const card *c, fh_pool *pool, uint64_t size, heap_of *h)
{
    for (;;) {
        fh_parcel parcel;
        fh_result result = in_block(c, pool, size, &parcel);
        if (result != FH_OK) {
            return result;
        }
        keep(h, parcel);
    }
}

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

/* ---- the program's own pools ---- */

static fh_pool *check_pool(const card *c, const fh_pool_desc *desc)
{
    fh_pool *pool;
    fh_result result = fh_pool_create(c->device, desc, &pool);
    if (result != FH_OK) {
        fail_msg("%s: %s", fh_result_name(result), fh_error_detail());
    }
    assert_non_null(pool);
    return pool;
}

static fh_pool_info pool_info(fh_pool *pool)
{
    fh_pool_info info;
    CHECK_OK(fh_pool_get(pool, &info));
    return info;
}

static void a_pool_has_blocks_of_its_own(void **state)
{
    const card *c = *state;
    fh_parcel elsewhere = check_buffer(c, KIB(64));
    char name[] = "streaming";
    fh_pool *pool = check_pool(c, &(fh_pool_desc){.name = name});
    name[0] = 'X';
    fh_pool_info info = pool_info(pool);
    assert_string_equal(info.name, "streaming");
    CHECK_EQUAL(info.type, 0);
    CHECK_EQUAL(info.heap, 0);
    CHECK_EQUAL(info.flags, c->profile.types[0].flags);
    CHECK_EQUAL(info.stats.block_count, 0);
    uint64_t next = info.block_size;
    fh_parcel parcel;
    CHECK_OK(in_block(c, pool, KIB(64), &parcel));
    info = pool_info(pool);
    CHECK_EQUAL(info.stats.block_count, 1);
    CHECK_EQUAL(info.stats.block_bytes, next);
    CHECK_EQUAL(info.stats.range_bytes, KIB(64));
    CHECK_EQUAL(info.stats.range_count, 1);
    CHECK_EQUAL(blocks(c).block_count, 2);
    CHECK_NO_FAULT(card_audit(c));
    check_release(c, parcel);
    check_release(c, elsewhere);
    CHECK_OK(fh_pool_destroy(pool));
    CHECK_EQUAL(blocks(c).block_count, 1);
}

static void a_flexible_pool_climbs_the_ladder(void **state)
{
    const card *c = *state;
    static const uint64_t ladder[] = {MIB(1), MIB(2), MIB(4), MIB(8), MIB(8)};
    fh_pool *pool = check_pool(c, &(fh_pool_desc){.block_count_max = 5});
    heap_of h = {0};
    uint64_t bytes = 0;
    for (size_t i = 0; i < TEST_COUNT_OF(ladder); i++) {
        CHECK_EQUAL(pool_info(pool).block_size, ladder[i]);
        while (pool_info(pool).stats.block_count == i) {
            fh_parcel parcel;
            CHECK_OK(in_block(c, pool, KIB(256), &parcel));
            keep(&h, parcel);
        }
        bytes += ladder[i];
        CHECK_EQUAL(pool_info(pool).stats.block_bytes, bytes);
    }
    CHECK_RESULT(fill(c, pool, KIB(256), &h), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(pool_info(pool).stats.range_bytes, bytes);
    drop(c, &h);
    CHECK_OK(fh_pool_destroy(pool));
}

static void a_fixed_pool_has_blocks_of_one_size(void **state)
{
    const card *c = *state;
    fh_pool *pool = check_pool(c, &(fh_pool_desc){.block_size = KIB(300), .block_count_max = 3});
    heap_of h = {0};
    CHECK_RESULT(fill(c, pool, KIB(100), &h), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(h.count, 9);
    fh_pool_info info = pool_info(pool);
    CHECK_EQUAL(info.block_size, KIB(300));
    CHECK_EQUAL(info.stats.block_count, 3);
    CHECK_EQUAL(info.stats.block_bytes, KIB(900));
    CHECK_EQUAL(info.stats.range_bytes, KIB(900));
    drop(c, &h);
    fh_parcel out;
    CHECK_REFUSED(in_block(c, pool, KIB(300) + 1, &out), out, FH_ERR_OUT_OF_MEMORY, "");
    CHECK_OK(in_block(c, pool, KIB(300), &out));
    check_release(c, out);
    CHECK_OK(fh_pool_destroy(pool));
}

/* A fixed region stays that: nothing of it lies elsewhere, also when nobody says "never dedicated". */
static void a_fixed_pool_is_not_left_for_dedicated_memory(void **state)
{
    const card *c = *state;
    fh_pool *pool = check_pool(c, &(fh_pool_desc){.block_size = MIB(1), .block_count_max = 1});
    fh_buffer_desc desc = card_buffer_desc(KIB(700));
    desc.memory.pool = pool;
    fh_parcel parcel = check_make(c, &desc);
    assert_false(check_info(c, parcel).dedicated);
    fh_parcel out;
    CHECK_REFUSED(fh_buffer_create(c->device, &desc, &out), out, FH_ERR_OUT_OF_MEMORY, "");
    CHECK_EQUAL(blocks(c).block_bytes, MIB(1));
    check_release(c, parcel);
    CHECK_OK(fh_pool_destroy(pool));
}

static void a_fixed_block_is_not_halved(void **state)
{
    const card *c = *state;
    fh_pool *pool = check_pool(c, &(fh_pool_desc){.block_size = MIB(1)});
    CHECK_OK(fh_simulated_fault(
        c->backend, &(fh_fault){.call = FH_BACKEND_CALL_MEMORY_ALLOC, .above = KIB(512)}));
    fh_parcel out;
    CHECK_REFUSED(in_block(c, pool, KIB(4), &out), out, FH_ERR_OUT_OF_MEMORY, "");
    fh_simulated_clear(c->backend);
    CHECK_OK(in_block(c, pool, KIB(4), &out));
    CHECK_EQUAL(pool_info(pool).stats.block_bytes, MIB(1));
    check_release(c, out);
    CHECK_OK(fh_pool_destroy(pool));
}

static void the_minimum_is_there_from_the_start_and_stays(void **state)
{
    const card *c = *state;
    fh_pool *pool = check_pool(
        c, &(fh_pool_desc){.block_size = MIB(1), .block_count_min = 3, .block_count_max = 5});
    CHECK_EQUAL(pool_info(pool).stats.block_count, 3);
    CHECK_EQUAL(driver_allocs(c), 3);
    heap_of h = {0};
    fh_parcel parcel;
    for (int i = 0; i < 12; i++) {
        CHECK_OK(in_block(c, pool, KIB(256), &parcel));
        keep(&h, parcel);
    }
    CHECK_EQUAL(driver_allocs(c), 3);
    CHECK_RESULT(fill(c, pool, KIB(256), &h), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(h.count, 20);
    CHECK_EQUAL(driver_allocs(c), 5);
    drop(c, &h);
    uint64_t bytes;
    CHECK_OK(fh_device_trim(c->device, &bytes));
    CHECK_EQUAL(bytes, MIB(2));
    CHECK_EQUAL(pool_info(pool).stats.block_count, 3);
    for (int i = 0; i < 200; i++) {
        CHECK_OK(fh_device_tick(c->device));
    }
    CHECK_EQUAL(pool_info(pool).stats.block_count, 3);
    CHECK_OK(fh_pool_destroy(pool));
    CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, 0);
}

static void a_pool_whose_minimum_fails_is_not_made(void **state)
{
    const card *c = *state;
    const fh_pool_desc desc = {.block_size = MIB(1), .block_count_min = 4};
    fh_pool *pool;
    for (uint64_t nth = 1; nth <= 4; nth++) {
        CHECK_OK(fh_simulated_fault(c->backend,
                                    &(fh_fault){.call = FH_BACKEND_CALL_MEMORY_ALLOC, .nth = nth}));
        pool = (fh_pool *)&pool;
        CHECK_RESULT(fh_pool_create(c->device, &desc, &pool), FH_ERR_OUT_OF_MEMORY);
        assert_null(pool);
        CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, 0);
        fh_simulated_clear(c->backend);
    }
    check_limit(c, FH_ACCOUNT_TOTAL, 0, MIB(4) - 1);
    CHECK_RESULT(fh_pool_create(c->device, &desc, &pool), FH_ERR_BUDGET);
    assert_null(pool);
    CHECK_DETAIL_NAMES("total");
    CHECK_USED(c, FH_ACCOUNT_TOTAL, 0, 0);
    check_limit(c, FH_ACCOUNT_TOTAL, 0, MIB(4));
    CHECK_OK(fh_pool_create(c->device, &desc, &pool));
    CHECK_OK(fh_pool_destroy(pool));
}

static void a_pool_that_keeps_empty_blocks_keeps_them_until_it_is_trimmed(void **state)
{
    (void)state;
    card c;
    one_type(&c);
    c.desc.retain_ticks = 2;
    check_open(&c);
    fh_pool *kept = check_pool(&c, &(fh_pool_desc){.keep_empty = true});
    fh_pool *other = check_pool(&c, &(fh_pool_desc){0});
    fh_parcel parcel;
    CHECK_OK(in_block(&c, kept, KIB(64), &parcel));
    check_release(&c, parcel);
    CHECK_OK(in_block(&c, other, KIB(64), &parcel));
    check_release(&c, parcel);
    for (int i = 0; i < 20; i++) {
        CHECK_OK(fh_device_tick(c.device));
    }
    CHECK_EQUAL(pool_info(kept).stats.block_count, 1);
    CHECK_EQUAL(pool_info(other).stats.block_count, 0);
    CHECK_OK(fh_device_trim(c.device, NULL));
    CHECK_EQUAL(pool_info(kept).stats.block_count, 0);
    CHECK_OK(fh_pool_destroy(kept));
    CHECK_OK(fh_pool_destroy(other));
    check_close(&c);
}

static void a_pool_with_parcels_is_busy(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_pool *pool = check_pool(c, &(fh_pool_desc){0});
    static const uint64_t sizes[] = {64, MIB(1), MIB(6)}; /* a slab, a block, dedicated */
    for (size_t i = 0; i < TEST_COUNT_OF(sizes); i++) {
        fh_buffer_desc desc = card_buffer_desc(sizes[i]);
        desc.memory.pool = pool;
        fh_parcel parcel = check_make(c, &desc);
        CHECK_RESULT(fh_pool_destroy(pool), FH_ERR_BUSY);
        assert_true(fh_error_detail()[0] != '\0');
        CHECK_OK(fh_parcel_use(c->device, parcel, (fh_epoch){queue, i + 1}));
        check_release(c, parcel);
        CHECK_RESULT(fh_pool_destroy(pool), FH_ERR_BUSY);
        CHECK_OK(fh_queue_signal(c->device, queue, i + 1));
        CHECK_OK(fh_device_tick(c->device));
    }
    CHECK_OK(fh_pool_destroy(pool));
    CHECK_OK(fh_pool_destroy(NULL));
}

static void a_pool_takes_the_type_that_its_wishes_prefer(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    static const struct {
        fh_pool_desc desc;
        uint32_t type;
    } rows[] = {
        {{0}, CARD_LOCAL},
        {{.location = FH_LOCATION_UPLOAD}, CARD_WRITTEN},
        {{.location = FH_LOCATION_READBACK}, CARD_CACHED},
        {{.location = FH_LOCATION_UPLOAD, .access = FH_ACCESS_RANDOM}, CARD_CACHED},
        {{.type_mask = 1U << CARD_CACHED}, CARD_CACHED},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(rows); i++) {
        fh_pool *pool = check_pool(&c, &rows[i].desc);
        CHECK_EQUAL(pool_info(pool).type, rows[i].type);
        fh_parcel parcel;
        CHECK_OK(in_block(&c, pool, KIB(4), &parcel)); /* whatever its own location says */
        CHECK_EQUAL(check_info(&c, parcel).type, rows[i].type);
        check_release(&c, parcel);
        CHECK_OK(fh_pool_destroy(pool));
    }
    fh_pool *pool = (fh_pool *)&c;
    CHECK_RESULT(fh_pool_create(c.device, &(fh_pool_desc){.type_mask = 1U << 9}, &pool),
                 FH_ERR_UNSUPPORTED);
    assert_null(pool);
    CHECK_RESULT(fh_pool_create(
                     c.device,
                     &(fh_pool_desc){.type_mask = 1U << CARD_LOCAL, .location = FH_LOCATION_UPLOAD},
                     &pool),
                 FH_ERR_UNSUPPORTED);
    check_close(&c);
}

static void a_type_that_will_not_do_is_refused(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.texture_types = 1U << CARD_LOCAL;
    check_open(&c);
    fh_pool *pool = check_pool(&c, &(fh_pool_desc){.location = FH_LOCATION_UPLOAD});
    fh_texture_desc desc = {
        .format = FH_FORMAT_R8_UNORM, .width = 4, .height = 4, .memory.pool = pool};
    fh_parcel out = {77};
    fh_result result = fh_texture_create(c.device, &desc, &out);
    assert_true(result == FH_ERR_UNSUPPORTED || result == FH_ERR_INVALID);
    assert_true(out.id == 0);
    CHECK_OK(fh_pool_destroy(pool));
    check_close(&c);
}

static void wrong_pool_descriptions_are_refused(void **state)
{
    const card *c = *state;
    static const struct {
        const char *word;
        fh_pool_desc desc;
    } wrong[] = {
        {"location", {.location = (fh_location)4}},
        {"location", {.location = (fh_location)-1}},
        {"access", {.access = (fh_access)3}},
        {"algorithm", {.algorithm = (fh_block_algorithm)2}},
        {"algorithm", {.algorithm = (fh_block_algorithm)-1}},
        {"block_count", {.block_count_min = 3, .block_count_max = 2}},
        {"priority", {.priority = 1.5F}},
        {"priority", {.priority = -1.0F}},
        {"block_size", {.block_size = UINT64_MAX}},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        fh_pool *pool = (fh_pool *)&pool;
        CHECK_RESULT(fh_pool_create(c->device, &wrong[i].desc, &pool), FH_ERR_INVALID);
        assert_null(pool);
        CHECK_DETAIL_NAMES(wrong[i].word);
    }
    fh_pool *pool = (fh_pool *)&pool;
    CHECK_RESULT(fh_pool_create(NULL, &(fh_pool_desc){0}, &pool), FH_ERR_INVALID);
    assert_null(pool);
    pool = (fh_pool *)&pool;
    CHECK_RESULT(fh_pool_create(c->device, NULL, &pool), FH_ERR_INVALID);
    assert_null(pool);
    CHECK_RESULT(fh_pool_create(c->device, &(fh_pool_desc){0}, NULL), FH_ERR_INVALID);
    fh_pool_info info;
    memset(&info, 0x55, sizeof info);
    CHECK_RESULT(fh_pool_get(NULL, &info), FH_ERR_INVALID);
    CHECK_EQUAL(info.block_size, 0);
    pool = check_pool(c, &(fh_pool_desc){0});
    CHECK_RESULT(fh_pool_get(pool, NULL), FH_ERR_INVALID);
    CHECK_OK(fh_pool_destroy(pool));
}

/* ---- linear pools ---- */

static uint64_t offset_of(const card *c, fh_parcel parcel)
{
    return check_info(c, parcel).offset;
}

static fh_pool *linear_pool(const card *c, uint64_t block_size, uint32_t count)
{
    return check_pool(c, &(fh_pool_desc){.algorithm = FH_BLOCK_LINEAR,
                                         .block_size = block_size,
                                         .block_count_min = count,
                                         .block_count_max = count});
}

static void a_linear_pool_is_a_stack(void **state)
{
    const card *c = *state;
    fh_pool *pool = linear_pool(c, KIB(64), 1);
    fh_parcel stack[16];
    for (uint64_t i = 0; i < 16; i++) {
        CHECK_OK(in_block(c, pool, KIB(4), &stack[i]));
        CHECK_EQUAL(offset_of(c, stack[i]), i * KIB(4));
    }
    fh_parcel out;
    CHECK_REFUSED(in_block(c, pool, 1, &out), out, FH_ERR_OUT_OF_MEMORY, "");
    for (uint64_t i = 16; i-- > 8;) {
        check_release(c, stack[i]);
    }
    for (uint64_t i = 8; i < 12; i++) {
        CHECK_OK(in_block(c, pool, KIB(8), &stack[i]));
        CHECK_EQUAL(offset_of(c, stack[i]), KIB(32) + (i - 8) * KIB(8));
    }
    for (uint64_t i = 12; i-- > 0;) {
        check_release(c, stack[i]);
    }
    CHECK_OK(fh_pool_destroy(pool));
}

static void a_linear_pool_starts_over_when_all_is_freed(void **state)
{
    const card *c = *state;
    fh_pool *pool = linear_pool(c, KIB(64), 1);
    for (int round = 0; round < 10; round++) {
        fh_parcel parcels[16];
        for (uint64_t i = 0; i < 16; i++) {
            CHECK_OK(in_block(c, pool, KIB(4), &parcels[i]));
            CHECK_EQUAL(offset_of(c, parcels[i]), i * KIB(4));
        }
        for (int i = 0; i < 16; i++) {
            check_release(c, parcels[i]); /* in the order in which they were made */
        }
    }
    CHECK_OK(fh_pool_destroy(pool));
}

static void a_linear_pool_is_a_ring(void **state)
{
    const card *c = *state;
    fh_pool *pool = linear_pool(c, KIB(64), 1);
    fh_parcel ring[16];
    for (uint64_t i = 0; i < 16; i++) {
        CHECK_OK(in_block(c, pool, KIB(4), &ring[i]));
    }
    for (uint64_t i = 0; i < 200; i++) {
        check_release(c, ring[i % 16]);
        CHECK_OK(in_block(c, pool, KIB(4), &ring[i % 16]));
        CHECK_EQUAL(offset_of(c, ring[i % 16]), i % 16 * KIB(4));
        fh_parcel out;
        CHECK_REFUSED(in_block(c, pool, 1, &out), out, FH_ERR_OUT_OF_MEMORY, "");
    }
    for (int i = 0; i < 16; i++) {
        check_release(c, ring[i]);
    }
    CHECK_OK(fh_pool_destroy(pool));
}

/* A queue's progress frees what a ring gave out, and nothing is given out before. */
static void a_ring_waits_for_epochs(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_pool *pool = linear_pool(c, KIB(16), 1);
    for (uint64_t frame = 1; frame <= 50; frame++) {
        fh_parcel parcel;
        if (frame > 4) {
            CHECK_REFUSED(in_block(c, pool, KIB(4), &parcel), parcel, FH_ERR_OUT_OF_MEMORY, "");
            CHECK_OK(fh_queue_signal(c->device, queue, frame - 4));
            CHECK_OK(fh_device_poll(c->device));
        }
        CHECK_OK(in_block(c, pool, KIB(4), &parcel));
        CHECK_EQUAL(offset_of(c, parcel), (frame - 1) % 4 * KIB(4));
        CHECK_OK(fh_device_retire(c->device, parcel, &(fh_epoch){queue, frame}, 1));
    }
    CHECK_OK(fh_queue_signal(c->device, queue, 50));
    CHECK_OK(fh_device_poll(c->device));
    CHECK_OK(fh_pool_destroy(pool));
}

static void a_linear_pool_can_have_several_blocks(void **state)
{
    const card *c = *state;
    fh_pool *pool = check_pool(
        c,
        &(fh_pool_desc){.algorithm = FH_BLOCK_LINEAR, .block_size = KIB(64), .block_count_max = 4});
    heap_of h = {0};
    CHECK_RESULT(fill(c, pool, KIB(8), &h), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(h.count, 32);
    CHECK_EQUAL(pool_info(pool).stats.block_count, 4);
    uint64_t allocs = driver_allocs(c);
    /* As a stack, as a ring, and all at once. */
    for (int i = 0; i < 16; i++) {
        check_release(c, h.parcels[--h.count]);
    }
    CHECK_RESULT(fill(c, pool, KIB(8), &h), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(h.count, 32);
    for (size_t i = 0; i < 8; i++) {
        check_release(c, h.parcels[i]);
        CHECK_OK(in_block(c, pool, KIB(8), &h.parcels[i]));
    }
    fh_parcel out;
    CHECK_REFUSED(in_block(c, pool, 1, &out), out, FH_ERR_OUT_OF_MEMORY, "");
    drop(c, &h);
    CHECK_RESULT(fill(c, pool, KIB(8), &h), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(h.count, 32);
    CHECK_EQUAL(driver_allocs(c), allocs);
    drop(c, &h);
    CHECK_OK(fh_pool_destroy(pool));
}

static fh_result from_top(const card *c, fh_pool *pool, uint64_t size, fh_parcel *out)
{
    fh_buffer_desc desc = card_buffer_desc(size);
    desc.memory.pool = pool;
    desc.memory.upper = true;
    return fh_buffer_create(c->device, &desc, out);
}

static void a_linear_pool_is_a_double_stack(void **state)
{
    const card *c = *state;
    fh_pool *pool = linear_pool(c, KIB(64), 1);
    fh_parcel lower[8];
    fh_parcel upper[8];
    for (uint64_t i = 0; i < 8; i++) {
        CHECK_OK(in_block(c, pool, KIB(4), &lower[i]));
        CHECK_OK(from_top(c, pool, KIB(4), &upper[i]));
        CHECK_EQUAL(offset_of(c, lower[i]), i * KIB(4));
        CHECK_EQUAL(offset_of(c, upper[i]), KIB(64) - (i + 1) * KIB(4));
    }
    fh_parcel out;
    CHECK_REFUSED(in_block(c, pool, 1, &out), out, FH_ERR_OUT_OF_MEMORY, "");
    CHECK_REFUSED(from_top(c, pool, 1, &out), out, FH_ERR_OUT_OF_MEMORY, "");
    for (uint64_t i = 8; i-- > 4;) {
        check_release(c, upper[i]);
    }
    CHECK_OK(in_block(c, pool, KIB(16), &out)); /* where the upper ones were */
    CHECK_EQUAL(offset_of(c, out), KIB(32));
    check_release(c, out);
    for (uint64_t i = 4; i-- > 0;) {
        check_release(c, upper[i]);
    }
    for (uint64_t i = 8; i-- > 0;) {
        check_release(c, lower[i]);
    }
    CHECK_OK(from_top(c, pool, KIB(64), &out));
    CHECK_EQUAL(offset_of(c, out), 0);
    check_release(c, out);
    CHECK_OK(fh_pool_destroy(pool));
}

static void a_double_stack_can_have_several_blocks(void **state)
{
    const card *c = *state;
    fh_pool *pool = linear_pool(c, KIB(64), 3);
    heap_of h = {0};
    fh_parcel parcel;
    for (int i = 0; i < 24; i++) {
        CHECK_OK(i % 2 == 0 ? from_top(c, pool, KIB(8), &parcel)
                            : in_block(c, pool, KIB(8), &parcel));
        keep(&h, parcel);
    }
    CHECK_EQUAL(pool_info(pool).stats.range_bytes, KIB(192));
    CHECK_REFUSED(from_top(c, pool, 1, &parcel), parcel, FH_ERR_OUT_OF_MEMORY, "");
    CHECK_EQUAL(driver_allocs(c), 3);
    drop(c, &h);
    CHECK_OK(fh_pool_destroy(pool));
}

static void only_linear_pools_have_a_top(void **state)
{
    const card *c = *state;
    fh_pool *pool = check_pool(c, &(fh_pool_desc){0});
    fh_parcel out;
    CHECK_REFUSED(from_top(c, pool, 16, &out), out, FH_ERR_INVALID, "upper");
    CHECK_REFUSED(from_top(c, NULL, 16, &out), out, FH_ERR_INVALID, "upper");
    CHECK_OK(fh_pool_destroy(pool));
}

/* ---- many pools ---- */

static void pools_come_and_go(void **state)
{
    const card *c = *state;
    test_rng rng = {test_seed()};
    fh_pool *pools[20] = {0};
    fh_parcel parcels[20] = {0};
    for (int i = 0; i < 2000; i++) {
        uint64_t at = test_below(&rng, TEST_COUNT_OF(pools));
        if (pools[at] == NULL) {
            pools[at] =
                check_pool(c, &(fh_pool_desc){.block_size = MIB(1),
                                              .algorithm = test_chance(&rng, 50) ? FH_BLOCK_LINEAR
                                                                                 : FH_BLOCK_TLSF});
        } else if (parcels[at].id == 0) {
            CHECK_OK(in_block(c, pools[at], test_log_uniform(&rng, MIB(1)), &parcels[at]));
        } else {
            CHECK_RESULT(fh_pool_destroy(pools[at]), FH_ERR_BUSY);
            check_release(c, parcels[at]);
            parcels[at] = (fh_parcel){0};
            if (test_chance(&rng, 50)) {
                CHECK_OK(fh_pool_destroy(pools[at]));
                pools[at] = NULL;
            }
        }
        if (i % 50 == 0) {
            CHECK_OK(fh_device_tick(c->device));
            CHECK_NO_FAULT(card_audit(c));
        }
    }
    for (size_t i = 0; i < TEST_COUNT_OF(pools); i++) {
        CHECK_OK(fh_parcel_release(c->device, parcels[i]));
        CHECK_OK(fh_pool_destroy(pools[i]));
    }
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
        cmocka_unit_test(small_buffers_leave_no_block_behind),
        TEST(trim_gives_back_what_is_empty_and_says_how_much),
        TEST(empty_blocks_go_at_once_when_the_heap_is_over_its_limit),
        TEST(large_requests_get_memory_of_their_own),
        TEST(preferring_is_not_requiring),
        cmocka_unit_test(the_drivers_count_is_not_used_up_by_dedicated_allocations),
        TEST(a_pool_has_blocks_of_its_own),
        TEST(a_flexible_pool_climbs_the_ladder),
        TEST(a_fixed_pool_has_blocks_of_one_size),
        TEST(a_fixed_pool_is_not_left_for_dedicated_memory),
        TEST(a_fixed_block_is_not_halved),
        TEST(the_minimum_is_there_from_the_start_and_stays),
        TEST(a_pool_whose_minimum_fails_is_not_made),
        cmocka_unit_test(a_pool_that_keeps_empty_blocks_keeps_them_until_it_is_trimmed),
        TEST(a_pool_with_parcels_is_busy),
        cmocka_unit_test(a_pool_takes_the_type_that_its_wishes_prefer),
        cmocka_unit_test(a_type_that_will_not_do_is_refused),
        TEST(wrong_pool_descriptions_are_refused),
        TEST(a_linear_pool_is_a_stack),
        TEST(a_linear_pool_starts_over_when_all_is_freed),
        TEST(a_linear_pool_is_a_ring),
        TEST(a_ring_waits_for_epochs),
        TEST(a_linear_pool_can_have_several_blocks),
        TEST(a_linear_pool_is_a_double_stack),
        TEST(a_double_stack_can_have_several_blocks),
        TEST(only_linear_pools_have_a_top),
        TEST(pools_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
