/* How a dump is made: what its sink says, what is missing of host memory, and what other threads do
 * meanwhile. That it is right is the matter of test_dump.c. */

#include "dump_checks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

/* Some of everything. */
static void fill(const card *c, fh_parcel *parcels, size_t count)
{
    fh_parcel raw = {0};
    for (size_t i = 0; i < count; i++) {
        fh_buffer_desc desc = card_buffer_desc(KIB(1) + i * 997);
        desc.memory.name = i % 3 == 0 ? "some name of a buffer" : NULL;
        desc.memory.dedicated = i % 10 == 9 ? FH_DEDICATED_REQUIRE : FH_DEDICATED_AUTO;
        if (i == 5) {
            raw = parcels[i] = check_raw(c, &(fh_raw_desc){.size = KIB(64)});
            continue;
        }
        if (i == 6) {
            CHECK_OK(fh_external_create(c->device, &(fh_external_desc){.size = 5}, &parcels[i]));
            continue;
        }
        if (i == 7) {
            desc.memory.backing = raw;
        }
        parcels[i] = check_make(c, &desc);
    }
}

static void drop(const card *c, const fh_parcel *parcels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_release(c, parcels[i]);
    }
}

static void wrong_arguments_are_refused(void **state)
{
    const card *c = *state;
    test_text text = {0};
    CHECK_RESULT(fh_device_json(NULL, true, test_text_write, &text), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
    CHECK_RESULT(fh_device_json(c->device, true, NULL, &text), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("write");
    CHECK_EQUAL(text.call_count, 0);
}

static void what_the_sink_says_ends_the_dump(void **state)
{
    const card *c = *state;
    static const fh_result failures[] = {FH_ERR_IO, FH_ERR_TIMEOUT, FH_ERR_SCRIPT};
    fh_parcel parcels[40];
    fill(c, parcels, TEST_COUNT_OF(parcels));
    for (int detailed = 0; detailed <= 1; detailed++) {
        test_text whole = {0};
        CHECK_OK(fh_device_json(c->device, detailed != 0, test_text_write, &whole));
        assert_true(whole.call_count > 1);
        for (unsigned int n = 1; n <= whole.call_count; n++) {
            test_text text = {.fail_at = n, .failure = failures[n % TEST_COUNT_OF(failures)]};
            fh_result result = fh_device_json(c->device, detailed != 0, test_text_write, &text);
            assert_int_equal(result, text.failure);
            assert_int_equal(text.call_count, n); /* not called again */
            CHECK_DETAIL_NAMES("write");
            (void)fh_device_tick(NULL); /* another sentence */
            test_text_finish(&text);
        }
        test_text_finish(&whole);
    }
    drop(c, parcels, TEST_COUNT_OF(parcels));
}

typedef struct busy_sink {
    const card *card;
    test_text text;
    unsigned int turn;
    fh_parcel last;
} busy_sink;

/* No lock is held here: whatever is called comes back. */
static fh_result make_meanwhile(void *context, const char *piece, size_t length)
{
    busy_sink *s = context;
    fh_device *device = s->card->device;
    fh_device_stats stats;
    fh_buffer_desc desc = card_buffer_desc(KIB(1) + UINT64_C(977) * (s->turn % 7));
    desc.memory.name = "made meanwhile";
    CHECK_OK(fh_parcel_release(device, s->last));
    CHECK_OK(fh_buffer_create(device, &desc, &s->last));
    CHECK_OK(fh_device_get_stats(device, &stats));
    if (s->turn++ % 8 == 0) {
        CHECK_OK(fh_device_tick(device));
        CHECK_OK(fh_device_trim(device, NULL));
    }
    return test_text_write(&s->text, piece, length);
}

static void a_sink_may_use_the_device(void **state)
{
    const card *c = *state;
    fh_parcel parcels[60];
    fill(c, parcels, TEST_COUNT_OF(parcels));
    busy_sink sink = {.card = c};
    json_value *value;
    CHECK_OK(fh_device_json(c->device, true, make_meanwhile, &sink));
    CHECK_NO_FAULT(read_dump(&sink.text, &value));
    json_free(value);
    test_text_finish(&sink.text);
    check_release(c, sink.last);
    drop(c, parcels, TEST_COUNT_OF(parcels));
}

static void without_host_memory_nothing_is_written(void **state)
{
    (void)state;
    test_memory memory;
    test_memory_init(&memory);
    card c;
    card_small(&c);
    c.desc.memory = &memory.host;
    check_open(&c);
    fh_parcel parcels[100];
    fill(&c, parcels, TEST_COUNT_OF(parcels));
    uint64_t n = 1;
    for (;; n++) {
        test_text text = {0};
        uint64_t failed = memory.failure_count;
        size_t live = memory.live_count;
        memory.fail_at = memory.alloc_count + n;
        fh_result result = fh_device_json(c.device, true, test_text_write, &text);
        memory.fail_at = 0;
        CHECK_EQUAL(memory.live_count, live);
        if (memory.failure_count == failed) {
            CHECK_OK(result);
            test_text_finish(&text);
            break;
        }
        CHECK_RESULT(result, FH_ERR_HOST_MEMORY);
        CHECK_EQUAL(text.call_count, 0);
    }
    assert_true(n > 3);
    drop(&c, parcels, TEST_COUNT_OF(parcels));
    check_close(&c);
    test_memory_finish(&memory);
}

static void a_dump_goes_to_a_file(void **state)
{
    const card *c = *state;
    fh_parcel buffer = check_buffer(c, 100);
    FILE *file = tmpfile();
    assert_non_null(file);
    CHECK_OK(fh_device_json(c->device, true, fh_write_file, file));
    assert_true(ftell(file) > 1000);
    fclose(file);
    check_release(c, buffer);
}

/* ---- margins, granularity, all profiles ---- */

static void dumps_are_true_on_every_profile(void **state)
{
    (void)state;
    static const char *const profiles[] = {"discrete-8g", "rebar-16g", "uma-16g", "mobile-4g"};
    test_rng rng = {test_seed()};
    for (size_t p = 0; p < TEST_COUNT_OF(profiles); p++) {
        card c;
        card_builtin(&c, profiles[p]);
        c.desc.margin = p % 2 == 0 ? 64 : 0;
        check_open(&c);
        fh_parcel parcels[80] = {{0}};
        for (unsigned int i = 0; i < 400; i++) {
            size_t at = (size_t)test_below(&rng, TEST_COUNT_OF(parcels));
            check_release(&c, parcels[at]);
            parcels[at] = (fh_parcel){0};
            if (test_chance(&rng, 30)) {
                parcels[at] = check_texture(
                    &c, (fh_texture_desc){.format = FH_FORMAT_RGBA8_UNORM,
                                          .width = 1 + (uint32_t)test_below(&rng, 300),
                                          .height = 1 + (uint32_t)test_below(&rng, 300)});
            } else if (test_chance(&rng, 80)) {
                fh_buffer_desc desc = card_buffer_desc(test_log_uniform(&rng, KIB(500)));
                desc.memory.location = (fh_location)test_below(&rng, FH_LOCATION_COUNT);
                parcels[at] = check_make(&c, &desc);
            } else {
                parcels[at] =
                    check_raw(&c, &(fh_raw_desc){.size = test_log_uniform(&rng, KIB(500))});
            }
            if (i % 40 == 0) {
                check_both(&c);
            }
        }
        check_both(&c);
        drop(&c, parcels, TEST_COUNT_OF(parcels));
        check_close(&c);
    }
}

/* ---- threads ---- */

typedef struct maker {
    pthread_t thread;
    fh_device *device;
    _Atomic bool *stop;
    fh_parcel shared; /* resized by the first */
    uint64_t seed;
    unsigned int number;
} maker;

static void *make(void *argument)
{
    maker *m = argument;
    test_rng rng = {m->seed};
    fh_parcel parcels[64] = {{0}};
    fh_parcel raw;
    if (fh_raw_create(m->device, &(fh_raw_desc){.size = KIB(64)}, &raw) != FH_OK) {
        raw = (fh_parcel){0};
    }
    while (!atomic_load(m->stop)) {
        size_t i = (size_t)test_below(&rng, TEST_COUNT_OF(parcels));
        if (parcels[i].id != 0) {
            fh_parcel_release(m->device, parcels[i]);
            parcels[i] = (fh_parcel){0};
        } else {
            fh_buffer_desc desc = card_buffer_desc(test_log_uniform(&rng, KIB(200)));
            desc.memory.dedicated =
                test_chance(&rng, 10) ? FH_DEDICATED_REQUIRE : FH_DEDICATED_AUTO;
            desc.memory.name = test_chance(&rng, 30) ? "storm \"\xff" : NULL;
            if (raw.id != 0 && desc.size <= KIB(60) && test_chance(&rng, 10)) {
                desc.memory.backing = raw;
                desc.memory.dedicated = FH_DEDICATED_AUTO;
            }
            (void)fh_buffer_create(m->device, &desc, &parcels[i]);
        }
        if (m->number == 0 && test_chance(&rng, 20)) {
            (void)fh_buffer_resize(m->device, m->shared, test_log_uniform(&rng, MIB(1)), NULL);
        }
        if (test_chance(&rng, 2)) {
            (void)fh_device_tick(m->device);
            (void)fh_device_trim(m->device, NULL);
        }
    }
    drop(&(card){.device = m->device}, parcels, TEST_COUNT_OF(parcels));
    fh_parcel_release(m->device, raw);
    return NULL;
}

static void a_storm_can_be_dumped(void **state)
{
    const card *c = *state;
    _Atomic bool stop = false;
    maker makers[4];
    fh_parcel shared = check_buffer(c, 1000);
    for (unsigned int i = 0; i < TEST_COUNT_OF(makers); i++) {
        makers[i] = (maker){.device = c->device,
                            .stop = &stop,
                            .shared = shared,
                            .seed = test_seed() + i,
                            .number = i};
        assert_int_equal(pthread_create(&makers[i].thread, NULL, make, &makers[i]), 0);
    }
    for (unsigned int i = 0; i < 150; i++) {
        json_free(check_dump(c, i % 3 != 0));
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < TEST_COUNT_OF(makers); i++) {
        assert_int_equal(pthread_join(makers[i].thread, NULL), 0);
    }
    check_release(c, shared);
    CHECK_OK(fh_device_wait_idle(c->device, FH_WAIT_FOREVER));
    check_both(c);
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CARD(wrong_arguments_are_refused),
        WITH_CARD(what_the_sink_says_ends_the_dump),
        WITH_CARD(a_sink_may_use_the_device),
        cmocka_unit_test(without_host_memory_nothing_is_written),
        WITH_CARD(a_dump_goes_to_a_file),
        cmocka_unit_test(dumps_are_true_on_every_profile),
        WITH_CARD(a_storm_can_be_dumped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
