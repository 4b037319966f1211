/* Epochs and what waits for them: nothing is gone before every queue has passed its last use,
 * what has passed goes at the next tick, in any order of queues; callbacks come once, in order,
 * with no lock held; waits end in time. */

#include "card_checks.h"

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

/* What callbacks did, in order. */
typedef struct diary {
    uint32_t count;
    uint32_t entries[8192];
} diary;

/* One payload: writes its number into the diary, and does what else it is told to. */
typedef struct payload {
    const card *card;
    diary *diary;
    uint32_t number;
    struct payload *then; /* retired from inside, */
    fh_epoch then_epoch;  /* for this one */
    bool ticks;           /* ticks from inside */
    fh_result result;
} payload;

static void run(void *context)
{
    payload *p = context;
    assert_true(p->diary->count < TEST_COUNT_OF(p->diary->entries));
    p->diary->entries[p->diary->count++] = p->number;
    if (p->then != NULL) {
        p->result = fh_device_retire_call(p->card->device, run, p->then, &p->then_epoch, 1);
    }
    if (p->ticks) {
        p->result = fh_device_tick(p->card->device);
    }
}

static void destroyed(void *context, void *user)
{
    (void)user;
    run(context);
}

static void retire_call(const card *c, payload *p, uint32_t queue, uint64_t value)
{
    CHECK_OK(fh_device_retire_call(c->device, run, p, &(fh_epoch){queue, value}, 1));
}

/* An external parcel that was used, and is released. */
static void retire_external(const card *c, payload *p, const fh_epoch *epochs, uint32_t count)
{
    fh_parcel parcel;
    fh_external_desc desc = {.size = 10, .destroy = destroyed, .context = p};
    CHECK_OK(fh_external_create(c->device, &desc, &parcel));
    CHECK_OK(fh_device_retire(c->device, parcel, epochs, count));
}

static void signal_and_tick(const card *c, uint32_t queue, uint64_t value)
{
    CHECK_OK(fh_queue_signal(c->device, queue, value));
    CHECK_OK(fh_device_tick(c->device));
}

/* ---- when ---- */

static void what_was_not_used_is_gone_at_once(void **state)
{
    const card *c = *state;
    diary d = {0};
    payload p = {c, &d, .number = 1};
    retire_external(c, &p, NULL, 0);
    CHECK_EQUAL(d.count, 1);
    check_release(c, check_buffer(c, 64));
    CHECK_EQUAL(card_stats(c).retiring_count, 0);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

static void what_was_used_goes_when_that_has_passed(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    diary d = {0};
    payload payloads[20];
    for (uint32_t i = 0; i < 20; i++) {
        payloads[i] = (payload){c, &d, .number = i};
        retire_external(c, &payloads[i], &(fh_epoch){queue, 10 + i * 10}, 1);
    }
    CHECK_EQUAL(card_stats(c).retiring_count, 20);
    for (uint64_t value = 0; value <= 205; value += 5) {
        signal_and_tick(c, queue, value);
        CHECK_EQUAL(d.count, value / 10 < 20 ? value / 10 : 20);
        CHECK_EQUAL(card_stats(c).retiring_count, 20 - d.count);
        CHECK_NO_FAULT(card_audit(c));
    }
}

/* An epoch that had passed when the parcel was released holds nothing up. */
static void a_use_that_has_passed_holds_nothing_up(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    diary d = {0};
    payload p = {.card = c, .diary = &d};
    CHECK_OK(fh_queue_signal(c->device, queue, 50));
    retire_external(c, &p, (fh_epoch[]){{queue, 50}, {0, 0}}, 2);
    CHECK_EQUAL(d.count, 1);
    retire_external(c, &p, &(fh_epoch){queue, 51}, 1);
    CHECK_OK(fh_device_tick(c->device));
    CHECK_EQUAL(d.count, 1);
    signal_and_tick(c, queue, 51);
    CHECK_EQUAL(d.count, 2);
}

static void of_uses_of_one_queue_the_largest_counts(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    fh_parcel buffer = check_buffer(c, 64);
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){queue, 7}));
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){queue, 9}));
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){queue, 8}));
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){queue, 0}));
    check_release(c, buffer);
    signal_and_tick(c, queue, 8);
    CHECK_EQUAL(card_stats(c).retiring_count, 1);
    signal_and_tick(c, queue, 9);
    CHECK_EQUAL(card_stats(c).retiring_count, 0);
}

static void a_queue_does_not_go_back(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    CHECK_OK(fh_queue_signal(c->device, queue, 10));
    CHECK_OK(fh_queue_signal(c->device, queue, 3));
    CHECK_EQUAL(fh_queue_progress(c->device, queue), 10);
    diary d = {0};
    payload p = {.card = c, .diary = &d};
    retire_call(c, &p, queue, 10);
    CHECK_EQUAL(d.count, 1);
}

/* Eight queues that finish in every order: gone with the last. */
static void queues_may_finish_in_any_order(void **state)
{
    const card *c = *state;
    test_rng rng = {test_seed()};
    fh_epoch epochs[FH_QUEUE_MAX];
    uint32_t count = 0;
    uint32_t queue;
    while (fh_queue_add(c->device, "mine", &queue) == FH_OK) {
        epochs[count++].queue = queue;
    }
    CHECK_EQUAL(count, FH_QUEUE_MAX - 2);
    CHECK_EQUAL(queue, UINT32_MAX);
    for (uint64_t round = 1; round <= 200; round++) {
        diary d = {0};
        payload p = {.card = c, .diary = &d};
        uint32_t order[FH_QUEUE_MAX];
        for (uint32_t i = 0; i < count; i++) {
            epochs[i].value = round;
            order[i] = i;
        }
        for (uint32_t i = count; i > 1; i--) {
            uint32_t other = (uint32_t)test_below(&rng, i);
            uint32_t swapped = order[i - 1];
            order[i - 1] = order[other];
            order[other] = swapped;
        }
        retire_external(c, &p, epochs, count);
        for (uint32_t i = 0; i < count; i++) {
            CHECK_EQUAL(d.count, 0);
            signal_and_tick(c, epochs[order[i]].queue, round);
        }
        CHECK_EQUAL(d.count, 1);
    }
}

/* Released in an order that has nothing to do with the epochs. */
static void an_out_of_order_release_waits_for_its_own_epoch(void **state)
{
    const card *c = *state;
    test_rng rng = {test_seed()};
    uint32_t queue = check_queue(c);
    enum {
        COUNT = 500
    };
    static payload payloads[COUNT];
    static uint64_t values[COUNT];
    static bool ran[COUNT];
    diary *d = test_calloc(1, sizeof *d);
    for (uint32_t i = 0; i < COUNT; i++) {
        values[i] = 1 + test_below(&rng, 300);
        payloads[i] = (payload){c, d, .number = i};
        ran[i] = false;
        retire_external(c, &payloads[i], &(fh_epoch){queue, values[i]}, 1);
    }
    uint32_t seen = 0;
    for (uint64_t value = 1; value <= 300; value++) {
        signal_and_tick(c, queue, value);
        for (; seen < d->count; seen++) {
            assert_false(ran[d->entries[seen]]);
            ran[d->entries[seen]] = true;
            assert_true(values[d->entries[seen]] <= value);
        }
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_true(ran[i] == (values[i] <= value));
        }
    }
    CHECK_EQUAL(d->count, COUNT);
    test_free(d);
}

/* More distinct values than a row of the queue has places: late, perhaps, but never early, and
 * all. */
static void thousands_of_distinct_values_are_never_early(void **state)
{
    const card *c = *state;
    enum {
        COUNT = 5000
    };
    test_rng rng = {test_seed()};
    uint32_t queue = check_queue(c);
    payload *payloads = test_calloc(COUNT, sizeof *payloads);
    uint64_t *values = test_calloc(COUNT, sizeof *values);
    for (int order = 0; order < 3; order++) {
        diary *d = test_calloc(1, sizeof *d);
        uint64_t base = (uint64_t)(order + 1) * 1000000;
        for (uint32_t i = 0; i < COUNT; i++) {
            values[i] = base + (order == 0   ? i * 3
                                : order == 1 ? (COUNT - i) * 3
                                             : test_below(&rng, COUNT * 3));
            payloads[i] = (payload){c, d, .number = i};
            retire_external(c, &payloads[i], &(fh_epoch){queue, values[i]}, 1);
        }
        CHECK_EQUAL(card_stats(c).retiring_count, COUNT);
        uint32_t seen = 0;
        for (uint64_t value = base; value <= base + COUNT * 3 + 3; value += 97) {
            signal_and_tick(c, queue, value);
            for (; seen < d->count; seen++) {
                assert_true(values[d->entries[seen]] <= value);
            }
        }
        signal_and_tick(c, queue, base + COUNT * 3 + 3);
        CHECK_EQUAL(d->count, COUNT);
        test_free(d);
    }
    test_free(values);
    test_free(payloads);
}

/* ---- what nobody knows of is not done ---- */

static void an_epoch_of_the_future_is_not_done(void **state)
{
    const card *c = *state;
    diary d = {0};
    payload p = {.card = c, .diary = &d};
    uint32_t mine = check_queue(c);
    fh_parcel buffer = check_buffer(c, 64);
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){0, 1000})); /* a queue of the backend */
    CHECK_OK(fh_parcel_use(c->device, buffer, (fh_epoch){mine, UINT64_MAX}));
    check_release(c, buffer);
    retire_call(c, &p, mine, UINT64_MAX - 1);
    for (int i = 0; i < 5; i++) {
        CHECK_OK(fh_device_tick(c->device));
        CHECK_OK(fh_device_poll(c->device));
    }
    CHECK_OK(fh_device_wait_idle(c->device, SECOND_NS)); /* for what Freehold submitted: nothing */
    CHECK_EQUAL(card_stats(c).retiring_count, 2);
    CHECK_EQUAL(d.count, 0);
    CHECK_RESULT(fh_device_wait(c->device, (fh_epoch){mine, 1}, 0), FH_ERR_TIMEOUT);
    CHECK_RESULT(fh_device_wait(c->device, (fh_epoch){0, 1000}, 1000000), FH_ERR_TIMEOUT);
    signal_and_tick(c, mine, UINT64_MAX);
    CHECK_EQUAL(d.count, 1);
    CHECK_EQUAL(card_stats(c).retiring_count, 1);

    /* Copies bring the backend's queue there. */
    fh_parcel other = check_buffer(c, 64);
    fh_epoch epoch = {0};
    while (epoch.value < 1000) {
        fh_copy fill = {.kind = FH_COPY_FILL, .dst = other, .size = 64};
        CHECK_OK(fh_device_copy(c->device, &fill, 1, &epoch));
        CHECK_EQUAL(epoch.queue, 0);
    }
    CHECK_OK(fh_device_wait(c->device, epoch, SECOND_NS));
    CHECK_OK(fh_device_tick(c->device));
    CHECK_EQUAL(card_stats(c).retiring_count, 0);
    check_release(c, other);
}

static void a_queue_that_is_not_there_is_refused(void **state)
{
    const card *c = *state;
    fh_parcel buffer = check_buffer(c, 64);
    uint32_t mine = check_queue(c);
    static const uint32_t offsets[] = {1, 2, 5, 1000};
    diary d = {0};
    payload p = {.card = c, .diary = &d};
    for (size_t i = 0; i < TEST_COUNT_OF(offsets); i++) {
        fh_epoch epochs[2] = {{mine, 1}, {mine + offsets[i], 1}};
        CHECK_RESULT(fh_parcel_use(c->device, buffer, epochs[1]), FH_ERR_INVALID);
        CHECK_DETAIL_NAMES("queue");
        CHECK_RESULT(fh_device_retire(c->device, buffer, epochs, 2), FH_ERR_INVALID);
        CHECK_EQUAL(check_info(c, buffer).reference_count, 1);
        CHECK_RESULT(fh_device_retire_call(c->device, run, &p, epochs, 2), FH_ERR_INVALID);
        CHECK_RESULT(fh_device_wait(c->device, epochs[1], 0), FH_ERR_INVALID);
        CHECK_RESULT(fh_queue_signal(c->device, epochs[1].queue, 1), FH_ERR_INVALID);
        CHECK_EQUAL(fh_queue_progress(c->device, epochs[1].queue), 0);
    }
    CHECK_RESULT(fh_queue_signal(c->device, 0, 1), FH_ERR_INVALID); /* the backend's own */
    CHECK_EQUAL(d.count, 0);
    /* A refused fh_device_retire() noted no use: nothing waits for {mine, 1}. */
    check_release(c, buffer);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
}

static void wrong_arguments_are_refused(void **state)
{
    const card *c = *state;
    diary d = {0};
    payload p = {.card = c, .diary = &d};
    fh_epoch epoch = {0, 0};
    uint32_t queue = 5;
    CHECK_RESULT(fh_device_retire_call(NULL, run, &p, &epoch, 1), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_retire_call(c->device, NULL, &p, &epoch, 1), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_retire_call(c->device, run, &p, NULL, 1), FH_ERR_INVALID);
    CHECK_EQUAL(d.count, 0);
    CHECK_OK(fh_device_retire_call(c->device, run, &p, NULL, 0));
    CHECK_EQUAL(d.count, 1);
    CHECK_RESULT(fh_queue_add(NULL, NULL, &queue), FH_ERR_INVALID);
    CHECK_EQUAL(queue, UINT32_MAX);
    CHECK_RESULT(fh_queue_add(c->device, NULL, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_queue_signal(NULL, 0, 1), FH_ERR_INVALID);
    CHECK_EQUAL(fh_queue_progress(NULL, 0), 0);
    CHECK_RESULT(fh_device_wait(NULL, epoch, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_wait_idle(NULL, 0), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_tick(NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_device_poll(NULL), FH_ERR_INVALID);
    assert_false(fh_device_is_lost(NULL));
}

/* ---- callbacks ---- */

static void calls_come_once_and_in_the_order_of_their_epochs(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    diary d = {0};
    payload payloads[30];
    for (uint32_t i = 0; i < 30; i++) {
        payloads[i] = (payload){c, &d, .number = i};
        retire_call(c, &payloads[i], queue, 1 + i / 3); /* three for each value */
    }
    CHECK_EQUAL(card_stats(c).retiring_count, 30);
    CHECK_EQUAL(card_stats(c).parcel_count, 0);
    signal_and_tick(c, queue, 4);
    CHECK_EQUAL(d.count, 12);
    signal_and_tick(c, queue, 10);
    CHECK_EQUAL(d.count, 30);
    for (uint32_t i = 0; i < 30; i++) {
        CHECK_EQUAL(d.entries[i], i);
    }
    CHECK_OK(fh_device_tick(c->device));
    CHECK_EQUAL(d.count, 30);
    CHECK_EQUAL(card_stats(c).retiring_count, 0);
}

static void a_call_that_waits_for_nothing_comes_at_once(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    CHECK_OK(fh_queue_signal(c->device, queue, 3));
    diary d = {0};
    payload p = {.card = c, .diary = &d};
    retire_call(c, &p, queue, 3);
    CHECK_EQUAL(d.count, 1);
    retire_call(c, &p, 0, 0);
    CHECK_EQUAL(d.count, 2);
}

/* With no lock held: it may retire more, for an epoch that has passed, or one that has not. */
static void a_payload_may_retire_another(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    diary d = {0};
    payload third = {c, &d, .number = 3};
    payload second = {c, &d, .number = 2, .then = &third, .then_epoch = {queue, 9}};
    payload first = {c, &d, .number = 1, .then = &second, .then_epoch = {queue, 5}};
    retire_call(c, &first, queue, 5);
    signal_and_tick(c, queue, 5);
    CHECK_OK(fh_device_tick(c->device));
    CHECK_EQUAL(d.count, 2);
    CHECK_EQUAL(d.entries[0], 1);
    CHECK_EQUAL(d.entries[1], 2);
    CHECK_OK(first.result);
    CHECK_OK(second.result);
    signal_and_tick(c, queue, 9);
    CHECK_EQUAL(d.count, 3);
}

static void a_payload_may_tick(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    diary d = {0};
    payload a = {c, &d, .number = 1, .ticks = true, .result = FH_ERR_IO};
    payload b = {c, &d, .number = 2};
    retire_call(c, &a, queue, 1);
    retire_call(c, &b, queue, 1);
    signal_and_tick(c, queue, 1);
    CHECK_EQUAL(d.count, 2);
    CHECK_OK(a.result);
    CHECK_EQUAL(card_stats(c).tick_count, 1); /* a tick during a tick is none */
}

/* ---- the end ---- */

static void everything_runs_when_the_device_is_destroyed(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    check_open(&c);
    uint32_t queue = check_queue(&c);
    diary d = {0};
    payload last = {&c, &d, .number = 9};
    payload payloads[4];
    for (uint32_t i = 0; i < 4; i++) {
        payloads[i] = (payload){&c, &d, .number = i};
    }
    payloads[3].then = &last;
    payloads[3].then_epoch = (fh_epoch){queue, UINT64_MAX};
    retire_call(&c, &payloads[0], queue, 100);
    retire_call(&c, &payloads[1], 0, 100); /* a value that was never submitted */
    retire_external(&c, &payloads[2], &(fh_epoch){queue, 50}, 1);
    retire_call(&c, &payloads[3], queue, 200);
    fh_parcel buffer = check_buffer(&c, 4096);
    CHECK_OK(fh_device_retire(c.device, buffer, &(fh_epoch){queue, 7}, 1));
    CHECK_NO_FAULT(card_close(&c));
    CHECK_EQUAL(d.count, 5);
}

static void everything_runs_when_the_device_is_lost(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    diary d = {0};
    payload payloads[3];
    for (uint32_t i = 0; i < 3; i++) {
        payloads[i] = (payload){c, &d, .number = i};
    }
    retire_call(c, &payloads[0], queue, 100);
    retire_external(c, &payloads[1], (fh_epoch[]){{queue, 50}, {1, 10}}, 2);
    CHECK_OK(fh_simulated_fault(c->backend, &(fh_fault){.kind = FH_FAULT_LOSE, .nth = 1}));
    CHECK_RESULT(fh_device_tick(c->device), FH_ERR_DEVICE_LOST);
    fh_device_tick(c->device);
    CHECK_EQUAL(d.count, 2);
    CHECK_EQUAL(card_stats(c).retiring_count, 0);
    retire_call(c, &payloads[2], queue, 1000); /* epochs count as passed */
    CHECK_EQUAL(d.count, 3);
    CHECK_OK(fh_device_wait(c->device, (fh_epoch){queue, 77}, FH_WAIT_FOREVER));
    CHECK_OK(fh_device_wait_idle(c->device, FH_WAIT_FOREVER));
    CHECK_RESULT(fh_device_poll(c->device), FH_ERR_DEVICE_LOST);
}

/* ---- waits ---- */

static void waits_end(void **state)
{
    const card *c = *state;
    uint32_t queue = check_queue(c);
    CHECK_OK(fh_device_wait(c->device, (fh_epoch){0, 0}, 0));
    CHECK_OK(fh_device_wait(c->device, (fh_epoch){queue, 0}, FH_WAIT_FOREVER));
    CHECK_RESULT(fh_device_wait(c->device, (fh_epoch){queue, 1}, 0), FH_ERR_TIMEOUT);
    CHECK_RESULT(fh_device_wait(c->device, (fh_epoch){queue, 1}, 3000000), FH_ERR_TIMEOUT);
    CHECK_OK(fh_queue_signal(c->device, queue, 1));
    CHECK_OK(fh_device_wait(c->device, (fh_epoch){queue, 1}, 0));
    CHECK_OK(fh_device_wait(c->device, (fh_epoch){queue, 1}, FH_WAIT_FOREVER));
    CHECK_OK(fh_device_wait_idle(c->device, 0));
}

/* Copies that happen only when they are let. */
static void waits_for_copies_end_when_those_are_done(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.manual = true;
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 4096);
    fh_copy fill = {.kind = FH_COPY_FILL, .dst = buffer, .size = 4096, .fill = 5};
    fh_epoch epochs[3];
    for (int i = 0; i < 3; i++) {
        CHECK_OK(fh_device_copy(c.device, &fill, 1, &epochs[i]));
        assert_true(i == 0 || epochs[i].value > epochs[i - 1].value);
    }
    CHECK_RESULT(fh_device_wait(c.device, epochs[0], 2000000), FH_ERR_TIMEOUT);
    CHECK_RESULT(fh_device_wait_idle(c.device, 2000000), FH_ERR_TIMEOUT);
    CHECK_EQUAL(fh_queue_progress(c.device, 0), 0);
    check_release(&c, buffer);
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_stats(&c).retiring_count, 1); /* its copies are its uses */
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 2), 2);
    CHECK_EQUAL(fh_queue_progress(c.device, 0), epochs[1].value);
    CHECK_OK(fh_device_wait(c.device, epochs[1], 0));
    CHECK_OK(fh_device_tick(c.device));
    CHECK_EQUAL(card_stats(&c).retiring_count, 1);
    CHECK_EQUAL(fh_simulated_advance(c.backend, 0, 10), 1);
    CHECK_OK(fh_device_wait_idle(c.device, 0)); /* retires, too */
    CHECK_EQUAL(card_stats(&c).retiring_count, 0);
    check_close(&c);
}

static void waits_take_as_long_as_copies(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.copy_latency_ns = 30000000;
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 64);
    fh_copy fill = {.kind = FH_COPY_FILL, .dst = buffer, .size = 64};
    fh_epoch epoch;
    CHECK_OK(fh_device_copy(c.device, &fill, 1, &epoch));
    CHECK_RESULT(fh_device_wait(c.device, epoch, 0), FH_ERR_TIMEOUT);
    CHECK_OK(fh_device_wait(c.device, epoch, 20 * SECOND_NS));
    CHECK_OK(fh_device_copy(c.device, &fill, 1, &epoch));
    check_release(&c, buffer);
    CHECK_OK(fh_device_wait_idle(c.device, FH_WAIT_FOREVER));
    CHECK_EQUAL(card_stats(&c).parcel_count, 0);
    check_close(&c);
}

/* A device that is destroyed waits for its own copies: the backend asserts that it does. */
static void destroying_waits_for_copies(void **state)
{
    (void)state;
    card c;
    card_small(&c);
    c.profile.copy_latency_ns = 20000000;
    check_open(&c);
    fh_parcel buffer = check_buffer(&c, 4096);
    fh_copy fill = {.kind = FH_COPY_FILL, .dst = buffer, .size = 4096, .fill = 5};
    fh_epoch epoch;
    CHECK_OK(fh_device_copy(c.device, &fill, 1, &epoch));
    check_release(&c, buffer);
    CHECK_NO_FAULT(card_close(&c));
}

/* ---- bounded ---- */

static void retiring_again_and_again_takes_no_more_host_memory(void **state)
{
    (void)state;
    card c;
    test_memory memory;
    test_memory_init(&memory);
    card_small(&c);
    c.desc.memory = &memory.host;
    check_open(&c);
    uint32_t queue = check_queue(&c);
    size_t settled = 0;
    for (uint64_t frame = 1; frame <= 400; frame++) {
        for (int i = 0; i < 50; i++) {
            fh_parcel buffer = check_buffer(&c, 1000);
            CHECK_OK(fh_device_retire(c.device, buffer, &(fh_epoch){queue, frame}, 1));
        }
        signal_and_tick(&c, queue, frame > 3 ? frame - 3 : 0);
        if (frame == 100) {
            settled = memory.live_bytes;
        }
    }
    CHECK_EQUAL(memory.live_bytes, settled);
    signal_and_tick(&c, queue, 400);
    check_close(&c);
    test_memory_finish(&memory);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_not_used_is_gone_at_once),
        TEST(what_was_used_goes_when_that_has_passed),
        TEST(a_use_that_has_passed_holds_nothing_up),
        TEST(of_uses_of_one_queue_the_largest_counts),
        TEST(a_queue_does_not_go_back),
        TEST(queues_may_finish_in_any_order),
        TEST(an_out_of_order_release_waits_for_its_own_epoch),
        TEST(thousands_of_distinct_values_are_never_early),
        TEST(an_epoch_of_the_future_is_not_done),
        TEST(a_queue_that_is_not_there_is_refused),
        TEST(wrong_arguments_are_refused),
        TEST(calls_come_once_and_in_the_order_of_their_epochs),
        TEST(a_call_that_waits_for_nothing_comes_at_once),
        TEST(a_payload_may_retire_another),
        TEST(a_payload_may_tick),
        cmocka_unit_test(everything_runs_when_the_device_is_destroyed),
        TEST(everything_runs_when_the_device_is_lost),
        TEST(waits_end),
        cmocka_unit_test(waits_for_copies_end_when_those_are_done),
        cmocka_unit_test(waits_take_as_long_as_copies),
        cmocka_unit_test(destroying_waits_for_copies),
        cmocka_unit_test(retiring_again_and_again_takes_no_more_host_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
