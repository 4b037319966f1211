/* The program's own pools: fixed and flexible, with a minimum and a maximum of blocks, TLSF and
 * linear (a stack, a ring, a double stack, over one block and several), and when they can go. */

#include "pool_checks.h"

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

/* A fixed region stays that: nothing of it lies elsewhere, also when nobody says "never
 * dedicated". */
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
    if (!h.parcels) {
        abort();
    }
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
