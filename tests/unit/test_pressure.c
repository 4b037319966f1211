/* Pressure: watermarks that are crossed, up and down; what observers are told; and the order in
 * which the hooks of a tick come. */

#include "brain.h"

/* ---- pressure ---- */

typedef struct watcher {
    _Atomic uint32_t count;
    fh_event events[64];
    char name[64];
} watcher;

static void watch(void *context, fh_device *device, const fh_event *event)
{
    watcher *w = context;
    (void)device;
    w->events[atomic_fetch_add(&w->count, 1) % 64] = *event;
    snprintf(w->name, sizeof w->name, "%s", event->name ? event->name : "(none)");
}

static void observers_are_told_its_name(void **state)
{
    fixture *f = *state;
    watcher w = {0};
    uint32_t id;
    CHECK_OK(fh_device_observe(f->card.device, FH_EVENT_POLICY_SET, watch, &w, &id));
    set(f, &brain_ops);
    CHECK_EQUAL(w.count, 1);
    assert_string_equal(w.name, "brain");
    set(f, NULL);
    CHECK_EQUAL(w.count, 2);
    assert_string_equal(w.name, "(none)");
    CHECK_OK(fh_device_unobserve(f->card.device, id));
}

static void crossing_a_watermark_is_told_up_and_down_with_two_percent_between(void **state)
{
    fixture *f = *state;
    watcher w = {0};
    uint32_t id;
    CHECK_OK(fh_device_observe(f->card.device, FH_EVENT_BUDGET_CROSSED, watch, &w, &id));
    f->brain.has_limits = true;
    f->brain.limits = (fh_limits){.total = 100000, .watermark_count = 2, .watermarks = {0.5, 0.9}};
    set(f, &brain_ops);
    static const struct {
        uint64_t used;
        int up, down; /* marks crossed at the tick */
    } course[] = {
        {49999, 0, 0}, {50000, 1, 0}, {48001, 0, 0}, {50000, 0, 0}, {48000, 0, 1},  {49000, 0, 0},
        {95000, 2, 0}, {89000, 0, 0}, {91000, 0, 0}, {87999, 0, 1}, {100000, 1, 0}, {1, 0, 2},
    };
    uint32_t count = 0;
    for (size_t i = 0; i < TEST_COUNT_OF(course); i++) {
        fh_parcel parcel = check_dedicated(f, course[i].used);
        tick(f);
        count += (uint32_t)(course[i].up + course[i].down);
        CHECK_EQUAL(f->brain.pressures, count);
        CHECK_EQUAL(w.count, count);
        if (course[i].up + course[i].down > 0) {
            const fh_pressure *last = &f->brain.pressure[(count - 1) % CALLS];
            const fh_event *event = &w.events[count - 1];
            assert_int_equal(last->up, course[i].up > 0);
            assert_int_equal(last->account.scope, FH_ACCOUNT_TOTAL);
            CHECK_EQUAL(last->used, course[i].used);
            CHECK_EQUAL(last->limit, 100000);
            assert_true(last->fraction == f->brain.limits.watermarks[last->watermark]);
            assert_int_equal(event->up, last->up);
            CHECK_EQUAL(event->bytes, course[i].used);
            CHECK_EQUAL(event->limit, 100000);
        }
        check_release(&f->card, parcel);
    }
    /* A limit that goes is left. */
    fh_parcel parcel = check_dedicated(f, 60000);
    tick(f);
    CHECK_EQUAL(w.count, count + 1);
    f->brain.limits.total = 0;
    f->brain.frame_decision.limits = true;
    tick(f);
    CHECK_EQUAL(w.count, count + 2);
    assert_false(w.events[count + 1].up);
    check_release(&f->card, parcel);
    CHECK_OK(fh_device_unobserve(f->card.device, id));
}

static void every_account_with_a_limit_has_watermarks(void **state)
{
    fixture *f = *state;
    fh_tag tag;
    CHECK_OK(fh_device_tag(f->card.device, "terrain", &tag));
    f->brain.has_limits = true;
    f->brain.limits = (fh_limits){.watermark_count = 1, .watermarks = {0.5}};
    set(f, &brain_ops);
    const fh_account accounts[] = {{FH_ACCOUNT_TOTAL, 0},
                                   {FH_ACCOUNT_HEAP, 0},
                                   {FH_ACCOUNT_KIND, FH_KIND_RAW},
                                   {FH_ACCOUNT_TAG, tag}};
    fh_raw_desc desc = {
        .size = 60000,
        .memory = {.dedicated = FH_DEDICATED_REQUIRE, .tag = tag, .type_mask = 1U << CARD_LOCAL}};
    fh_parcel parcel = check_raw(&f->card, &desc);
    tick(f);
    CHECK_EQUAL(f->brain.pressures, 0);
    for (size_t i = 0; i < TEST_COUNT_OF(accounts); i++) {
        check_limit(&f->card, accounts[i].scope, accounts[i].index, 100000);
        tick(f);
        CHECK_EQUAL(f->brain.pressures, i + 1);
        assert_memory_equal(&f->brain.pressure[i % CALLS].account, &accounts[i],
                            sizeof accounts[i]);
    }
    check_release(&f->card, parcel);
    tick(f);
    CHECK_EQUAL(f->brain.pressures, 8);
}

static void pressure_may_trim_and_ask_for_limits_in_the_same_tick(void **state)
{
    fixture *f = *state;
    f->brain.has_limits = true;
    f->brain.retain_decides = true;
    f->brain.retain_ticks = 1000;
    f->brain.limits = (fh_limits){.total = MIB(9), .watermark_count = 1, .watermarks = {0.1}};
    set(f, &brain_ops);
    touch_size(f, MIB(1));
    f->brain.pressure_decision = (fh_pressure_decision){.trim = true, .limits = true};
    CHECK_EQUAL(f->brain.limit_calls, 1);
    tick(f);
    CHECK_EQUAL(f->brain.pressures, 1);
    CHECK_EQUAL(f->brain.limit_calls, 2);
    CHECK_EQUAL(card_stats(&f->card).total.stats.block_count, 0);
}

static void without_watermarks_observers_hear_of_the_limit_itself(void **state)
{
    fixture *f = *state;
    watcher w = {0};
    uint32_t id;
    CHECK_OK(fh_device_observe(f->card.device, FH_EVENT_BUDGET_CROSSED, watch, &w, &id));
    check_limit(&f->card, FH_ACCOUNT_TOTAL, 0, 100000);
    fh_parcel parcel = check_dedicated(f, 99999);
    tick(f);
    CHECK_EQUAL(w.count, 0);
    fh_parcel rest = check_dedicated(f, 1);
    tick(f);
    CHECK_EQUAL(w.count, 1);
    assert_true(w.events[0].up);
    check_release(&f->card, rest);
    check_release(&f->card, parcel);
    tick(f);
    CHECK_EQUAL(w.count, 2);
    CHECK_OK(fh_device_unobserve(f->card.device, id));
}

/* ---- the order of a tick ---- */

typedef struct scribe {
    char text[64];
    uint32_t length;
} scribe;

static void write_down(void *context, char letter)
{
    scribe *s = context;
    if (s->length < sizeof s->text - 1) {
        s->text[s->length++] = letter;
    }
}

static bool scribe_limits(void *context, const fh_facts *facts, fh_limits *out_limits)
{
    (void)facts;
    write_down(context, 'l');
    *out_limits = (fh_limits){.total = MIB(9), .watermark_count = 1, .watermarks = {0.5}};
    return true;
}

static bool scribe_frame(void *context, const fh_frame_facts *frame, const fh_facts *facts,
                         fh_frame_decision *out_decision)
{
    (void)frame;
    (void)facts;
    write_down(context, 'f');
    out_decision->limits = true;
    return true;
}

static bool scribe_pressure(void *context, const fh_pressure *event, const fh_facts *facts,
                            fh_pressure_decision *out_decision)
{
    (void)event;
    (void)facts;
    write_down(context, 'p');
    out_decision->evict_bytes = 1;
    return true;
}

static bool scribe_retain(void *context, const fh_block_facts *block, const fh_facts *facts,
                          fh_retain_decision *out_decision)
{
    (void)block;
    (void)facts;
    write_down(context, 'r');
    out_decision->ticks = 1000;
    return true;
}

static bool scribe_evict(void *context, const fh_candidates *candidates, const fh_facts *facts,
                         fh_evict_order *out_order)
{
    (void)candidates;
    (void)facts;
    (void)out_order;
    write_down(context, 'e');
    return false;
}

static bool scribe_owner(void *context, fh_device *device, fh_parcel parcel, void *user)
{
    (void)context;
    (void)device;
    (void)parcel;
    write_down(user, 'o');
    return false;
}

static void scribe_observe(void *context, fh_device *device, const fh_event *event)
{
    (void)device;
    (void)event;
    write_down(context, 't');
}

static void the_hooks_of_a_tick_come_in_their_order(void **state)
{
    (void)state;
    static const fh_policy_ops ops = {
        .name = "scribe",
        .limits = scribe_limits,
        .frame = scribe_frame,
        .pressure = scribe_pressure,
        .retain = scribe_retain,
        .evict = scribe_evict,
    };
    card c;
    scribe s = {.length = 0};
    uint32_t id;
    card_small(&c);
    c.desc.evict = scribe_owner;
    check_open(&c);
    fh_raw_desc desc = {.size = MIB(5),
                        .memory = {.dedicated = FH_DEDICATED_REQUIRE,
                                   .evictable = FH_EVICTABLE_AT_TICK,
                                   .user = &s}};
    fh_parcel parcel = check_raw(&c, &desc);
    check_release(&c, check_upload(&c, KIB(100))); /* an empty block */
    CHECK_OK(fh_device_set_policy(c.device, &ops, &s));
    CHECK_OK(fh_device_observe(c.device, FH_EVENT_TICK, scribe_observe, &s, &id));
    s.length = 0;
    CHECK_OK(fh_device_tick(c.device));
    s.text[s.length] = '\0';
    assert_string_equal(s.text, "flpreot");
    CHECK_OK(fh_device_unobserve(c.device, id));
    CHECK_OK(fh_device_set_policy(c.device, NULL, NULL));
    check_release(&c, parcel);
    check_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BRAIN_TEST(observers_are_told_its_name),
        BRAIN_TEST(crossing_a_watermark_is_told_up_and_down_with_two_percent_between),
        BRAIN_TEST(every_account_with_a_limit_has_watermarks),
        BRAIN_TEST(pressure_may_trim_and_ask_for_limits_in_the_same_tick),
        BRAIN_TEST(without_watermarks_observers_hear_of_the_limit_itself),
        cmocka_unit_test(the_hooks_of_a_tick_come_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
