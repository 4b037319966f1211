/* Allocators and aliases: what is made through an alias goes to its allocator, the original is
 * unaffected; what an allocator asks for in vain is relieved when it is off the stack; and threads
 * make and destroy aliases. Deeds are in test_deed.c. */

#include "counter.h"

#include <limits.h>

/* ---- the table ---- */

static void arguments_that_are_wrong_are_refused(void **state)
{
    fixture *f = *state;
    fh_device *alias = f->alias;
    CHECK_RESULT(fh_device_with_allocator(NULL, &counter_ops, NULL, &alias), FH_ERR_INVALID);
    assert_null(alias);
    CHECK_RESULT(fh_device_with_allocator(f->card.device, NULL, NULL, &alias), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_with_allocator(f->card.device, &counter_ops, NULL, NULL),
                 FH_ERR_INVALID);
    CHECK_RESULT(fh_device_with_allocator(f->card.device, &(fh_allocator_ops){0}, NULL, &alias),
                 FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("name");
    assert_null(fh_device_allocator_name(NULL));
    CHECK_EQUAL(fh_device_allocated_bytes(NULL), 0);
    CHECK_EQUAL(fh_device_budget(NULL), 0);
}

static void each_operation_gets_what_is_made_through_the_alias(void **state)
{
    fixture *f = *state;
    assert_string_equal(fh_device_allocator_name(f->alias), "counter");
    assert_string_equal(fh_device_allocator_name(f->card.device), "default");
    fh_parcel parcels[4];
    fh_buffer_desc buffer = card_buffer_desc(1000);
    CHECK_OK(fh_buffer_create(f->alias, &buffer, &parcels[0]));
    CHECK_EQUAL(f->counter.buffers, 1);
    assert_ptr_equal(f->counter.base, f->card.device);
    buffer.capacity = 4000;
    CHECK_OK(fh_buffer_create(f->alias, &buffer, &parcels[1]));
    CHECK_EQUAL(f->counter.grown, 1);
    fh_texture_desc texture = {.format = FH_FORMAT_RGBA8_UNORM, .width = 16};
    CHECK_OK(fh_texture_create(f->alias, &texture, &parcels[2]));
    CHECK_EQUAL(f->counter.textures, 1);
    fh_raw_desc raw = {.size = 1000};
    CHECK_OK(fh_raw_create(f->alias, &raw, &parcels[3]));
    CHECK_EQUAL(f->counter.raws, 1);
    /* The original is unaffected. */
    check_release(&f->card, check_buffer(&f->card, 1000));
    CHECK_EQUAL(f->counter.buffers, 1);
    CHECK_EQUAL(atomic_load(&f->counter.freed), 0);
    /* Handles are good on both. */
    fh_parcel_info info;
    CHECK_OK(fh_parcel_get(f->card.device, parcels[0], &info));
    CHECK_OK(fh_parcel_release(f->card.device, parcels[0]));
    for (uint32_t i = 1; i < 4; i++) {
        CHECK_OK(fh_parcel_release(f->alias, parcels[i]));
        CHECK_EQUAL(atomic_load(&f->counter.freed), i + 1);
    }
    CHECK_RESULT(fh_parcel_release(f->alias, parcels[0]), FH_ERR_STALE);
}

static void an_operation_that_is_missing_goes_to_the_device_under_it(void **state)
{
    fixture *f = *state;
    counter c = {0};
    fh_device *alias;
    fh_allocator_ops ops = {.name = "listener", .notify_freed = count_freed};
    CHECK_OK(fh_device_with_allocator(f->card.device, &ops, &c, &alias));
    fh_parcel buffer = check_buffer_of(alias, 1000), texture, raw;
    fh_texture_desc texture_desc = {.format = FH_FORMAT_RGBA8_UNORM, .width = 16};
    CHECK_OK(fh_texture_create(alias, &texture_desc, &texture));
    CHECK_OK(fh_raw_create(alias, &(fh_raw_desc){.size = 50}, &raw));
    CHECK_OK(fh_device_tick(alias));
    check_release(&f->card, buffer);
    check_release(&f->card, texture);
    check_release(&f->card, raw);
    CHECK_EQUAL(atomic_load(&c.freed), 3);
    fh_device_destroy(alias);
    /* Without an operation for capacities the other one gets these, too. */
    ops = counter_ops;
    ops.alloc_buffer_with_capacity = NULL;
    ops.destroy = NULL;
    CHECK_OK(fh_device_with_allocator(f->card.device, &ops, &c, &alias));
    fh_buffer_desc desc = card_buffer_desc(1000);
    desc.capacity = 2000;
    CHECK_OK(fh_buffer_create(alias, &desc, &buffer));
    CHECK_EQUAL(c.buffers, 1);
    check_release(&f->card, buffer);
    fh_device_destroy(alias);
}

static void a_wrong_description_does_not_reach_the_allocator(void **state)
{
    fixture *f = *state;
    fh_buffer_desc desc = card_buffer_desc(0);
    fh_parcel parcel;
    CHECK_REFUSED(fh_buffer_create(f->alias, &desc, &parcel), parcel, FH_ERR_INVALID, "size");
    desc = card_buffer_desc(100);
    desc.memory.priority = 7.0F;
    CHECK_REFUSED(fh_buffer_create(f->alias, &desc, &parcel), parcel, FH_ERR_INVALID, "priority");
    CHECK_EQUAL(f->counter.buffers, 0);
}

static void what_it_says_of_bytes_and_budgets_is_passed_on(void **state)
{
    fixture *f = *state;
    CHECK_EQUAL(fh_device_budget(f->alias), FH_NO_LIMIT);
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, MIB(20));
    CHECK_EQUAL(fh_device_budget(f->alias), MIB(20));
    CHECK_EQUAL(fh_device_budget(f->card.device), MIB(20));
    CHECK_EQUAL(fh_device_allocated_bytes(f->alias), 0);
    fh_parcel mine = check_buffer_of(f->alias, 1000), other = check_buffer(&f->card, 500);
    CHECK_EQUAL(fh_device_allocated_bytes(f->alias), 1000);
    CHECK_EQUAL(fh_device_allocated_bytes(f->card.device), 1500);
    check_release(&f->card, mine);
    check_release(&f->card, other);
    CHECK_EQUAL(fh_device_allocated_bytes(f->alias), 0);
    CHECK_EQUAL(fh_device_allocated_bytes(f->card.device), 0);
    fh_device *alias;
    fh_allocator_ops ops = {
        .name = "sayer", .allocated_bytes = count_allocated, .budget = count_budget};
    CHECK_OK(fh_device_with_allocator(f->card.device, &ops, NULL, &alias));
    CHECK_EQUAL(fh_device_allocated_bytes(alias), 4711);
    CHECK_EQUAL(fh_device_budget(alias), 815);
    fh_device_destroy(alias);
}

/* ---- ticks and relief ---- */

static void it_may_reclaim_at_every_tick(void **state)
{
    fixture *f = *state;
    uint32_t before = f->counter.reclaims;
    uint64_t ticks = card_stats(&f->card).tick_count;
    for (int i = 0; i < 3; i++) {
        CHECK_OK(fh_device_tick(i % 2 == 0 ? f->card.device : f->alias));
    }
    CHECK_EQUAL(f->counter.reclaims - before, card_stats(&f->card).tick_count - ticks);
    assert_ptr_equal(f->counter.base, f->card.device);
}

/* With a lock of its own held around what it asks of the device, also in notify_freed. */
static void what_it_asks_for_in_vain_is_relieved_when_it_is_off_the_stack(void **state)
{
    fixture *f = *state;
    pthread_mutex_t mutex;
    pthread_mutex_init(&mutex, NULL);
    f->counter.mutex = &mutex;
    fh_raw_desc desc = dedicated_desc(MIB(20));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(fh_raw_create(f->alias, &desc, &f->counter.kept[i]));
    }
    CHECK_EQUAL(f->counter.raws, 3);
    fh_parcel parcel;
    CHECK_OK(fh_raw_create(f->alias, &desc, &parcel)); /* drains it */
    CHECK_EQUAL(f->counter.drains, 1);
    CHECK_EQUAL(card_stats(&f->card).relieved_count, 1);
    CHECK_EQUAL(card_stats(&f->card).refused_count, 0);
    assert_true(f->counter.raws > 4); /* it was asked again */
    CHECK_EQUAL(atomic_load(&f->counter.freed), 3);
    check_release(&f->card, parcel);

    /* A spill reaches its requests. */
    fh_parcel full =
        check_raw(&f->card, &(fh_raw_desc){.size = MIB(60),
                                           .memory = {.dedicated = FH_DEDICATED_REQUIRE,
                                                      .type_mask = 1U << CARD_LOCAL}});
    fh_parcel spilled = check_buffer_of(f->alias, MIB(7));
    assert_true(check_info(&f->card, spilled).type != CARD_LOCAL);
    check_release(&f->card, spilled);

    /* What cannot be helped is refused once, with the device's sentence. */
    desc.size = MIB(10);
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, MIB(61));
    CHECK_REFUSED(fh_raw_create(f->alias, &desc, &parcel), parcel, FH_ERR_BUDGET, "live");
    CHECK_EQUAL(card_stats(&f->card).refused_count, 1);
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, FH_NO_LIMIT);
    check_release(&f->card, full);
    pthread_mutex_destroy(&mutex);
    f->counter.mutex = NULL;
}

/* Asks in a pool of its own, which it destroys again when that has no room. */
static fh_result make_in_own_pool(void *context, fh_device *base, const fh_buffer_desc *desc,
                                  fh_parcel *out_buffer)
{
    counter *c = context;
    fh_pool *pool;
    fh_pool_desc pool_desc = {
        .type_mask = 1U << CARD_LOCAL, .block_size = KIB(64), .block_count_max = 1};
    fh_buffer_desc in_pool = *desc;
    c->buffers++;
    fh_result result = fh_pool_create(base, &pool_desc, &pool);
    if (result == FH_OK) {
        in_pool.memory.pool = pool;
        result = fh_buffer_create(base, &in_pool, out_buffer);
        c->refusal = fh_pool_destroy(pool);
    }
    return result;
}

static bool never_lets_go(void *context, fh_device *device, fh_parcel parcel, void *user)
{
    (void)device;
    (void)parcel;
    (void)user;
    ++*(uint32_t *)context;
    return false;
}

static void a_pool_that_it_destroys_is_not_looked_at_by_relief(void **state)
{
    fixture f = {0};
    uint32_t asked = 0;
    (void)state;
    card_small(&f.card);
    f.card.desc.evict = never_lets_go;
    f.card.desc.evict_context = &asked;
    check_open(&f.card);
    fh_buffer_desc victim = card_buffer_desc(KIB(100));
    victim.memory.evictable = FH_EVICTABLE_ANY_THREAD;
    fh_parcel lives = check_make(&f.card, &victim);
    fh_allocator_ops ops = {.name = "digger", .alloc_buffer = make_in_own_pool};
    fh_device *alias;
    CHECK_OK(fh_device_with_allocator(f.card.device, &ops, &f.counter, &alias));
    fh_buffer_desc desc = card_buffer_desc(KIB(65));
    fh_parcel parcel;
    CHECK_REFUSED(fh_buffer_create(alias, &desc, &parcel), parcel, FH_ERR_OUT_OF_MEMORY, "");
    CHECK_OK(f.counter.refusal);
    assert_true(f.counter.buffers > 1); /* relief did what it could for the pool's heap */
    assert_true(asked > 0);
    check_release(&f.card, lives);
    fh_device_destroy(alias);
    check_close(&f.card);
}

static void a_result_that_is_none_is_refused_by_name(void **state)
{
    fixture *f = *state;
    static const int wrong[] = {1, 4711, -77, INT_MIN};
    fh_buffer_desc desc = card_buffer_desc(100);
    fh_parcel parcel;
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        f->counter.refusal = (fh_result)wrong[i];
        CHECK_REFUSED(fh_buffer_create(f->alias, &desc, &parcel), parcel, FH_ERR_INVALID,
                      "counter");
    }
    f->counter.refusal = FH_ERR_UNSUPPORTED; /* one that there is, is passed on */
    CHECK_RESULT(fh_buffer_create(f->alias, &desc, &parcel), FH_ERR_UNSUPPORTED);
    f->counter.refusal = FH_OK;
}

static void the_same_through_two_of_them(void **state)
{
    fixture *f = *state;
    counter outer = {0};
    fh_device *second = make_alias(f->alias, &outer);
    fh_raw_desc desc = dedicated_desc(MIB(20));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(fh_raw_create(second, &desc, &outer.kept[i]));
    }
    fh_parcel parcel;
    CHECK_OK(fh_raw_create(second, &desc, &parcel));
    CHECK_EQUAL(outer.drains, 1);
    CHECK_EQUAL(card_stats(&f->card).relieved_count, 1);
    CHECK_EQUAL(card_stats(&f->card).refused_count, 0);
    check_release(&f->card, parcel);
    desc.size = MIB(100);
    CHECK_RESULT(fh_raw_create(second, &desc, &parcel), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(card_stats(&f->card).refused_count, 1);
    fh_device_destroy(second);
}

static void host_memory_that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    card c;
    counter k = {0};
    test_memory memory;
    test_memory_init(&memory);
    card_small(&c);
    c.desc.memory = &memory.host;
    check_open(&c);
    fh_device *alias = NULL;
    for (uint64_t at = 1; !alias; at++) {
        memory.fail_at = memory.alloc_count + at;
        fh_result result = fh_device_with_allocator(c.device, &counter_ops, &k, &alias);
        memory.fail_at = 0;
        assert_true(result == FH_OK || result == FH_ERR_HOST_MEMORY);
        assert_true((alias != NULL) == (result == FH_OK));
    }
    CHECK_EQUAL(atomic_load(&k.destroyed), 0);
    fh_device_destroy(alias);
    check_close(&c);
    test_memory_finish(&memory);
}

/* ---- threads ---- */

enum {
    RACERS = 4,
    RACE_ROUNDS = 1000
};

typedef struct racer {
    pthread_t thread;
    uint32_t number;
    fh_device *device; /* ours to the end */
    _Atomic uint32_t *made;
    counter *shared;
    const char *fault;
} racer;

static fh_result make_quietly(void *context, fh_device *base, const fh_buffer_desc *desc,
                              fh_parcel *out_buffer)
{
    (void)context;
    return fh_buffer_create(base, desc, out_buffer);
}

static const fh_allocator_ops quiet_ops = {
    .name = "quiet",
    .alloc_buffer = make_quietly,
    .notify_freed = count_freed,
    .destroy = count_destroy,
};

/* Aliases are made and destroyed while parcels of theirs live, and others tick. */
static void *race(void *argument)
{
    racer *r = argument;
    test_rng rng = {test_seed() + r->number};
    fh_parcel parcels[8] = {{0}};
    for (uint32_t i = 0; i < RACE_ROUNDS && !r->fault; i++) {
        fh_device *alias;
        if (fh_device_with_allocator(r->device, &quiet_ops, r->shared, &alias) != FH_OK) {
            r->fault = "no alias";
            break;
        }
        for (uint32_t j = 0; j < 4; j++) {
            fh_parcel *place = &parcels[test_below(&rng, 8)];
            fh_buffer_desc desc = card_buffer_desc(test_log_uniform(&rng, KIB(8)));
            if (fh_parcel_release(r->device, *place) != FH_OK ||
                fh_buffer_create(alias, &desc, place) != FH_OK) {
                r->fault = "a call failed";
                break;
            }
            atomic_fetch_add(r->made, 1);
        }
        if (i % 8 == r->number) {
            fh_device_tick(alias);
        }
        fh_device_destroy(alias);
    }
    for (uint32_t j = 0; j < 8; j++) {
        fh_parcel_release(r->device, parcels[j]);
    }
    return NULL;
}

static void aliases_come_and_go_while_threads_use_them(void **state)
{
    fixture *f = *state;
    racer racers[RACERS];
    counter shared[RACERS] = {{0}};
    _Atomic uint32_t made = 0;
    test_seed();
    for (uint32_t i = 0; i < RACERS; i++) {
        racers[i] =
            (racer){.number = i, .device = f->card.device, .made = &made, .shared = &shared[i]};
        /* Told also after one of its aliases went: they share a context. */
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    uint32_t freed = 0, destroyed = 0;
    for (uint32_t i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        CHECK_NO_FAULT(racers[i].fault);
        freed += atomic_load(&shared[i].freed);
        destroyed += atomic_load(&shared[i].destroyed);
    }
    CHECK_EQUAL(freed, atomic_load(&made));
    CHECK_EQUAL(destroyed, RACERS * RACE_ROUNDS);
    CHECK_EQUAL(fh_device_allocated_bytes(f->card.device), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALLOCATOR_TEST(arguments_that_are_wrong_are_refused),
        ALLOCATOR_TEST(each_operation_gets_what_is_made_through_the_alias),
        ALLOCATOR_TEST(an_operation_that_is_missing_goes_to_the_device_under_it),
        ALLOCATOR_TEST(a_wrong_description_does_not_reach_the_allocator),
        ALLOCATOR_TEST(what_it_says_of_bytes_and_budgets_is_passed_on),
        ALLOCATOR_TEST(it_may_reclaim_at_every_tick),
        ALLOCATOR_TEST(what_it_asks_for_in_vain_is_relieved_when_it_is_off_the_stack),
        ALLOCATOR_TEST(the_same_through_two_of_them),
        cmocka_unit_test(a_pool_that_it_destroys_is_not_looked_at_by_relief),
        ALLOCATOR_TEST(a_result_that_is_none_is_refused_by_name),
        cmocka_unit_test(host_memory_that_fails_leaves_nothing_behind),
        ALLOCATOR_TEST(aliases_come_and_go_while_threads_use_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
