/* fh_device_visit() shows every parcel once, retiring ones too, and whoever is shown one may use
 * the device. */

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

enum {
    SEEN_MAX = 4096
};

typedef struct seen {
    size_t count, stop_at;
    size_t retiring;
    fh_parcel parcels[SEEN_MAX];
    fh_parcel_info infos[SEEN_MAX];
} seen;

static bool look(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    seen *s = context;
    assert_true(s->count < SEEN_MAX);
    s->parcels[s->count] = parcel;
    s->infos[s->count] = *info;
    s->retiring += info->retiring;
    s->count++;
    return s->count != s->stop_at;
}

static const fh_parcel_info *find(const seen *s, fh_parcel parcel)
{
    const fh_parcel_info *found = NULL;
    for (size_t i = 0; i < s->count; i++) {
        if (s->parcels[i].id == parcel.id) {
            assert_null(found); /* once */
            found = &s->infos[i];
        }
    }
    return found;
}

static seen *check_visit(const card *c)
{
    seen *s = test_calloc(1, sizeof *s);
    CHECK_OK(fh_device_visit(c->device, look, s));
    return s;
}

static void an_empty_device_shows_nothing(void **state)
{
    const card *c = *state;
    seen *s = check_visit(c);
    CHECK_EQUAL(s->count, 0);
    test_free(s);
    CHECK_RESULT(fh_device_visit(NULL, look, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
    CHECK_RESULT(fh_device_visit(c->device, NULL, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("visit");
}

static void every_parcel_is_shown_once_as_it_is(void **state)
{
    const card *c = *state;
    enum {
        COUNT = 700
    };
    fh_parcel parcels[COUNT];
    for (unsigned int i = 0; i < COUNT; i++) {
        char name[24];
        snprintf(name, sizeof name, "parcel %u", i);
        if (i % 5 == 0) {
            parcels[i] = check_raw(c, &(fh_raw_desc){.size = 100 + i, .memory = {.name = name}});
        } else if (i % 5 == 1) {
            CHECK_OK(fh_external_create(
                c->device, &(fh_external_desc){.size = 100 + i, .name = name}, &parcels[i]));
        } else {
            fh_buffer_desc desc = card_buffer_desc(100 + i);
            desc.memory.name = name;
            parcels[i] = check_make(c, &desc);
        }
    }
    seen *s = check_visit(c);
    CHECK_EQUAL(s->count, COUNT);
    CHECK_EQUAL(s->retiring, 0);
    for (unsigned int i = 0; i < COUNT; i++) {
        const fh_parcel_info *shown = find(s, parcels[i]);
        fh_parcel_info info = check_info(c, parcels[i]);
        assert_non_null(shown);
        assert_string_equal(shown->name, info.name);
        CHECK_EQUAL(shown->kind, info.kind);
        CHECK_EQUAL(shown->reserved, info.reserved);
        CHECK_EQUAL(shown->offset, info.offset);
        CHECK_EQUAL(shown->type, info.type);
        CHECK_EQUAL(shown->reference_count, 1);
        CHECK_EQUAL(shown->committed, 100 + i);
        check_release(c, parcels[i]);
    }
    test_free(s);
    s = check_visit(c);
    CHECK_EQUAL(s->count, 0);
    test_free(s);
}

static void what_retires_is_shown_until_it_is_freed(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_parcel buffer = check_buffer(c, 100);
    fh_parcel other = check_buffer(c, 100);
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){queue, 5}));
    check_release(c, buffer);
    seen *s = check_visit(c);
    CHECK_EQUAL(s->count, 2);
    CHECK_EQUAL(s->retiring, 1);
    const fh_parcel_info *shown = find(s, buffer);
    assert_non_null(shown);
    assert_true(shown->retiring);
    CHECK_EQUAL(shown->reference_count, 0);
    CHECK_RESULT(fh_parcel_acquire(c->device, buffer), FH_ERR_STALE);
    test_free(s);
    CHECK_OK(fh_queue_signal(c->device, queue, 5));
    CHECK_OK(fh_device_tick(c->device));
    s = check_visit(c);
    CHECK_EQUAL(s->count, 1);
    assert_non_null(find(s, other));
    test_free(s);
    check_release(c, other);
}

static void nothing(void *context)
{
    (void)context;
}

static void a_callback_that_waits_is_no_parcel(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_epoch epoch = {queue, 1};
    CHECK_OK(fh_device_retire_call(c->device, nothing, NULL, &epoch, 1));
    seen *s = check_visit(c);
    CHECK_EQUAL(s->count, 0);
    test_free(s);
    CHECK_OK(fh_queue_signal(c->device, queue, 1));
    CHECK_OK(fh_device_tick(c->device));
}

static void a_visit_ends_when_it_is_told_to(void **state)
{
    const card *c = *state;
    fh_parcel parcels[200];
    for (size_t i = 0; i < TEST_COUNT_OF(parcels); i++) {
        parcels[i] = check_buffer(c, 100);
    }
    for (size_t stop = 1; stop <= 200; stop += 33) {
        seen *s = test_calloc(1, sizeof *s);
        s->stop_at = stop;
        CHECK_OK(fh_device_visit(c->device, look, s));
        CHECK_EQUAL(s->count, stop);
        test_free(s);
    }
    for (size_t i = 0; i < TEST_COUNT_OF(parcels); i++) {
        check_release(c, parcels[i]);
    }
}

/* Lets everything go that it is shown, and makes something new. */
static bool sweep(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    fh_device *device = context;
    fh_parcel more;
    fh_buffer_desc desc = card_buffer_desc(100);
    fh_device_stats stats;
    CHECK_OK(fh_device_get_stats(device, &stats));
    if (strcmp(info->name, "new") != 0) {
        desc.memory.name = "new";
        CHECK_OK(fh_parcel_release(device, parcel));
        CHECK_OK(fh_buffer_create(device, &desc, &more));
    }
    return true;
}

static bool release(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    (void)info;
    CHECK_OK(fh_parcel_release(context, parcel));
    return true;
}

static void a_visitor_may_use_the_device(void **state)
{
    const card *c = *state;
    for (int i = 0; i < 500; i++) {
        check_buffer(c, 100);
    }
    CHECK_OK(fh_device_visit(c->device, sweep, c->device));
    CHECK_EQUAL(card_stats(c).parcel_count, 500);
    CHECK_OK(fh_device_visit(c->device, release, c->device));
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

static void after_a_loss_it_says_what_to_rebuild(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 100);
    CHECK_OK(fh_simulated_fault(c.backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    fh_parcel refused;
    fh_buffer_desc desc = card_buffer_desc(100);
    CHECK_RESULT(fh_buffer_create(c.device, &desc, &refused), FH_ERR_DEVICE_LOST);
    seen *s = check_visit(&c);
    CHECK_EQUAL(s->count, 1);
    const fh_parcel_info *shown = find(s, buffer);
    assert_non_null(shown);
    CHECK_EQUAL(shown->usage, desc.usage);
    test_free(s);
    check_release(&c, buffer);
    CHECK_NO_FAULT(card_close(&c));
}

/* ---- threads ---- */

typedef struct maker {
    pthread_t thread;
    fh_device *device;
    _Atomic bool *stop;
    uint64_t seed;
    const char *fault;
} maker;

static void *make(void *argument)
{
    maker *m = argument;
    test_rng rng = {m->seed};
    fh_parcel parcels[32] = {{0}};
    while (!atomic_load(m->stop)) {
        size_t i = (size_t)test_below(&rng, TEST_COUNT_OF(parcels));
        if (parcels[i].id != 0) {
            fh_parcel_release(m->device, parcels[i]);
            parcels[i] = (fh_parcel){0};
        } else {
            fh_buffer_desc desc = card_buffer_desc(1 + test_below(&rng, KIB(300)));
            desc.memory.name = test_chance(&rng, 50) ? "storm" : NULL;
            if (fh_buffer_create(m->device, &desc, &parcels[i]) != FH_OK) {
                m->fault = "a buffer was refused";
            }
        }
    }
    for (size_t i = 0; i < TEST_COUNT_OF(parcels); i++) {
        fh_parcel_release(m->device, parcels[i]);
    }
    return NULL;
}

typedef struct watch {
    fh_parcel steady;
    unsigned int steady_count, count;
    const char *fault;
} watch;

static bool watch_one(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    watch *w = context;
    w->count++;
    w->steady_count += parcel.id == w->steady.id;
    if (info->kind != FH_KIND_BUFFER || info->committed == 0 || info->reserved < info->committed ||
        info->type > 2 || (info->name[0] != '\0' && strcmp(info->name, "storm") != 0)) {
        w->fault = "a parcel was shown that nobody made";
    }
    return true;
}

static void a_storm_can_be_visited(void **state)
{
    const card *c = *state;
    _Atomic bool stop = false;
    maker makers[3];
    watch w = {.steady = check_buffer(c, 100)};
    for (size_t i = 0; i < TEST_COUNT_OF(makers); i++) {
        makers[i] = (maker){.device = c->device, .stop = &stop, .seed = test_seed() + i};
        assert_int_equal(pthread_create(&makers[i].thread, NULL, make, &makers[i]), 0);
    }
    for (unsigned int i = 0; i < 300; i++) {
        w.steady_count = 0;
        CHECK_OK(fh_device_visit(c->device, watch_one, &w));
        assert_int_equal(w.steady_count, 1);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < TEST_COUNT_OF(makers); i++) {
        assert_int_equal(pthread_join(makers[i].thread, NULL), 0);
        CHECK_NO_FAULT(makers[i].fault);
    }
    CHECK_NO_FAULT(w.fault);
    check_release(c, w.steady);
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CARD(an_empty_device_shows_nothing),
        WITH_CARD(every_parcel_is_shown_once_as_it_is),
        WITH_CARD(what_retires_is_shown_until_it_is_freed),
        WITH_CARD(a_callback_that_waits_is_no_parcel),
        WITH_CARD(a_visit_ends_when_it_is_told_to),
        WITH_CARD(a_visitor_may_use_the_device),
        cmocka_unit_test(after_a_loss_it_says_what_to_rebuild),
        WITH_CARD(a_storm_can_be_visited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
