/* The ready budget policy, and budgets of the operating system: limits that are kept to the byte
 * whoever races, that may be changed at any time, that only count, and that shrink below what
 * lives. */

#include "card_checks.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct fixture {
    card card;
    fh_budget_policy budget;
} fixture;

static int set_up(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    card_small(&f->card);
    check_open(&f->card);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    CHECK_OK(fh_device_set_policy(f->card.device, NULL, NULL));
    check_close(&f->card);
    test_free(f);
    return 0;
}

static void set(fixture *f)
{
    CHECK_OK(fh_device_set_policy(f->card.device, fh_budget_policy_ops(), &f->budget));
}

static void tick(const card *c)
{
    CHECK_OK(fh_device_tick(c->device));
}

static fh_raw_desc raw_desc(uint64_t size)
{
    return (fh_raw_desc){
        .size = size, .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
}

static fh_result dedicated(const card *c, uint64_t size, fh_parcel *out)
{
    fh_raw_desc desc = raw_desc(size);
    return fh_raw_create(c->device, &desc, out);
}

static fh_parcel check_dedicated(const card *c, uint64_t size)
{
    fh_raw_desc desc = raw_desc(size);
    return check_raw(c, &desc);
}

static uint64_t limit_of(const card *c)
{
    return card_account(c, FH_ACCOUNT_TOTAL, 0).limit;
}

/* ---- the policy ---- */

static void exactly_the_limit_passes_and_a_byte_more_does_not(void **state)
{
    fixture *f = *state;
    fh_parcel parcel, more;
    f->budget.limit = 100000;
    set(f);
    assert_string_equal(fh_device_policy_name(f->card.device), "budget");
    uint64_t calls = card_calls(&f->card, FH_BACKEND_CALL_MEMORY_ALLOC);
    CHECK_REFUSED(dedicated(&f->card, 100001, &parcel), parcel, FH_ERR_BUDGET,
                  "100001 bytes asked");
    CHECK_DETAIL_NAMES("0 live");
    CHECK_DETAIL_NAMES("limit 100000");
    CHECK_DETAIL_NAMES("total");
    CHECK_EQUAL(card_calls(&f->card, FH_BACKEND_CALL_MEMORY_ALLOC), calls); /* nobody was asked */
    parcel = check_dedicated(&f->card, 100000);
    CHECK_REFUSED(dedicated(&f->card, 1, &more), more, FH_ERR_BUDGET, "100000 live");
    check_release(&f->card, parcel);
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 0);
    check_release(&f->card, check_dedicated(&f->card, 100000));
}

static void a_resize_does_not_escape_it(void **state)
{
    fixture *f = *state;
    fh_buffer_desc desc = card_buffer_desc(50000);
    desc.memory.dedicated = FH_DEDICATED_REQUIRE;
    fh_parcel buffer = check_make(&f->card, &desc);
    f->budget.limit = 100000;
    set(f);
    CHECK_RESULT(fh_buffer_resize(f->card.device, buffer, 60000, NULL), FH_ERR_BUDGET);
    fh_parcel_info info = check_info(&f->card, buffer);
    CHECK_EQUAL(info.committed, 50000);
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 50000);
    check_release(&f->card, buffer);
}

static void mixed_parcels_go_back_to_zero(void **state)
{
    fixture *f = *state;
    f->budget.limit = MIB(40);
    set(f);
    fh_parcel buffer = check_buffer(&f->card, 5000), texture;
    fh_texture_desc desc = {.format = FH_FORMAT_RGBA8_UNORM, .width = 100, .height = 100};
    CHECK_OK(fh_texture_create(f->card.device, &desc, &texture));
    fh_view view;
    uint64_t used = card_used(&f->card, FH_ACCOUNT_KIND, FH_KIND_BUFFER);
    CHECK_OK(fh_view_make(f->card.device, buffer, 100, 200, &view));
    CHECK_USED(&f->card, FH_ACCOUNT_KIND, FH_KIND_BUFFER, used);
    check_release(&f->card, buffer);
    check_release(&f->card, texture);
    CHECK_RESULT(fh_view_check(f->card.device, &view), FH_ERR_STALE);
    CHECK_USED(&f->card, FH_ACCOUNT_KIND, FH_KIND_BUFFER, 0);
    CHECK_USED(&f->card, FH_ACCOUNT_KIND, FH_KIND_TEXTURE, 0);
    CHECK_OK(fh_device_trim(f->card.device, NULL));
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 0);
}

static void a_changed_limit_is_taken_in_by_the_next_tick(void **state)
{
    fixture *f = *state;
    f->budget.limit = 100000;
    set(f);
    fh_parcel parcel = check_dedicated(&f->card, 90000), more;
    f->budget.limit = 200000;
    CHECK_EQUAL(limit_of(&f->card), 100000);
    tick(&f->card);
    CHECK_EQUAL(limit_of(&f->card), 200000);
    more = check_dedicated(&f->card, 110000);
    /* Below what lives: nothing is lost, nothing grows. */
    f->budget.limit = 50000;
    tick(&f->card);
    CHECK_EQUAL(limit_of(&f->card), 50000);
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 200000);
    fh_parcel third;
    CHECK_RESULT(dedicated(&f->card, 1, &third), FH_ERR_BUDGET);
    tick(&f->card);
    assert_true(f->budget.over_count >= 1);
    CHECK_EQUAL(f->budget.used_peak, 200000);
    check_release(&f->card, more);
    CHECK_RESULT(dedicated(&f->card, 1, &third), FH_ERR_BUDGET);
    check_release(&f->card, parcel);
    uint64_t over = f->budget.over_count;
    tick(&f->card);
    CHECK_EQUAL(f->budget.over_count, over);
    check_release(&f->card, check_dedicated(&f->card, 50000));
    /* 0 and FH_NO_LIMIT are none. */
    f->budget.limit = 0;
    tick(&f->card);
    CHECK_EQUAL(limit_of(&f->card), FH_NO_LIMIT);
    f->budget.limit = FH_NO_LIMIT;
    tick(&f->card);
    CHECK_EQUAL(limit_of(&f->card), FH_NO_LIMIT);
}

static void telemetry_refuses_nothing_and_counts(void **state)
{
    fixture *f = *state;
    f->budget = (fh_budget_policy){.limit = 100000, .telemetry_only = true};
    set(f);
    CHECK_EQUAL(limit_of(&f->card), FH_NO_LIMIT);
    fh_parcel parcel = check_dedicated(&f->card, 300000);
    uint64_t ticks = card_stats(&f->card).tick_count;
    tick(&f->card);
    tick(&f->card);
    CHECK_EQUAL(f->budget.over_count, card_stats(&f->card).tick_count - ticks);
    CHECK_EQUAL(f->budget.used_peak, 300000);
    check_release(&f->card, parcel);
    ticks = f->budget.over_count;
    tick(&f->card);
    CHECK_EQUAL(f->budget.over_count, ticks);
    CHECK_EQUAL(f->budget.used_peak, 300000);
    f->budget.telemetry_only = false;
    tick(&f->card);
    CHECK_EQUAL(limit_of(&f->card), 100000);
}

static void set_late_replaced_and_removed_it_never_miscounts(void **state)
{
    fixture *f = *state;
    fh_parcel early = check_dedicated(&f->card, 60000), late;
    f->budget.limit = 100000;
    set(f);
    late = check_dedicated(&f->card, 40000);
    check_release(&f->card, early); /* made before it was there */
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 40000);
    fh_budget_policy second = {.limit = 70000};
    CHECK_OK(fh_device_set_policy(f->card.device, fh_budget_policy_ops(), &second));
    fh_parcel third;
    CHECK_RESULT(dedicated(&f->card, 30001, &third), FH_ERR_BUDGET);
    third = check_dedicated(&f->card, 30000);
    CHECK_OK(fh_device_set_policy(f->card.device, NULL, NULL));
    CHECK_EQUAL(limit_of(&f->card), FH_NO_LIMIT);
    check_release(&f->card, late);
    check_release(&f->card, third);
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 0);
}

static void two_devices_have_one_each(void **state)
{
    fixture *f = *state;
    card other;
    card_small(&other);
    check_open(&other);
    fh_budget_policy budget = {.limit = 500};
    f->budget.limit = 1000;
    set(f);
    CHECK_OK(fh_device_set_policy(other.device, fh_budget_policy_ops(), &budget));
    fh_parcel parcel = check_dedicated(&f->card, 1000), refused;
    CHECK_RESULT(dedicated(&other, 501, &refused), FH_ERR_BUDGET);
    check_release(&f->card, parcel);
    CHECK_OK(fh_device_set_policy(other.device, NULL, NULL));
    check_close(&other);
}

static void through_an_alias_it_is_the_same(void **state)
{
    fixture *f = *state;
    f->budget.limit = 100000;
    set(f);
    fh_device *alias;
    CHECK_OK(fh_device_with_allocator(f->card.device, &(fh_allocator_ops){.name = "plain"}, NULL,
                                      &alias));
    fh_raw_desc desc = raw_desc(60000);
    fh_parcel parcel, refused;
    CHECK_OK(fh_raw_create(alias, &desc, &parcel));
    CHECK_RESULT(fh_raw_create(alias, &desc, &refused), FH_ERR_BUDGET);
    CHECK_RESULT(fh_raw_create(f->card.device, &desc, &refused), FH_ERR_BUDGET);
    fh_device_destroy(alias); /* first */
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 60000);
    check_release(&f->card, parcel);
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 0);
    check_release(&f->card, check_dedicated(&f->card, 100000));
}

/* ---- the operating system's ---- */

static void open_with_budget(card *c, uint64_t budget, uint64_t unaccounted, bool advisory)
{
    card_small(c);
    c->profile.os_budget[0] = budget;
    c->profile.os_unaccounted[0] = unaccounted;
    c->desc.os_budget_advisory = advisory;
    check_open(c);
}

static void what_others_use_is_taken_off(void **state)
{
    (void)state;
    card c;
    fh_parcel parcel, refused;
    open_with_budget(&c, MIB(30), MIB(10), false);
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_HEAP, 0).limit, MIB(20)); /* from the start */
    parcel = check_dedicated(&c, MIB(20));
    CHECK_REFUSED(dedicated(&c, 1, &refused), refused, FH_ERR_BUDGET, "heap 0");
    tick(&c);
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_HEAP, 0).limit, MIB(20));
    fh_device_stats stats = card_stats(&c);
    CHECK_EQUAL(stats.budgets[0].budget, MIB(30));
    CHECK_EQUAL(stats.budgets[0].usage, MIB(30));
    check_release(&c, parcel);
    check_close(&c);
}

static void one_that_shrinks_is_a_limit_below_what_lives(void **state)
{
    (void)state;
    card c;
    fh_parcel a, b, refused;
    open_with_budget(&c, MIB(60), 0, false);
    a = check_dedicated(&c, MIB(20));
    b = check_dedicated(&c, MIB(20));
    uint64_t ticks = card_stats(&c).tick_count;
    fh_fault fault = {.kind = FH_FAULT_BUDGET, .tick = ticks + 1, .heap = 0, .bytes = MIB(30)};
    CHECK_OK(fh_simulated_fault(c.backend, &fault));
    tick(&c);
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_HEAP, 0).limit, MIB(30));
    CHECK_USED(&c, FH_ACCOUNT_HEAP, 0, MIB(40));
    CHECK_RESULT(dedicated(&c, 1, &refused), FH_ERR_BUDGET);
    check_release(&c, a);
    check_release(&c, check_dedicated(&c, MIB(10)));
    CHECK_RESULT(dedicated(&c, MIB(10) + 1, &refused), FH_ERR_BUDGET);
    fh_simulated_clear(c.backend);
    tick(&c);
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_HEAP, 0).limit, MIB(60));
    check_release(&c, check_dedicated(&c, MIB(40)));
    check_release(&c, b);
    check_close(&c);
}

static void an_advisory_one_refuses_only_those_who_asked_for_it(void **state)
{
    (void)state;
    card c;
    fh_parcel parcel, refused;
    open_with_budget(&c, MIB(30), MIB(10), true);
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_HEAP, 0).limit, FH_NO_LIMIT);
    fh_raw_desc desc = raw_desc(MIB(21));
    desc.memory.within_budget = true;
    CHECK_RESULT(fh_raw_create(c.device, &desc, &refused), FH_ERR_BUDGET);
    parcel = check_dedicated(&c, MIB(21));
    desc.size = 1;
    CHECK_RESULT(fh_raw_create(c.device, &desc, &refused), FH_ERR_BUDGET);
    check_release(&c, parcel);
    check_close(&c);
}

static void without_the_system_s_word_it_is_80_percent_of_the_heap(void **state)
{
    (void)state;
    card c;
    fh_backend_ops ops = *fh_backend_find("host");
    ops.budget = NULL;
    card_small(&c);
    c.desc.ops = &ops;
    check_open(&c);
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_HEAP, 0).limit, MIB(64) / 5 * 4);
    CHECK_EQUAL(card_stats(&c).budgets[0].budget, MIB(64) / 5 * 4);
    fh_parcel parcel = check_dedicated(&c, MIB(20));
    tick(&c);
    CHECK_EQUAL(card_stats(&c).budgets[0].usage, MIB(20));
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_HEAP, 0).limit, MIB(64) / 5 * 4);
    check_release(&c, parcel);
    check_close(&c);
}

static void a_budget_that_cannot_be_read_is_the_last_one(void **state)
{
    (void)state;
    card c;
    open_with_budget(&c, MIB(30), 0, false);
    fh_fault fault = {.call = FH_BACKEND_CALL_BUDGET, .result = FH_ERR_IO};
    CHECK_OK(fh_simulated_fault(c.backend, &fault));
    tick(&c);
    tick(&c);
    CHECK_EQUAL(card_account(&c, FH_ACCOUNT_HEAP, 0).limit, MIB(30));
    fh_simulated_clear(c.backend);
    fault = (fh_fault){.kind = FH_FAULT_LOSE, .call = FH_BACKEND_CALL_BUDGET};
    CHECK_OK(fh_simulated_fault(c.backend, &fault));
    CHECK_RESULT(fh_device_tick(c.device), FH_ERR_DEVICE_LOST);
    CHECK_RESULT(fh_device_tick(c.device), FH_ERR_DEVICE_LOST);
    CHECK_RESULT(fh_device_poll(c.device), FH_ERR_DEVICE_LOST);
    CHECK_NO_FAULT(card_close(&c));
}

/* ---- threads ---- */

enum {
    RACERS = 8,
    RACE_ROUNDS = 500
};

typedef struct race_facts {
    card *card;
    uint64_t limit;
    _Atomic bool ends;
    _Atomic uint64_t exceeded, samples, refused;
} race_facts;

typedef struct racer {
    pthread_t thread;
    uint32_t number;
    race_facts *facts;
    const char *fault;
} racer;

static void *race(void *argument)
{
    racer *r = argument;
    const card *c = r->facts->card;
    test_rng rng = {test_seed() + r->number};
    fh_parcel parcels[8] = {{0}};
    for (uint32_t i = 0; i < RACE_ROUNDS && !r->fault; i++) {
        fh_parcel *place = &parcels[test_below(&rng, 8)];
        if (fh_parcel_release(c->device, *place) != FH_OK) {
            r->fault = "a release failed";
        }
        fh_result result = dedicated(c, 1 + test_below(&rng, 30000), place);
        if (result == FH_ERR_BUDGET) {
            atomic_fetch_add(&r->facts->refused, 1);
        } else if (result != FH_OK) {
            r->fault = "another error than BUDGET";
        }
    }
    for (uint32_t j = 0; j < 8; j++) {
        fh_parcel_release(c->device, parcels[j]);
    }
    return NULL;
}

static void *sample(void *argument)
{
    race_facts *facts = argument;
    while (!atomic_load(&facts->ends)) {
        uint64_t memories, bytes, objects;
        fh_simulated_live(facts->card->backend, &memories, &bytes, &objects);
        if (bytes > facts->limit || card_used(facts->card, FH_ACCOUNT_TOTAL, 0) > facts->limit) {
            atomic_fetch_add(&facts->exceeded, 1);
        }
        atomic_fetch_add(&facts->samples, 1);
        fh_device_tick(facts->card->device);
    }
    return NULL;
}

static void threads_that_race_never_exceed_it_not_by_a_byte(void **state)
{
    fixture *f = *state;
    racer racers[RACERS];
    pthread_t sampler;
    race_facts facts = {.card = &f->card, .limit = 100000};
    f->budget.limit = facts.limit;
    set(f);
    test_seed();
    assert_int_equal(pthread_create(&sampler, NULL, sample, &facts), 0);
    for (uint32_t i = 0; i < RACERS; i++) {
        racers[i] = (racer){.number = i, .facts = &facts};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (uint32_t i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        CHECK_NO_FAULT(racers[i].fault);
    }
    atomic_store(&facts.ends, true);
    pthread_join(sampler, NULL);
    assert_true(atomic_load(&facts.samples) > 0);
    assert_true(atomic_load(&facts.refused) > 0);
    CHECK_EQUAL(atomic_load(&facts.exceeded), 0);
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 0);
    assert_true(card_account(&f->card, FH_ACCOUNT_TOTAL, 0).peak <= facts.limit);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(exactly_the_limit_passes_and_a_byte_more_does_not),
        TEST(a_resize_does_not_escape_it),
        TEST(mixed_parcels_go_back_to_zero),
        TEST(a_changed_limit_is_taken_in_by_the_next_tick),
        TEST(telemetry_refuses_nothing_and_counts),
        TEST(set_late_replaced_and_removed_it_never_miscounts),
        TEST(two_devices_have_one_each),
        TEST(through_an_alias_it_is_the_same),
        cmocka_unit_test(what_others_use_is_taken_off),
        cmocka_unit_test(one_that_shrinks_is_a_limit_below_what_lives),
        cmocka_unit_test(an_advisory_one_refuses_only_those_who_asked_for_it),
        cmocka_unit_test(without_the_system_s_word_it_is_80_percent_of_the_heap),
        cmocka_unit_test(a_budget_that_cannot_be_read_is_the_last_one),
        TEST(threads_that_race_never_exceed_it_not_by_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
