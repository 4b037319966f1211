/* Observers: what they are told, who may watch, and that ending one is really the end. */

#include "card_checks.h"

#include <freehold/observer.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

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

/* What an observer saw, a row per event. */
typedef struct diary {
    unsigned int count;
    fh_event events[64];
    fh_device *device;
} diary;

static void note(void *context, fh_device *device, const fh_event *event)
{
    diary *d = context;
    d->device = device;
    if (d->count < TEST_COUNT_OF(d->events)) {
        d->events[d->count] = *event;
    }
    d->count++;
}

static uint32_t check_observe(const card *c, uint32_t events, fh_observe_fn observe, void *context)
{
    uint32_t id = 0;
    CHECK_OK(fh_device_observe(c->device, events, observe, context, &id));
    assert_int_not_equal(id, 0);
    return id;
}

static void only_what_was_asked_for_is_told(void **state)
{
    const card *c = *state;
    diary life = {0};
    diary ticks = {0};
    uint32_t a = check_observe(c, FH_EVENT_PARCEL_CREATED | FH_EVENT_PARCEL_FREED, note, &life);
    uint32_t b = check_observe(c, FH_EVENT_TICK, note, &ticks);
    fh_parcel buffer = check_buffer(c, 1000);
    CHECK_OK(fh_device_tick(c->device));
    CHECK_OK(fh_device_tick(c->device));
    check_release(c, buffer);
    assert_int_equal(life.count, 2);
    assert_int_equal(life.events[0].kind, FH_EVENT_PARCEL_CREATED);
    assert_int_equal(life.events[1].kind, FH_EVENT_PARCEL_FREED);
    for (unsigned int i = 0; i < 2; i++) {
        CHECK_EQUAL(life.events[i].parcel.id, buffer.id);
        assert_true(life.events[i].bytes >= 1000);
    }
    assert_true(life.events[1].tick == life.events[0].tick + 2);
    assert_ptr_equal(fh_device_backend(life.device), c->backend);
    assert_int_equal(ticks.count, 2);
    CHECK_OK(fh_device_unobserve(c->device, a));
    CHECK_OK(fh_device_unobserve(c->device, b));
    check_release(c, check_buffer(c, 1000));
    CHECK_OK(fh_device_tick(c->device));
    assert_int_equal(life.count, 2);
    assert_int_equal(ticks.count, 2);
}

/* Where a parcel lies can be followed from event to event. */
static void memories_are_known_by_number(void **state)
{
    const card *c = *state;
    diary d = {0};
    uint32_t id =
        check_observe(c,
                      FH_EVENT_PARCEL_CREATED | FH_EVENT_PARCEL_RESIZED | FH_EVENT_PARCEL_NAMED |
                          FH_EVENT_MEMORY_ALLOCATED | FH_EVENT_MEMORY_FREED,
                      note, &d);
    fh_parcel buffer = check_buffer(c, 1000);
    assert_int_equal(d.count, 2);
    assert_int_equal(d.events[0].kind, FH_EVENT_MEMORY_ALLOCATED);
    assert_int_equal(d.events[1].kind, FH_EVENT_PARCEL_CREATED);
    CHECK_EQUAL(d.events[0].memory, 1);
    CHECK_EQUAL(d.events[1].memory, 1);
    CHECK_EQUAL(d.events[1].offset, check_info(c, buffer).offset);
    CHECK_EQUAL(d.events[1].committed, 1000);
    CHECK_OK(fh_buffer_resize(c->device, buffer, MIB(6), NULL)); /* moves to a memory of its own */
    CHECK_OK(fh_parcel_set_name(c->device, buffer, "grown"));
    CHECK_OK(fh_parcel_set_name(c->device, buffer, NULL));
    assert_int_equal(d.count, 6);
    assert_int_equal(d.events[2].kind, FH_EVENT_MEMORY_ALLOCATED);
    assert_int_equal(d.events[3].kind, FH_EVENT_PARCEL_RESIZED);
    CHECK_EQUAL(d.events[2].memory, 2);
    CHECK_EQUAL(d.events[3].memory, 2);
    CHECK_EQUAL(d.events[3].offset, 0);
    CHECK_EQUAL(d.events[4].parcel.id, buffer.id);
    assert_string_equal(d.events[4].name, "grown");
    assert_null(d.events[5].name);
    check_release(c, buffer);
    CHECK_OK(fh_device_wait_idle(c->device, SECOND_NS)); /* it was moved by a copy */
    assert_int_equal(d.count, 7);
    assert_int_equal(d.events[6].kind, FH_EVENT_MEMORY_FREED);
    CHECK_EQUAL(d.events[6].memory, 2);
    CHECK_OK(fh_device_unobserve(c->device, id));
}

/* What is asked and what is needed is lent for the call. */
static void note_needs(void *context, fh_device *device, const fh_event *event)
{
    uint64_t *needed = context;
    (void)device;
    needed[0] = event->asked ? event->asked->tag + 1 : 0;
    needed[1] = event->needs ? event->needs->size : 0;
}

static void needs_of_new_parcels_are_told(void **state)
{
    card *c = *state;
    uint64_t needed[2];
    fh_parcel parcel;
    CHECK_OK(fh_device_tick(c->device));
    uint32_t id = check_observe(c, FH_EVENT_PARCEL_CREATED, note_needs, needed);
    check_release(c, check_buffer(c, 1000));
    CHECK_EQUAL(needed[0], 1);
    CHECK_EQUAL(needed[1] >= 1000, true);
    parcel = check_raw(c, &(fh_raw_desc){.size = KIB(64)});
    CHECK_EQUAL(needed[1], KIB(64));
    check_release(c, parcel);
    CHECK_OK(fh_external_create(c->device, &(fh_external_desc){.size = 4321}, &parcel));
    CHECK_EQUAL(needed[0], 1);
    CHECK_EQUAL(needed[1], 0);
    check_release(c, parcel);
    CHECK_OK(fh_device_unobserve(c->device, id));
}

static void closing_is_the_last_event(void **state)
{
    card *c = *state;
    diary d = {0};
    check_observe(c, FH_EVENT_ALL, note, &d);
    check_release(c, check_buffer(c, 1000));
    check_close(c);
    assert_true(d.count > 0 && d.count <= TEST_COUNT_OF(d.events));
    assert_int_equal(d.events[d.count - 1].kind, FH_EVENT_DEVICE_CLOSED);
    check_open(c);
}

static void several_observers_are_told_each(void **state)
{
    const card *c = *state;
    diary diaries[8] = {{0}};
    uint32_t ids[8];
    for (unsigned int i = 0; i < 8; i++) {
        ids[i] = check_observe(c, FH_EVENT_ALL, note, &diaries[i]);
        for (unsigned int j = 0; j < i; j++) {
            assert_int_not_equal(ids[i], ids[j]);
        }
    }
    check_release(c, check_buffer(c, 1000));
    for (unsigned int i = 0; i < 8; i++) {
        assert_true(diaries[i].count > 0);
        assert_int_equal(diaries[i].count, diaries[0].count);
        CHECK_OK(fh_device_unobserve(c->device, ids[i]));
    }
}

static void eight_are_the_most(void **state)
{
    const card *c = *state;
    diary d = {0};
    uint32_t ids[8];
    uint32_t id = 77;
    for (unsigned int i = 0; i < 8; i++) {
        ids[i] = check_observe(c, FH_EVENT_TICK, note, &d);
    }
    CHECK_RESULT(fh_device_observe(c->device, FH_EVENT_TICK, note, &d, &id), FH_ERR_BUSY);
    CHECK_DETAIL_NAMES("8");
    assert_int_equal(id, 0);
    CHECK_OK(fh_device_unobserve(c->device, ids[3]));
    id = check_observe(c, FH_EVENT_TICK, note, &d);
    for (unsigned int i = 0; i < 8; i++) { /* the used-up id names nothing */
        assert_int_not_equal(id, ids[i]);
    }
    CHECK_RESULT(fh_device_unobserve(c->device, ids[3]), FH_ERR_INVALID);
    ids[3] = id;
    for (unsigned int i = 0; i < 8; i++) {
        CHECK_OK(fh_device_unobserve(c->device, ids[i]));
        CHECK_RESULT(fh_device_unobserve(c->device, ids[i]), FH_ERR_INVALID);
    }
}

static void wrong_arguments_are_refused(void **state)
{
    const card *c = *state;
    uint32_t id = 77;
    CHECK_RESULT(fh_device_observe(NULL, FH_EVENT_TICK, note, NULL, &id), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("device");
    assert_int_equal(id, 0);
    id = 77;
    CHECK_RESULT(fh_device_observe(c->device, FH_EVENT_TICK, NULL, NULL, &id), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("observe");
    assert_int_equal(id, 0);
    CHECK_RESULT(fh_device_observe(c->device, FH_EVENT_TICK, note, NULL, NULL), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("out_id");
    static const uint32_t wrong[] = {0, FH_EVENT_ALL + 1, UINT32_C(1) << 31, UINT32_MAX};
    for (size_t i = 0; i < TEST_COUNT_OF(wrong); i++) {
        id = 77;
        CHECK_RESULT(fh_device_observe(c->device, wrong[i], note, NULL, &id), FH_ERR_INVALID);
        CHECK_DETAIL_NAMES("events");
        assert_int_equal(id, 0);
    }
    CHECK_RESULT(fh_device_unobserve(NULL, 1), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_unobserve(NULL, 0), FH_ERR_INVALID);
    CHECK_OK(fh_device_unobserve(c->device, 0));
    static const uint32_t none[] = {1, 7, 8, 9, 1000, UINT32_MAX};
    for (size_t i = 0; i < TEST_COUNT_OF(none); i++) {
        CHECK_RESULT(fh_device_unobserve(c->device, none[i]), FH_ERR_INVALID);
        CHECK_DETAIL_NAMES("id");
    }
}

/* ---- observers that call the device ---- */

typedef struct meddler {
    const card *card;
    uint32_t id;
    unsigned int depth, calls;
    fh_result result;
} meddler;

static void make_more(void *context, fh_device *device, const fh_event *event)
{
    meddler *m = context;
    fh_device_stats stats;
    fh_parcel_info info;
    m->calls++;
    m->depth++;
    m->result = fh_device_get_stats(device, &stats);
    if (m->result == FH_OK && event->kind == FH_EVENT_PARCEL_CREATED) {
        m->result = fh_parcel_get(device, event->parcel, &info);
    }
    if (m->result == FH_OK && m->depth < 4) { /* observed in turn */
        fh_buffer_desc desc = card_buffer_desc(100);
        fh_parcel more;
        m->result = fh_buffer_create(device, &desc, &more);
        fh_parcel_release(device, more);
    }
    m->depth--;
}

static void an_observer_may_use_the_device(void **state)
{
    const card *c = *state;
    meddler m = {.card = c};
    uint32_t id = check_observe(c, FH_EVENT_PARCEL_CREATED | FH_EVENT_PARCEL_FREED, make_more, &m);
    check_release(c, check_buffer(c, 1000));
    CHECK_OK(m.result);
    assert_true(m.calls > 8);
    CHECK_OK(fh_device_unobserve(c->device, id));
}

static void end_oneself(void *context, fh_device *device, const fh_event *event)
{
    meddler *m = context;
    (void)event;
    m->calls++;
    m->result = fh_device_unobserve(device, m->id);
}

static void an_observer_that_ends_itself_is_told_so(void **state)
{
    const card *c = *state;
    meddler m = {.card = c};
    m.id = check_observe(c, FH_EVENT_TICK, end_oneself, &m);
    CHECK_OK(fh_device_tick(c->device));
    assert_int_equal(m.calls, 1);
    CHECK_RESULT(m.result, FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("itself");
    CHECK_OK(fh_device_tick(c->device));
    assert_int_equal(m.calls, 2); /* it is still there */
    CHECK_OK(fh_device_unobserve(c->device, m.id));
}

enum {
    CROWD = 20
};

/* So many threads are inside at once, and the last one ends the observer. */
typedef struct full_house {
    const card *card;
    uint32_t id;
    _Atomic uint32_t inside;
    _Atomic bool over;
    fh_result result;
} full_house;

static void wait_for_the_last(void *context, fh_device *device, const fh_event *event)
{
    full_house *h = context;
    (void)event;
    if (atomic_fetch_add(&h->inside, 1) + 1 == CROWD) {
        h->result = fh_device_unobserve(device, h->id);
        atomic_store(&h->over, true);
    }
    while (!atomic_load(&h->over)) {
        sched_yield();
    }
}

static void *make_one(void *argument)
{
    full_house *h = argument;
    fh_buffer_desc desc = card_buffer_desc(100);
    fh_parcel buffer;
    if (fh_buffer_create(h->card->device, &desc, &buffer) == FH_OK) {
        fh_parcel_release(h->card->device, buffer);
    }
    return NULL;
}

static void however_many_threads_are_inside_each_is_known(void **state)
{
    const card *c = *state;
    full_house h = {.card = c};
    pthread_t threads[CROWD];
    h.id = check_observe(c, FH_EVENT_PARCEL_CREATED, wait_for_the_last, &h);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_one, &h), 0);
    }
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    CHECK_RESULT(h.result, FH_ERR_INVALID);
    CHECK_OK(fh_device_unobserve(c->device, h.id));
}

static void an_observer_may_end_another(void **state)
{
    const card *c = *state;
    diary d = {0};
    meddler m = {.card = c};
    m.id = check_observe(c, FH_EVENT_TICK, note, &d);
    uint32_t id = check_observe(c, FH_EVENT_TICK, end_oneself, &m); /* the other one, this time */
    CHECK_OK(fh_device_tick(c->device));
    CHECK_OK(m.result);
    unsigned int told = d.count;
    CHECK_OK(fh_device_tick(c->device));
    assert_int_equal(d.count, told);
    CHECK_OK(fh_device_unobserve(c->device, id));
}

/* ---- threads ---- */

typedef struct gate {
    _Atomic bool inside, open, ended;
    _Atomic unsigned int calls;
    fh_device *device;
    uint32_t id;
    fh_result result;
} gate;

static void wait_inside(void *context, fh_device *device, const fh_event *event)
{
    gate *g = context;
    (void)device;
    (void)event;
    atomic_fetch_add(&g->calls, 1);
    atomic_store(&g->inside, true);
    while (!atomic_load(&g->open)) {
    }
}

static void *tick(void *argument)
{
    gate *g = argument;
    fh_device_tick(g->device);
    return NULL;
}

static void *unobserve(void *argument)
{
    gate *g = argument;
    g->result = fh_device_unobserve(g->device, g->id);
    atomic_store(&g->ended, true);
    return NULL;
}

static void ending_waits_until_the_observer_has_returned(void **state)
{
    const card *c = *state;
    gate g = {.device = c->device};
    g.id = check_observe(c, FH_EVENT_TICK, wait_inside, &g);
    pthread_t ticker;
    pthread_t ender;
    assert_int_equal(pthread_create(&ticker, NULL, tick, &g), 0);
    while (!atomic_load(&g.inside)) {
    }
    assert_int_equal(pthread_create(&ender, NULL, unobserve, &g), 0);
    /* Others are told meanwhile, and it is not called again. */
    fh_device_stats stats;
    for (unsigned int i = 0; i < 2000; i++) {
        CHECK_OK(fh_device_get_stats(c->device, &stats));
        check_release(c, check_buffer(c, 100));
        assert_false(atomic_load(&g.ended));
    }
    atomic_store(&g.open, true);
    assert_int_equal(pthread_join(ender, NULL), 0);
    assert_int_equal(pthread_join(ticker, NULL), 0);
    CHECK_OK(g.result);
    assert_true(atomic_load(&g.ended));
    assert_int_equal(atomic_load(&g.calls), 1);
    CHECK_OK(fh_device_tick(c->device));
    assert_int_equal(atomic_load(&g.calls), 1);
}

/* Observers come and go, each with a context that is dead afterwards, while other threads make
 * events. */
typedef struct storm {
    pthread_t thread;
    fh_device *device;
    _Atomic bool *stop;
    const char *fault;
    unsigned int rounds;
} storm;

static void count(void *context, fh_device *device, const fh_event *event)
{
    _Atomic unsigned int *alive = context;
    (void)device;
    (void)event;
    if (atomic_fetch_add(alive, 1) == 0) {
        atomic_store(alive, 0); /* it was dead: a sanitizer sees that, too */
    }
}

static void *come_and_go(void *argument)
{
    storm *s = argument;
    while (!atomic_load(s->stop)) {
        _Atomic unsigned int *alive = malloc(sizeof *alive);
        if (alive == NULL) {
            abort();
        }
        atomic_init(alive, 1);
        uint32_t id;
        fh_result result = fh_device_observe(s->device, FH_EVENT_ALL, count, alive, &id);
        if (result == FH_OK && fh_device_unobserve(s->device, id) != FH_OK) {
            s->fault = "an observer could not be ended";
        }
        if (result != FH_OK && result != FH_ERR_BUSY) {
            s->fault = "an observer was refused";
        }
        if (atomic_load(alive) == 0) {
            s->fault = "an observer was called that was not there";
        }
        free(alive);
        s->rounds++;
    }
    return NULL;
}

static void *make_events(void *argument)
{
    storm *s = argument;
    for (unsigned int i = 0; i < 4000; i++) {
        fh_buffer_desc desc = card_buffer_desc(100 + i % 1000);
        fh_parcel buffer;
        if (fh_buffer_create(s->device, &desc, &buffer) != FH_OK) {
            s->fault = "a buffer was refused";
            return NULL;
        }
        fh_parcel_release(s->device, buffer);
    }
    return NULL;
}

static void observers_come_and_go_in_a_storm(void **state)
{
    const card *c = *state;
    _Atomic bool stop = false;
    storm storms[5] = {{0}};
    for (size_t i = 0; i < TEST_COUNT_OF(storms); i++) {
        storms[i].device = c->device;
        storms[i].stop = &stop;
        assert_int_equal(
            pthread_create(&storms[i].thread, NULL, i < 3 ? come_and_go : make_events, &storms[i]),
            0);
    }
    for (size_t i = TEST_COUNT_OF(storms); i-- > 0;) {
        if (i == 2) {
            atomic_store(&stop, true);
        }
        assert_int_equal(pthread_join(storms[i].thread, NULL), 0);
        CHECK_NO_FAULT(storms[i].fault);
    }
    /* Nobody watches any more, and all places are free. */
    diary d = {0};
    uint32_t ids[8];
    for (unsigned int i = 0; i < 8; i++) {
        ids[i] = check_observe(c, FH_EVENT_TICK, note, &d);
    }
    CHECK_OK(fh_device_tick(c->device));
    assert_int_equal(d.count, 8);
    for (unsigned int i = 0; i < 8; i++) {
        CHECK_OK(fh_device_unobserve(c->device, ids[i]));
    }
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* What it makes finds no room either: the pool's growth must be over when it is told of it. */
static void make_at_first(void *context, fh_device *device, const fh_event *event)
{
    fh_parcel *made = context;
    (void)event;
    if (made->id == 0) {
        made->id = 1; /* what it makes may be told of, too */
        fh_buffer_desc desc = card_buffer_desc(MIB(1));
        if (fh_buffer_create(device, &desc, made) != FH_OK) {
            abort();
        }
    }
}

static void an_observer_may_make_parcels_when_memory_comes(void **state)
{
    const card *c = *state;
    fh_parcel made = {0};
    uint32_t id = check_observe(c, FH_EVENT_MEMORY_ALLOCATED, make_at_first, &made);
    fh_parcel first = check_buffer(c, MIB(1));
    assert_true(made.id > 1);
    CHECK_OK(fh_device_unobserve(c->device, id));
    check_release(c, made);
    check_release(c, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CARD(only_what_was_asked_for_is_told),
        WITH_CARD(several_observers_are_told_each),
        WITH_CARD(memories_are_known_by_number),
        WITH_CARD(needs_of_new_parcels_are_told),
        WITH_CARD(closing_is_the_last_event),
        WITH_CARD(eight_are_the_most),
        WITH_CARD(wrong_arguments_are_refused),
        WITH_CARD(an_observer_may_use_the_device),
        WITH_CARD(an_observer_that_ends_itself_is_told_so),
        WITH_CARD(however_many_threads_are_inside_each_is_known),
        WITH_CARD(an_observer_may_end_another),
        WITH_CARD(ending_waits_until_the_observer_has_returned),
        WITH_CARD(observers_come_and_go_in_a_storm),
        cmocka_unit_test_setup_teardown(an_observer_may_make_parcels_when_memory_comes, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
