/* Eviction: who is asked to let go, in which order, and for how many bytes. What owners then do is
 * in test_evict_owners.c. */

#include "evictor.h"

#include <math.h>

/* ---- the order ---- */

static void natively_the_lowest_priority_then_the_longest_unused_then_the_largest(void **state)
{
    fixture *f = *state;
    make(f, 1000, 0.9F, FH_EVICTABLE_AT_TICK);                  /* a */
    make(f, 1000, 0.1F, FH_EVICTABLE_AT_TICK);                  /* b */
    fh_parcel used = make(f, 5000, 0.5F, FH_EVICTABLE_AT_TICK); /* c */
    make(f, 1000, 0.5F, FH_EVICTABLE_AT_TICK);                  /* d */
    make(f, 2000, 0.5F, FH_EVICTABLE_ANY_THREAD);               /* e */
    fh_parcel never = make(f, 1000, 0.001F, FH_EVICTABLE_NO);   /* f */
    tick(f);
    uint32_t queue = check_queue(&f->card);
    CHECK_OK(fh_parcel_use(f->card.device, used, (fh_epoch){queue, 1}));
    CHECK_EQUAL(f->owner.count, 0);
    limit_total(f, 1);
    tick(f);
    check_asked(f, "bedca");
    check_release(&f->card, never);
    CHECK_OK(fh_queue_signal(f->card.device, queue, 1));
}

static void as_many_are_asked_as_it_takes(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        make_one(f, 1000);
    }
    limit_total(f, 6500);
    tick(f);
    check_asked(f, "abcd");
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 6000);
    tick(f);
    check_asked(f, "abcd");
    limit_total(f, 0);
    tick(f);
    check_asked(f, "abcdefghij");
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 0);
    CHECK_EQUAL(card_stats(&f->card).evict_asked_count, 10);
    CHECK_EQUAL(card_stats(&f->card).evict_ignored_count, 0);
}

static void what_retires_already_is_not_asked_for_again(void **state)
{
    fixture *f = *state;
    uint32_t queue = check_queue(&f->card);
    for (int i = 0; i < 4; i++) {
        CHECK_OK(fh_parcel_use(f->card.device, make_one(f, 1000), (fh_epoch){queue, 1}));
    }
    limit_total(f, 2000);
    tick(f);
    check_asked(f, "ab");
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 4000);
    for (int i = 0; i < 3; i++) {
        tick(f);
    }
    check_asked(f, "ab");
    CHECK_OK(fh_queue_signal(f->card.device, queue, 1));
    tick(f);
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 2000);
    check_asked(f, "ab");
    limit_total(f, 0);
    tick(f);
}

static void a_policy_orders_by_columns(void **state)
{
    fixture *f = *state;
    fh_tag tag;
    CHECK_OK(fh_device_tag(f->card.device, "terrain", &tag));
    f->orderer.decides = true;
    set(f);
    static const struct {
        fh_evict_order order;
        const char *names;
    } orders[] = {
        {{.column_count = 1, .columns = {{FH_EVICT_SIZE, false}}}, "adcb"},
        {{.column_count = 1, .columns = {{FH_EVICT_SIZE, true}}}, "bcda"},
        {{.column_count = 2, .columns = {{FH_EVICT_PRIORITY, true}, {FH_EVICT_SIZE, true}}},
         "cabd"},
        {{.column_count = 2, .columns = {{FH_EVICT_PRIORITY, false}, {FH_EVICT_SIZE, false}}},
         "dbac"},
        {{.column_count = 3,
          .columns = {{FH_EVICT_TAG, true}, {FH_EVICT_MADE, false}, {FH_EVICT_SIZE, false}}},
         "dacb"},
        {{.column_count = 2, .columns = {{FH_EVICT_KIND, false}, {FH_EVICT_SIZE, true}}}, "bcda"},
    };
    for (size_t i = 0; i < TEST_COUNT_OF(orders); i++) {
        f->owner.count = f->made = 0;
        f->orderer.order = orders[i].order;
        limit_total(f, FH_NO_LIMIT);
        make(f, 1000, 0.6F, FH_EVICTABLE_AT_TICK);
        make(f, 3000, 0.2F, FH_EVICTABLE_AT_TICK);
        make(f, 2000, 0.6F, FH_EVICTABLE_AT_TICK);
        fh_raw_desc desc = {.size = 1500,
                            .memory = {.dedicated = FH_DEDICATED_REQUIRE,
                                       .priority = 0.2F,
                                       .evictable = FH_EVICTABLE_AT_TICK,
                                       .tag = tag,
                                       .user = &f->names[3]}};
        check_raw(&f->card, &desc);
        limit_total(f, 1);
        tick(f);
        check_asked(f, orders[i].names);
        CHECK_EQUAL(f->orderer.count, 4);
        CHECK_EQUAL(f->orderer.wanted, 7499);
        for (int j = 0; j < 4; j++) { /* in any order: slots are used again */
            assert_true(
                f->orderer.priorities[j] ==
                (f->orderer.sizes[j] % 1000 != 0 || f->orderer.sizes[j] == 3000 ? 0.2F : 0.6F));
            CHECK_EQUAL(f->orderer.tags[j], f->orderer.sizes[j] == 1500 ? tag : 0);
            assert_int_equal(f->orderer.kinds[j], FH_KIND_RAW);
        }
    }
}

static double by_size_but_the_third(const fh_candidates *candidates, uint32_t i)
{
    return i == 2 ? NAN : (double)candidates->sizes[i] * -1.0;
}

static void a_policy_orders_by_keys_and_nan_is_never(void **state)
{
    fixture *f = *state;
    f->orderer.decides = true;
    f->orderer.order.use_keys = true;
    f->orderer.key = by_size_but_the_third;
    set(f);
    fh_parcel parcels[6];
    for (uint64_t i = 0; i < 6; i++) {
        parcels[i] = make_one(f, 1000 + i % 3 * 500);
    }
    limit_total(f, 1);
    tick(f);
    check_asked(f, "fbead"); /* equal ones as they stand */
    check_release(&f->card, parcels[2]);
}

static void ages_and_times_are_in_ticks(void **state)
{
    fixture *f = *state;
    f->orderer.decides = true;
    f->orderer.order = (fh_evict_order){.column_count = 1, .columns = {{FH_EVICT_AGE, true}}};
    set(f);
    tick(f);
    fh_parcel a = make_one(f, 1000);
    uint64_t start = card_stats(&f->card).tick_count;
    for (int i = 0; i < 5; i++) {
        tick(f);
    }
    make_one(f, 1000);
    uint64_t later = card_stats(&f->card).tick_count;
    tick(f);
    uint32_t queue = check_queue(&f->card);
    CHECK_OK(fh_parcel_use(f->card.device, a, (fh_epoch){queue, 1}));
    uint64_t used = card_stats(&f->card).tick_count;
    limit_total(f, 1);
    tick(f);
    uint64_t now = card_stats(&f->card).tick_count;
    check_asked(f, "ba");
    CHECK_EQUAL(f->orderer.made[0], now - start);
    CHECK_EQUAL(f->orderer.made[1], now - later);
    CHECK_EQUAL(f->orderer.ages[0], now - used);
    CHECK_EQUAL(f->orderer.ages[1], now - later);
    CHECK_OK(fh_queue_signal(f->card.device, queue, 1));
}

static void an_order_that_is_wrong_is_told_once_and_the_native_one_is_taken(void **state)
{
    fixture *f = *state;
    static const fh_evict_order wrong[] = {
        {.column_count = 0},
        {.column_count = 5},
        {.column_count = 1, .columns = {{(fh_evict_column)9, false}}},
    };
    f->orderer.decides = true;
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        f->orderer.order = wrong[i];
        set(f);
        uint32_t before = atomic_load(&f->card.complaints);
        for (int round = 0; round < 2; round++) {
            f->owner.count = f->made = 0;
            limit_total(f, FH_NO_LIMIT);
            make_one(f, 1000);
            make_one(f, 2000);
            limit_total(f, 1);
            tick(f);
            check_asked(f, "ba");
        }
        CHECK_EQUAL(atomic_load(&f->card.complaints), before + 1);
    }
    f->orderer.decides = false; /* no opinion is no complaint */
    set(f);
    uint32_t before = atomic_load(&f->card.complaints);
    limit_total(f, FH_NO_LIMIT);
    make_one(f, 1000);
    limit_total(f, 1);
    tick(f);
    CHECK_EQUAL(atomic_load(&f->card.complaints), before);
}

static void a_request_takes_the_columns_of_the_last_answer(void **state)
{
    fixture *f = *state;
    f->orderer.decides = true;
    f->orderer.order = (fh_evict_order){.column_count = 1, .columns = {{FH_EVICT_SIZE, false}}};
    set(f);
    for (uint64_t i = 0; i < 4; i++) {
        make(f, MIB(10 + i), 0.0F, FH_EVICTABLE_ANY_THREAD);
    }
    limit_total(f, MIB(40));
    tick(f); /* 46 MiB live */
    check_asked(f, "a");
    CHECK_EQUAL(f->orderer.calls, 1);
    fh_parcel parcel = make(f, MIB(10), 0.0F, FH_EVICTABLE_NO);
    CHECK_EQUAL(f->orderer.calls, 1);
    check_asked(f, "ab");
    check_release(&f->card, parcel);
    /* Another policy has given none yet. */
    CHECK_OK(fh_device_set_policy(f->card.device, NULL, NULL));
    parcel = make(f, MIB(20), 0.0F, FH_EVICTABLE_NO);
    check_asked(f, "abd");
    check_release(&f->card, parcel);
    limit_total(f, 0);
    tick(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVICT_TEST(natively_the_lowest_priority_then_the_longest_unused_then_the_largest),
        EVICT_TEST(as_many_are_asked_as_it_takes),
        EVICT_TEST(what_retires_already_is_not_asked_for_again),
        EVICT_TEST(a_policy_orders_by_columns),
        EVICT_TEST(a_policy_orders_by_keys_and_nan_is_never),
        EVICT_TEST(ages_and_times_are_in_ticks),
        EVICT_TEST(an_order_that_is_wrong_is_told_once_and_the_native_one_is_taken),
        EVICT_TEST(a_request_takes_the_columns_of_the_last_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
