/* Eviction: what becomes of parcels whose owners agree, decline, or agree and do nothing; which
 * accounts ask for which parcels; and on which thread. */

#include "evictor.h"

/* ---- what owners do ---- */

typedef struct watcher {
    uint32_t asked, ignored;
    fh_event last;
} watcher;

static void watch(void *context, fh_device *device, const fh_event *event)
{
    watcher *w = context;
    (void)device;
    *(event->kind == FH_EVENT_EVICT_ASKED ? &w->asked : &w->ignored) += 1;
    w->last = *event;
}

static void owners_who_decline_are_counted_at_once(void **state)
{
    fixture *f = *state;
    watcher w = {0};
    uint32_t id;
    CHECK_OK(fh_device_observe(f->card.device, FH_EVENT_EVICT_ASKED | FH_EVENT_EVICT_IGNORED, watch,
                               &w, &id));
    f->owner.manner = DECLINES;
    fh_parcel parcel = make_one(f, 1000);
    limit_total(f, 1);
    tick(f);
    CHECK_EQUAL(card_stats(&f->card).evict_asked_count, 1);
    CHECK_EQUAL(card_stats(&f->card).evict_ignored_count, 1);
    CHECK_EQUAL(w.asked, 1);
    CHECK_EQUAL(w.ignored, 1);
    assert_int_equal(w.last.kind, FH_EVENT_EVICT_IGNORED);
    CHECK_EQUAL(w.last.parcel.id, parcel.id);
    CHECK_EQUAL(w.last.bytes, 1000);
    check_release(&f->card, parcel);
    CHECK_OK(fh_device_unobserve(f->card.device, id));
}

static void owners_who_agree_and_do_nothing_are_counted_at_the_next_tick(void **state)
{
    fixture *f = *state;
    f->owner.manner = LIES;
    fh_parcel parcel = make_one(f, 1000);
    limit_total(f, 1);
    tick(f);
    CHECK_EQUAL(card_stats(&f->card).evict_asked_count, 1);
    CHECK_EQUAL(card_stats(&f->card).evict_ignored_count, 0);
    tick(f);
    CHECK_EQUAL(card_stats(&f->card).evict_ignored_count, 1);
    CHECK_EQUAL(card_stats(&f->card).evict_asked_count, 2); /* and it is asked again */
    limit_total(f, FH_NO_LIMIT);
    tick(f);
    tick(f);
    CHECK_EQUAL(card_stats(&f->card).evict_ignored_count, 2); /* each time once */
    check_release(&f->card, parcel);
}

static void owners_who_let_go_later_but_before_the_next_tick_are_not_counted(void **state)
{
    fixture *f = *state;
    f->owner.manner = TAKES_ITS_TIME;
    fh_parcel parcel = make_one(f, 1000);
    limit_total(f, 1);
    tick(f);
    check_release(&f->card, parcel);
    tick(f);
    CHECK_EQUAL(card_stats(&f->card).evict_asked_count, 1);
    CHECK_EQUAL(card_stats(&f->card).evict_ignored_count, 0);
    /* Nor is a parcel that took its place. */
    limit_total(f, FH_NO_LIMIT);
    parcel = make_one(f, 1000);
    limit_total(f, 1);
    tick(f);
    check_release(&f->card, parcel);
    limit_total(f, FH_NO_LIMIT);
    parcel = make_one(f, 1000);
    tick(f);
    CHECK_EQUAL(card_stats(&f->card).evict_ignored_count, 0);
    check_release(&f->card, parcel);
}

static void a_parcel_that_somebody_else_holds_is_ignored(void **state)
{
    fixture *f = *state;
    fh_parcel parcel = make_one(f, 1000);
    CHECK_OK(fh_parcel_acquire(f->card.device, parcel));
    limit_total(f, 1);
    tick(f);
    limit_total(f, FH_NO_LIMIT);
    tick(f);
    CHECK_EQUAL(card_stats(&f->card).evict_ignored_count, 1);
    check_release(&f->card, parcel);
}

static void an_owner_may_let_go_of_others_that_are_next(void **state)
{
    fixture *f = *state;
    make_one(f, 1000);
    fh_parcel b = make_one(f, 1000);
    make_one(f, 1000);
    f->owner.also = b;
    limit_total(f, 1);
    tick(f);
    check_asked(f, "ac");
    CHECK_EQUAL(card_stats(&f->card).evict_ignored_count, 0);
}

static void those_who_declined_come_last_until_all_were_asked(void **state)
{
    fixture *f = *state;
    f->owner.manner = DECLINES;
    f->orderer.frame.evict_cap = 2000;
    set(f);
    fh_parcel parcels[5];
    for (int i = 0; i < 5; i++) {
        parcels[i] = make_one(f, 1000);
    }
    limit_total(f, 1);
    tick(f);
    check_asked(f, "ab");
    tick(f);
    check_asked(f, "abcd");
    tick(f);
    check_asked(f, "abcdea");
    tick(f);
    check_asked(f, "abcdeaab"); /* a new round */
    release_all(f, parcels, 5);
}

static void a_cap_holds_but_for_the_first(void **state)
{
    fixture *f = *state;
    f->orderer.frame.evict_cap = 2500;
    set(f);
    make(f, 9000, 0.1F, FH_EVICTABLE_AT_TICK);
    make(f, 1000, 0.5F, FH_EVICTABLE_AT_TICK);
    make(f, 1000, 0.5F, FH_EVICTABLE_AT_TICK);
    make(f, 1000, 0.5F, FH_EVICTABLE_AT_TICK);
    limit_total(f, 1);
    tick(f);
    check_asked(f, "a");
    tick(f);
    check_asked(f, "abc");
    tick(f);
    check_asked(f, "abcd");
}

static void without_a_callback_nobody_is_asked(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_raw_desc desc = {.size = 1000, .memory = {.evictable = FH_EVICTABLE_ANY_THREAD}};
    fh_parcel parcel = check_raw(&c, &desc), more;
    check_limit(&c, FH_ACCOUNT_KIND, FH_KIND_RAW, 1);
    CHECK_OK(fh_device_tick(c.device));
    CHECK_RESULT(fh_raw_create(c.device, &desc, &more), FH_ERR_BUDGET);
    CHECK_EQUAL(card_stats(&c).evict_asked_count, 0);
    check_release(&c, parcel);
    check_close(&c);
}

/* ---- whose ---- */

static void only_parcels_that_help_the_account_are_asked_for(void **state)
{
    fixture *f = *state;
    fh_tag tag;
    CHECK_OK(fh_device_tag(f->card.device, "terrain", &tag));
    fh_raw_desc desc = {.size = 1000,
                        .memory = {.dedicated = FH_DEDICATED_REQUIRE,
                                   .evictable = FH_EVICTABLE_AT_TICK,
                                   .tag = tag,
                                   .type_mask = 1U << CARD_LOCAL,
                                   .user = "t"}};
    check_raw(&f->card, &desc);
    desc.memory.tag = 0;
    desc.memory.type_mask = 1U << CARD_WRITTEN;
    desc.memory.user = "h";
    check_raw(&f->card, &desc);
    fh_parcel external;
    fh_external_desc external_desc = {.size = 1000, .evictable = FH_EVICTABLE_AT_TICK, .user = "e"};
    CHECK_OK(fh_external_create(f->card.device, &external_desc, &external));
    desc.memory.type_mask = 1U << CARD_LOCAL;
    desc.memory.user = "l";
    check_raw(&f->card, &desc);

    check_limit(&f->card, FH_ACCOUNT_TAG, tag, 1);
    tick(f);
    check_asked(f, "t");
    check_limit(&f->card, FH_ACCOUNT_HEAP, 1, 1);
    tick(f);
    check_asked(f, "th");
    limit_total(f, 1); /* external memory is not the driver's */
    tick(f);
    check_asked(f, "thl");
    check_limit(&f->card, FH_ACCOUNT_KIND, FH_KIND_EXTERNAL, 1);
    tick(f);
    check_asked(f, "thle");
    CHECK_EQUAL(card_stats(&f->card).parcel_count, 0);
}

static void a_parcel_that_helps_two_accounts_counts_for_both(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 6; i++) {
        make_one(f, 1000);
    }
    limit_total(f, 4000);
    check_limit(&f->card, FH_ACCOUNT_KIND, FH_KIND_RAW, 3000);
    check_limit(&f->card, FH_ACCOUNT_HEAP, 0, 4000);
    tick(f);
    check_asked(f, "abc");
    limit_total(f, 0);
    tick(f);
}

static bool press(void *context, const fh_pressure *event, const fh_facts *facts,
                  fh_pressure_decision *out_decision)
{
    (void)context;
    (void)facts;
    out_decision->evict_bytes = event->up ? 1500 : 0;
    return true;
}

static bool half(void *context, const fh_facts *facts, fh_limits *out_limits)
{
    (void)context;
    (void)facts;
    out_limits->total = 10000;
    out_limits->watermark_count = 1;
    out_limits->watermarks[0] = 0.5;
    return true;
}

static void pressure_s_bytes_are_of_any_memory(void **state)
{
    fixture *f = *state;
    static const fh_policy_ops ops = {.name = "presser", .pressure = press, .limits = half};
    CHECK_OK(fh_device_set_policy(f->card.device, &ops, NULL));
    for (int i = 0; i < 6; i++) {
        make_one(f, 1000);
    }
    tick(f);
    check_asked(f, "ab");
    tick(f);
    check_asked(f, "ab");
    limit_total(f, 0);
    tick(f);
}

static void blocks_count_until_they_are_empty(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 8; i++) {
        fh_buffer_desc desc = card_buffer_desc(KIB(200));
        desc.memory.evictable = FH_EVICTABLE_AT_TICK;
        check_make(&f->card, &desc);
    }
    uint64_t used = card_used(&f->card, FH_ACCOUNT_TOTAL, 0);
    limit_total(f, used / 2);
    for (int i = 0; i < 4 && card_used(&f->card, FH_ACCOUNT_TOTAL, 0) > used / 2; i++) {
        tick(f);
    }
    assert_true(card_used(&f->card, FH_ACCOUNT_TOTAL, 0) <= used / 2);
    limit_total(f, 0);
    for (int i = 0; i < 4; i++) {
        tick(f);
    }
    CHECK_USED(&f->card, FH_ACCOUNT_TOTAL, 0, 0);
}

/* ---- where ---- */

static void *poll_from_elsewhere(void *argument)
{
    fixture *f = argument;
    fh_device_poll(f->card.device);
    return NULL;
}

static void those_of_a_tick_are_asked_on_the_thread_that_ticks_or_polls(void **state)
{
    fixture *f = *state;
    fh_parcel parcel;
    make(f, MIB(40), 0.0F, FH_EVICTABLE_AT_TICK);
    fh_raw_desc desc = {
        .size = MIB(40),
        .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
    CHECK_RESULT(fh_raw_create(f->card.device, &desc, &parcel), FH_ERR_OUT_OF_MEMORY);
    CHECK_EQUAL(f->owner.count, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, poll_from_elsewhere, f), 0);
    pthread_join(thread, NULL);
    check_asked(f, "a");
    assert_false(pthread_equal(f->owner.thread, pthread_self()));
    CHECK_OK(fh_device_poll(f->card.device));
    check_asked(f, "a");
}

static void a_note_of_a_parcel_that_is_gone_is_nothing(void **state)
{
    fixture *f = *state;
    fh_parcel parcel, noted = make(f, MIB(40), 0.0F, FH_EVICTABLE_AT_TICK);
    fh_raw_desc desc = {
        .size = MIB(40),
        .memory = {.dedicated = FH_DEDICATED_REQUIRE, .type_mask = 1U << CARD_LOCAL}};
    CHECK_RESULT(fh_raw_create(f->card.device, &desc, &parcel), FH_ERR_OUT_OF_MEMORY);
    check_release(&f->card, noted);
    noted = make(f, MIB(40), 0.0F, FH_EVICTABLE_AT_TICK); /* in its place */
    CHECK_OK(fh_device_poll(f->card.device));
    CHECK_EQUAL(f->owner.count, 0);
    check_release(&f->card, noted);
}

static void without_host_memory_nobody_is_asked_and_nothing_breaks(void **state)
{
    (void)state;
    fixture f = {0};
    test_memory memory;
    test_memory_init(&memory);
    card_small(&f.card);
    f.card.desc.evict = be_asked;
    f.card.desc.evict_context = &f.owner;
    f.card.desc.memory = &memory.host;
    check_open(&f.card);
    for (int i = 0; i < 5; i++) {
        make_one(&f, 1000);
    }
    limit_total(&f, 1);
    uint64_t failures = 0;
    for (uint64_t at = 1; f.owner.count < 5 && at < 50; at++) {
        memory.fail_at = memory.alloc_count + at;
        memory.fail_on = at % 2 == 0;
        CHECK_OK(fh_device_tick(f.card.device));
        memory.fail_at = 0;
        failures = memory.failure_count;
    }
    assert_true(failures > 0);
    CHECK_OK(fh_device_tick(f.card.device));
    CHECK_EQUAL(f.owner.count, 5);
    check_close(&f.card);
    test_memory_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVICT_TEST(owners_who_decline_are_counted_at_once),
        EVICT_TEST(owners_who_agree_and_do_nothing_are_counted_at_the_next_tick),
        EVICT_TEST(owners_who_let_go_later_but_before_the_next_tick_are_not_counted),
        EVICT_TEST(a_parcel_that_somebody_else_holds_is_ignored),
        EVICT_TEST(an_owner_may_let_go_of_others_that_are_next),
        EVICT_TEST(those_who_declined_come_last_until_all_were_asked),
        EVICT_TEST(a_cap_holds_but_for_the_first),
        cmocka_unit_test(without_a_callback_nobody_is_asked),
        EVICT_TEST(only_parcels_that_help_the_account_are_asked_for),
        EVICT_TEST(a_parcel_that_helps_two_accounts_counts_for_both),
        EVICT_TEST(pressure_s_bytes_are_of_any_memory),
        EVICT_TEST(blocks_count_until_they_are_empty),
        EVICT_TEST(those_of_a_tick_are_asked_on_the_thread_that_ticks_or_polls),
        EVICT_TEST(a_note_of_a_parcel_that_is_gone_is_nothing),
        cmocka_unit_test(without_host_memory_nobody_is_asked_and_nothing_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
