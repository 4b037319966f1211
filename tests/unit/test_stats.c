/* Statistics, brief and detailed: they agree with each other, with the accounts, and with what
 * was made. */

#include "card_checks.h"

#include <pthread.h>
#include <stdatomic.h>

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

static bool is_empty_set(const fh_stats_detail *detail)
{
    return detail->stats.block_count == 0 && detail->stats.block_bytes == 0 &&
           detail->stats.range_count == 0 && detail->stats.range_bytes == 0 &&
           detail->free_count == 0 && detail->range_min == UINT64_MAX && detail->range_max == 0 &&
           detail->free_min == UINT64_MAX && detail->free_max == 0;
}

static bool same_stats(const fh_stats *a, const fh_stats *b)
{
    return a->block_count == b->block_count && a->block_bytes == b->block_bytes &&
           a->range_count == b->range_count && a->range_bytes == b->range_bytes;
}

static void merge(fh_stats_detail *sum, const fh_stats_detail *part)
{
    sum->stats.block_count += part->stats.block_count;
    sum->stats.block_bytes += part->stats.block_bytes;
    sum->stats.range_count += part->stats.range_count;
    sum->stats.range_bytes += part->stats.range_bytes;
    sum->free_count += part->free_count;
    sum->range_min = part->range_min < sum->range_min ? part->range_min : sum->range_min;
    sum->range_max = part->range_max > sum->range_max ? part->range_max : sum->range_max;
    sum->free_min = part->free_min < sum->free_min ? part->free_min : sum->free_min;
    sum->free_max = part->free_max > sum->free_max ? part->free_max : sum->free_max;
}

static bool same_detail(const fh_stats_detail *a, const fh_stats_detail *b)
{
    return same_stats(&a->stats, &b->stats) && a->free_count == b->free_count &&
           a->range_min == b->range_min && a->range_max == b->range_max &&
           a->free_min == b->free_min && a->free_max == b->free_max;
}

/* Heaps are the sum of their types, the total that of the heaps. */
static const char *sum_fault(const fh_device *device, const fh_device_detail *detail)
{
    const fh_adapter_info *adapter = fh_device_adapter(device);
    const fh_stats_detail nothing = {.range_min = UINT64_MAX, .free_min = UINT64_MAX};
    fh_stats_detail total = nothing;
    for (uint32_t heap = 0; heap < FH_HEAP_MAX; heap++) {
        fh_stats_detail sum = nothing;
        for (uint32_t type = 0; type < FH_MEMORY_TYPE_MAX; type++) {
            if (type >= adapter->type_count) {
                if (!is_empty_set(&detail->types[type])) {
                    return "a memory type that does not exist has something";
                }
            } else if (adapter->types[type].heap == heap) {
                merge(&sum, &detail->types[type]);
            }
        }
        if (!same_detail(&sum, &detail->heaps[heap])) {
            return "a heap is not the sum of its types";
        }
        merge(&total, &sum);
    }
    for (uint32_t type = 0; type < adapter->type_count; type++) {
        const fh_stats *stats = &detail->types[type].stats;
        if (stats->range_bytes > stats->block_bytes) {
            return "more is used than there is";
        }
        if (stats->range_bytes < stats->block_bytes && detail->types[type].free_count == 0) {
            return "what is not used is not free";
        }
    }
    return same_detail(&total, &detail->total) ? NULL : "the total is not the sum of the heaps";
}

/* No other call is under way: brief and detailed statistics and the accounts agree. */
static fh_device_stats check_all(const card *c)
{
    fh_device_stats stats = card_stats(c);
    fh_device_detail detail;
    CHECK_OK(fh_device_get_detail(c->device, &detail));
    CHECK_NO_FAULT(sum_fault(c->device, &detail));
    CHECK_NO_FAULT(card_audit(c));
    assert_true(same_stats(&stats.total.stats, &detail.total.stats));
    for (uint32_t heap = 0; heap < FH_HEAP_MAX; heap++) {
        assert_true(same_stats(&stats.heaps[heap].stats, &detail.heaps[heap].stats));
    }
    for (uint32_t type = 0; type < FH_MEMORY_TYPE_MAX; type++) {
        assert_true(same_stats(&stats.types[type].stats, &detail.types[type].stats));
    }
    return stats;
}

static void an_empty_device_has_nothing(void **state)
{
    const card *c = *state;
    fh_device_stats stats = check_all(c);
    fh_device_detail detail;
    CHECK_EQUAL(stats.total.stats.block_count, 0);
    CHECK_EQUAL(stats.parcel_count, 0);
    CHECK_OK(fh_device_get_detail(c->device, &detail));
    assert_true(is_empty_set(&detail.total));
    for (uint32_t i = 0; i < FH_HEAP_MAX; i++) {
        assert_true(is_empty_set(&detail.heaps[i]));
    }
    for (uint32_t i = 0; i < FH_MEMORY_TYPE_MAX; i++) {
        assert_true(is_empty_set(&detail.types[i]));
    }
}

static void null_is_refused_and_zeroed(void **state)
{
    const card *c = *state;
    fh_device_stats stats;
    fh_device_stats no_stats;
    fh_device_detail detail;
    fh_device_detail no_detail;
    memset(&stats, 0x55, sizeof stats);
    memset(&no_stats, 0, sizeof no_stats);
    memset(&detail, 0x55, sizeof detail);
    memset(&no_detail, 0, sizeof no_detail);
    CHECK_RESULT(fh_device_get_stats(NULL, &stats), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
    assert_memory_equal(&stats, &no_stats, sizeof stats);
    CHECK_RESULT(fh_device_get_stats(c->device, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_stats");
    CHECK_RESULT(fh_device_get_detail(NULL, &detail), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
    assert_memory_equal(&detail, &no_detail, sizeof detail);
    CHECK_RESULT(fh_device_get_detail(c->device, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_detail");
}

static void gaps_and_extremes_are_those_of_the_block(void **state)
{
    const card *c = *state;
    fh_pool *pool;
    fh_parcel raws[4];
    static const uint64_t sizes[] = {KIB(64), KIB(256), KIB(128), KIB(64)};
    fh_device_detail detail;
    CHECK_OK(fh_pool_create(
        c->device, &(fh_pool_desc){.block_size = MIB(1), .algorithm = FH_BLOCK_LINEAR}, &pool));
    for (size_t i = 0; i < 4; i++) {
        raws[i] = check_raw(c, &(fh_raw_desc){.size = sizes[i], .memory = {.pool = pool}});
    }
    check_release(c, raws[1]);
    CHECK_OK(fh_device_get_detail(c->device, &detail));
    const fh_stats_detail *local = &detail.types[CARD_LOCAL];
    CHECK_EQUAL(local->stats.block_count, 1);
    CHECK_EQUAL(local->stats.block_bytes, MIB(1));
    CHECK_EQUAL(local->stats.range_count, 3);
    CHECK_EQUAL(local->stats.range_bytes, KIB(256));
    CHECK_EQUAL(local->range_min, KIB(64));
    CHECK_EQUAL(local->range_max, KIB(128));
    CHECK_EQUAL(local->free_count, 2);
    CHECK_EQUAL(local->free_min, KIB(256));
    CHECK_EQUAL(local->free_max, KIB(512));
    assert_true(is_empty_set(&detail.types[CARD_WRITTEN]));
    check_all(c);
    check_release(c, raws[0]);
    check_release(c, raws[2]);
    check_release(c, raws[3]);
    check_all(c);
    CHECK_OK(fh_pool_destroy(pool));
    check_all(c);
}

static void a_dedicated_allocation_is_a_block_with_one_range(void **state)
{
    const card *c = *state;
    fh_buffer_desc desc = card_buffer_desc(MIB(1));
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    fh_parcel buffer = check_make(c, &desc);
    fh_device_detail detail;
    fh_device_stats stats = check_all(c);
    CHECK_EQUAL(stats.types[CARD_LOCAL].dedicated_count, 1);
    CHECK_EQUAL(stats.total.dedicated_count, 1);
    CHECK_EQUAL(stats.total.stats.block_count, 1);
    CHECK_OK(fh_device_get_detail(c->device, &detail));
    CHECK_EQUAL(detail.total.free_count, 0);
    CHECK_EQUAL(detail.total.range_min, stats.total.stats.block_bytes);
    CHECK_EQUAL(detail.total.range_max, stats.total.stats.block_bytes);
    check_release(c, buffer);
    stats = check_all(c);
    CHECK_EQUAL(stats.total.stats.block_count, 0);
}

static void counts_follow_what_is_made_and_released(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_parcel external;
    fh_device_stats before = check_all(c);
    fh_buffer_desc desc = card_buffer_desc(1000);
    desc.capacity = 5000;
    fh_parcel buffer = check_make(c, &desc);
    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = KIB(64)});
    fh_buffer_desc over = card_buffer_desc(2000);
    over.memory.backing = raw;
    fh_parcel alias = check_make(c, &over);
    CHECK_OK(fh_external_create(c->device, &(fh_external_desc){.size = 777}, &external));
    fh_device_stats stats = check_all(c);
    CHECK_EQUAL(stats.parcel_count, 4);
    CHECK_EQUAL(stats.committed_bytes, 1000 + KIB(64) + 2000 + 777);
    CHECK_EQUAL(stats.external_bytes, 777);
    CHECK_EQUAL(stats.total.stats.range_count, 2); /* an alias has no range of its own */
    CHECK_EQUAL(stats.total.stats.range_bytes,
                check_info(c, buffer).reserved + check_info(c, raw).reserved);
    CHECK_EQUAL(stats.retiring_count, 0);
    assert_true(stats.driver_alloc_count > before.driver_alloc_count);

    uint64_t reserved = check_info(c, buffer).reserved;
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){queue, 3}));
    check_release(c, buffer);
    stats = check_all(c);
    CHECK_EQUAL(stats.retiring_count, 1);
    CHECK_EQUAL(stats.total.retiring_bytes, reserved);
    CHECK_EQUAL(stats.types[CARD_LOCAL].retiring_bytes, reserved);
    CHECK_EQUAL(stats.heaps[0].retiring_bytes, reserved);
    CHECK_EQUAL(stats.parcel_count, 4);
    CHECK_OK(fh_queue_signal(c->device, queue, 3));
    CHECK_OK(fh_device_tick(c->device));
    stats = check_all(c);
    CHECK_EQUAL(stats.retiring_count, 0);
    CHECK_EQUAL(stats.total.retiring_bytes, 0);
    CHECK_EQUAL(stats.parcel_count, 3);
    CHECK_EQUAL(stats.tick_count, before.tick_count + 1);
    check_release(c, alias);
    check_release(c, raw);
    check_release(c, external);
    stats = check_all(c);
    CHECK_EQUAL(stats.parcel_count, 0);
    CHECK_EQUAL(stats.committed_bytes, 0);
    CHECK_EQUAL(stats.external_bytes, 0);
    CHECK_EQUAL(stats.total.stats.range_bytes, 0);
    CHECK_OK(fh_device_trim(c->device, NULL));
    stats = check_all(c);
    CHECK_EQUAL(stats.driver_free_count, stats.driver_alloc_count);
    CHECK_EQUAL(stats.total.stats.block_bytes, 0);
}

static void budgets_take_our_own_growth_in(void **state)
{
    const card *c = *state;
    CHECK_OK(fh_device_tick(c->device));
    fh_device_stats before = card_stats(c);
    fh_buffer_desc desc = card_buffer_desc(MIB(2));
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    fh_parcel buffer = check_make(c, &desc);
    fh_device_stats stats = card_stats(c);
    CHECK_EQUAL(stats.budgets[0].budget, GIB(1));
    CHECK_EQUAL(stats.budgets[0].usage, before.budgets[0].usage + MIB(2));
    CHECK_EQUAL(stats.budgets[1].usage, before.budgets[1].usage);
    CHECK_OK(fh_device_tick(c->device)); /* the system says the same */
    CHECK_EQUAL(card_stats(c).budgets[0].usage, before.budgets[0].usage + MIB(2));
    check_release(c, buffer);
    CHECK_EQUAL(card_stats(c).budgets[0].usage, before.budgets[0].usage);
}

static void refusals_are_counted(void **state)
{
    const card *c = *state;
    fh_parcel buffer;
    fh_buffer_desc desc = card_buffer_desc(MIB(2));
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, MIB(1));
    uint64_t before = card_stats(c).refused_count;
    CHECK_RESULT(fh_buffer_create(c->device, &desc, &buffer), FH_ERR_BUDGET);
    CHECK_EQUAL(card_stats(c).refused_count, before + 1);
    check_limit(c, FH_ACCOUNT_KIND, FH_KIND_BUFFER, FH_NO_LIMIT);
}

/* Everything that there is, at random, and all sums compared as it goes. */
static fh_parcel make_any(const card *c, test_rng *rng, fh_pool *pool, fh_parcel raw)
{
    fh_parcel parcel = {0};
    uint64_t size = test_log_uniform(rng, KIB(512));
    switch (test_below(rng, 6)) {
    case 0:
        (void)fh_texture_create(c->device,
                                &(fh_texture_desc){.format = FH_FORMAT_RGBA8_UNORM,
                                                   .width = 1 + (uint32_t)test_below(rng, 128),
                                                   .height = 1 + (uint32_t)test_below(rng, 128),
                                                   .linear = test_chance(rng, 20)},
                                &parcel);
        break;
    case 1:
        (void)fh_raw_create(
            c->device,
            &(fh_raw_desc){.size = size, .memory = {.pool = test_chance(rng, 50) ? pool : NULL}},
            &parcel);
        break;
    case 2:
        (void)fh_external_create(c->device, &(fh_external_desc){.size = size, .heap = 1}, &parcel);
        break;
    default: {
        fh_buffer_desc desc = card_buffer_desc(size);
        desc.memory.location = (fh_location)test_below(rng, FH_LOCATION_COUNT);
        desc.memory.dedicated = test_chance(rng, 10) ? FH_DEDICATED_REQUIRE : FH_DEDICATED_AUTO;
        if (test_chance(rng, 10) && size <= KIB(64)) {
            desc.memory = (fh_memory_desc){.backing = raw};
        }
        (void)fh_buffer_create(c->device, &desc, &parcel);
        break;
    }
    }
    return parcel;
}

static void random_doings_keep_all_sums_equal(void **state)
{
    const card *c = *state;
    test_rng rng = {test_seed()};
    uint32_t queue = check_queue(c);
    fh_pool *pool;
    fh_parcel parcels[64] = {{0}};
    CHECK_OK(fh_pool_create(c->device, &(fh_pool_desc){.block_size = MIB(1)}, &pool));
    fh_parcel raw = check_raw(c, &(fh_raw_desc){.size = KIB(128)});
    uint64_t operations = test_operations(3000);
    for (uint64_t i = 1; i <= operations; i++) {
        size_t at = (size_t)test_below(&rng, TEST_COUNT_OF(parcels));
        if (parcels[at].id == 0) {
            parcels[at] = make_any(c, &rng, pool, raw);
        } else if (test_chance(&rng, 15)) {
            (void)fh_buffer_resize(c->device, parcels[at], test_log_uniform(&rng, KIB(256)), NULL);
        } else {
            if (test_chance(&rng, 30)) {
                CHECK_OK(fh_parcel_use(c->device, parcels[at], (fh_epoch){queue, i}));
            }
            check_release(c, parcels[at]);
            parcels[at] = (fh_parcel){0};
        }
        if (i % 16 == 0) {
            CHECK_OK(fh_queue_signal(c->device, queue, i - 8));
            CHECK_OK(fh_device_tick(c->device));
        }
        check_all(c);
    }
    for (size_t i = 0; i < TEST_COUNT_OF(parcels); i++) {
        check_release(c, parcels[i]);
    }
    check_release(c, raw);
    CHECK_OK(fh_queue_signal(c->device, queue, operations));
    CHECK_OK(fh_device_wait_idle(c->device, FH_WAIT_FOREVER));
    CHECK_OK(fh_device_tick(c->device));
    CHECK_OK(fh_device_trim(c->device, NULL)); /* staging memory, too */
    CHECK_EQUAL(check_all(c).parcel_count, 0);
    CHECK_OK(fh_pool_destroy(pool));
}

static void details_need_host_memory_and_say_so(void **state)
{
    (void)state;
    test_memory memory;
    test_memory_init(&memory);
    card c;
    card_small(&c);
    c.desc.memory = &memory.host;
    check_open(&c);
    fh_parcel parcels[200];
    for (size_t i = 0; i < TEST_COUNT_OF(parcels); i++) {
        parcels[i] = check_buffer(&c, KIB(8));
    }
    fh_device_detail nothing;
    memset(&nothing, 0, sizeof nothing);
    uint64_t n = 1;
    for (;; n++) {
        fh_device_detail detail;
        memset(&detail, 0x55, sizeof detail);
        uint64_t failed = memory.failure_count;
        size_t live = memory.live_count;
        memory.fail_at = memory.alloc_count + n;
        fh_result result = fh_device_get_detail(c.device, &detail);
        memory.fail_at = 0;
        CHECK_EQUAL(memory.live_count, live);
        if (memory.failure_count == failed) {
            CHECK_OK(result);
            break;
        }
        CHECK_RESULT(result, FH_ERR_HOST_MEMORY);
        CHECK_DETAIL_NAMES("host memory");
        assert_memory_equal(&detail, &nothing, sizeof detail);
    }
    assert_true(n > 2);
    /* Brief ones need none. */
    memory.fail_at = memory.alloc_count + 1;
    memory.fail_on = true;
    fh_device_stats stats;
    CHECK_OK(fh_device_get_stats(c.device, &stats));
    CHECK_EQUAL(stats.parcel_count, 200);
    memory.fail_at = 0;
    for (size_t i = 0; i < TEST_COUNT_OF(parcels); i++) {
        check_release(&c, parcels[i]);
    }
    check_close(&c);
    test_memory_finish(&memory);
}

/* ---- threads ---- */

typedef struct maker {
    pthread_t thread;
    const card *card;
    _Atomic bool *stop;
    uint64_t seed;
} maker;

static void *make(void *argument)
{
    maker *m = argument;
    test_rng rng = {m->seed};
    fh_parcel parcels[32] = {{0}};
    while (!atomic_load(m->stop)) {
        size_t i = (size_t)test_below(&rng, TEST_COUNT_OF(parcels));
        if (parcels[i].id != 0) {
            fh_parcel_release(m->card->device, parcels[i]);
            parcels[i] = (fh_parcel){0};
        } else {
            parcels[i] = make_any(m->card, &rng, NULL, (fh_parcel){0});
        }
        if (test_chance(&rng, 2)) {
            fh_device_tick(m->card->device);
        }
    }
    for (size_t i = 0; i < TEST_COUNT_OF(parcels); i++) {
        fh_parcel_release(m->card->device, parcels[i]);
    }
    return NULL;
}

static void a_storm_can_be_counted(void **state)
{
    const card *c = *state;
    _Atomic bool stop = false;
    maker makers[3];
    for (size_t i = 0; i < TEST_COUNT_OF(makers); i++) {
        makers[i] = (maker){.card = c, .stop = &stop, .seed = test_seed() + i};
        assert_int_equal(pthread_create(&makers[i].thread, NULL, make, &makers[i]), 0);
    }
    for (unsigned int i = 0; i < 300; i++) {
        fh_device_detail detail;
        fh_device_stats stats = card_stats(c);
        CHECK_OK(fh_device_get_detail(c->device, &detail));
        CHECK_NO_FAULT(sum_fault(c->device, &detail));
        assert_true(stats.total.stats.block_bytes <= MIB(96));
        assert_true(stats.parcel_count <= 99);
        assert_true(stats.total.dedicated_count <= stats.total.stats.block_count);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < TEST_COUNT_OF(makers); i++) {
        assert_int_equal(pthread_join(makers[i].thread, NULL), 0);
    }
    CHECK_EQUAL(check_all(c).parcel_count, 0);
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CARD(an_empty_device_has_nothing),
        WITH_CARD(null_is_refused_and_zeroed),
        WITH_CARD(gaps_and_extremes_are_those_of_the_block),
        WITH_CARD(a_dedicated_allocation_is_a_block_with_one_range),
        WITH_CARD(counts_follow_what_is_made_and_released),
        WITH_CARD(budgets_take_our_own_growth_in),
        WITH_CARD(refusals_are_counted),
        WITH_CARD(random_doings_keep_all_sums_equal),
        cmocka_unit_test(details_need_host_memory_and_say_so),
        WITH_CARD(a_storm_can_be_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
