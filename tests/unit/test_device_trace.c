/* Recordings of a device: what they come to is, at every tick, what the device counts itself; for
 * the scene, for random calls, with recordings that begin and end in the middle and while other
 * threads are at it. */

#define _POSIX_C_SOURCE 200809L /* getpid() */

#include "scene.h"

#include "device_trace_checks.h"
#include "ledger.h"

#include <pthread.h>

/* ---- the scene ---- */

static diary diary_of_tests;

/* A recording that begins before step `first` and ends before step `last`. */
static void record_scene(size_t first, size_t last)
{
    static scene s;
    diary *d = &diary_of_tests;
    tally t;
    fh_trace *trace = NULL;
    fh_trace_stats stats;
    prepare(&s, NULL);
    check_open(&s.card);
    check_watch(d, &s.card);
    for (size_t i = 0; i < TEST_COUNT_OF(steps); i++) {
        if (i == first) {
            trace = check_start(&s.card, 0);
        }
        if (i == last) {
            CHECK_OK(fh_trace_stop(trace, &stats));
            trace = NULL;
        }
        steps[i].step(&s);
        check_scene(&s, steps[i].name, NULL);
    }
    end(&s);
    if (trace != NULL) {
        CHECK_OK(fh_trace_stop(trace, &stats));
    }
    CHECK_EQUAL(stats.dropped_count, 0);
    check_agrees(&t, 0, d);
    uint64_t events = 0;
    for (uint32_t kind = 0; kind <= FH_TRACE_KIND_MAX; kind++) {
        events += t.counts[kind];
    }
    CHECK_EQUAL(events, stats.event_count);
    CHECK_EQUAL(t.counts[FH_TRACE_DEVICE], 1);
    bool closed = last >= TEST_COUNT_OF(steps);
    CHECK_EQUAL(t.counts[FH_TRACE_DEVICE_CLOSED], closed);
    if (closed) {
        CHECK_EQUAL(t.live_count, 0);
        CHECK_EQUAL(t.reserved[0] + t.reserved[1], 0);
    }
    tally_finish(&t);
}

static void scene_comes_out_right_from_any_step_on(void **state)
{
    (void)state;
    for (size_t first = 0; first < TEST_COUNT_OF(steps); first++) {
        record_scene(first, TEST_COUNT_OF(steps));
    }
    for (size_t last = 1; last < TEST_COUNT_OF(steps); last++) {
        record_scene(last / 2, last);
    }
}

/* ---- random calls ---- */

static uint64_t draw(void *context, uint64_t below)
{
    return test_below(context, below);
}

static void random_calls_come_out_right(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    const ledger_source source = {draw, &rng};
    uint64_t operations = test_operations(20000);
    ledger *l = test_calloc(1, sizeof *l);
    diary *d = &diary_of_tests;
    for (uint64_t done = 0, device = 0; done < operations; device++) {
        uint64_t length = test_log_uniform(&rng, 4000);
        uint64_t first = test_below(&rng, length);
        fh_trace *trace = NULL, *second = NULL;
        const char *fault = ledger_open(l, NULL);
        if (fault == NULL) {
            check_watch(d, &l->card);
        }
        for (uint64_t i = 0; i < length && fault == NULL; i++, done++) {
            uint64_t fail_at = l->memory.fail_at;
            l->memory.fail_at = 0; /* not for ours */
            if (i == first) {
                trace = check_start(&l->card, 0);
            } else if (i == (first + length) / 2) {
                second = check_start(&l->card, 1);
            } else if (second != NULL && i == (first + 3 * length) / 4) {
                CHECK_OK(fh_trace_stop(second, NULL));
                tally t;
                check_agrees(&t, 1, d);
                tally_finish(&t);
                second = NULL;
            }
            l->memory.fail_at = fail_at;
            fault = ledger_step(l, &source, device % 2 == 1);
        }
        if (fault != NULL) {
            fail_msg("device %llu: %s", (unsigned long long)device, fault);
        }
        /* The ledger lends its host memory, and wants all of it back. */
        CHECK_OK(fh_trace_stop(trace, NULL));
        CHECK_OK(fh_trace_stop(second, NULL));
        tally t;
        check_agrees(&t, 0, d);
        CHECK_EQUAL(t.live_count, card_stats(&l->card).parcel_count);
        tally_finish(&t);
        CHECK_NO_FAULT(ledger_close(l));
    }
    test_free(l);
}

/* ---- threads ---- */

enum {
    WORKERS = 4,
    HELD = 16
};

typedef struct worker {
    pthread_t thread;
    card *card;
    test_rng rng;
    uint64_t rounds;
    uint32_t queue;
    bool failed;
} worker;

static bool work_once(worker *w, fh_parcel *held)
{
    fh_device *d = w->card->device;
    fh_buffer_desc desc = card_buffer_desc(test_log_uniform(&w->rng, MIB(1)));
    desc.memory.location = test_chance(&w->rng, 20) ? FH_LOCATION_UPLOAD : FH_LOCATION_DEVICE;
    bool ok = fh_parcel_release(d, *held) == FH_OK;
    ok = fh_buffer_create(d, &desc, held) == FH_OK && ok;
    if (test_chance(&w->rng, 20)) {
        ok = fh_parcel_use(d, *held, (fh_epoch){w->queue, 1 + test_below(&w->rng, 20)}) == FH_OK &&
             ok;
    }
    if (test_chance(&w->rng, 10)) { /* not while the queue uses it */
        fh_result result = fh_buffer_resize(d, *held, test_log_uniform(&w->rng, KIB(64)), NULL);
        ok = (result == FH_OK || result == FH_ERR_BUSY) && ok;
    }
    if (test_chance(&w->rng, 10)) {
        ok = fh_parcel_set_name(d, *held, "renamed") == FH_OK && ok;
    }
    if (test_chance(&w->rng, 10)) {
        fh_queue_signal(d, w->queue, test_below(&w->rng, 20));
    }
    if (test_chance(&w->rng, 5)) {
        fh_tag tag;
        char name[16];
        snprintf(name, sizeof name, "tag %u", (unsigned int)test_below(&w->rng, 50));
        ok = fh_device_tag(d, name, &tag) == FH_OK && ok;
    }
    return ok;
}

static void *work(void *argument)
{
    worker *w = argument;
    fh_parcel held[HELD] = {{0}};
    for (uint64_t i = 0; i < w->rounds && !w->failed; i++) {
        w->failed = !work_once(w, &held[test_below(&w->rng, HELD)]);
    }
    for (uint32_t i = 0; i < HELD; i++) {
        fh_parcel_release(w->card->device, held[i]);
    }
    return NULL;
}

/* Threads make and release; two recordings after the other begin and end in the middle of it. Each
 * must follow from itself; and when nobody is at it any more, what lives is what lives. */
static void recordings_begin_and_end_while_threads_work(void **state)
{
    (void)state;
    test_rng rng = {test_seed()};
    static worker workers[WORKERS];
    diary *d = &diary_of_tests;
    card c;
    card_small(&c);
    c.desc.block_size = MIB(2);
    check_open(&c);
    uint32_t queue = check_queue(&c);
    fh_trace *whole;
    const fh_trace_desc large = {.buffer_size = MIB(64), .program = "threads"};
    CHECK_OK(fh_trace_start(c.device, path_of(0), &large, &whole));
    for (uint64_t round = 0; round < 4; round++) {
        check_watch(d, &c);
        for (uint32_t i = 0; i < WORKERS; i++) {
            workers[i] = (worker){.card = &c,
                                  .rng = {test_random(&rng)},
                                  .rounds = test_operations(16000) / 16,
                                  .queue = queue};
            assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
        }
        for (int i = 0; i < 6; i++) {
            fh_trace *trace, *last;
            CHECK_OK(fh_trace_start(c.device, path_of(1), &large, &trace));
            CHECK_OK(fh_trace_start(c.device, path_of(2), &large, &last));
            CHECK_OK(fh_device_trim(c.device, NULL));
            CHECK_OK(fh_trace_stop(trace, NULL));
            tally t;
            check_agrees(&t, 1, NULL);
            tally_finish(&t);
            CHECK_OK(fh_trace_stop(last, NULL));
            check_agrees(&t, 2, NULL);
            tally_finish(&t);
        }
        fh_trace *trace;
        CHECK_OK(fh_trace_start(c.device, path_of(3), &large, &trace));
        for (uint32_t i = 0; i < WORKERS; i++) {
            pthread_join(workers[i].thread, NULL);
            assert_false(workers[i].failed);
        }
        memset(d->known, 0, sizeof d->known);
        CHECK_OK(fh_device_tick(c.device));
        CHECK_OK(fh_trace_stop(trace, NULL));
        tally t;
        check_agrees(&t, 3, d);
        CHECK_EQUAL(t.counts[FH_TRACE_FRAME] > 0, true);
        tally_finish(&t);
        CHECK_OK(fh_device_unobserve(c.device, d->id));
    }
    CHECK_OK(fh_queue_signal(c.device, queue, 1000));
    CHECK_OK(fh_device_tick(c.device));
    check_close(&c);
    CHECK_OK(fh_trace_stop(whole, NULL));
    tally t;
    check_agrees(&t, 0, NULL);
    CHECK_EQUAL(t.live_count, 0);
    CHECK_EQUAL(t.reserved[0] + t.reserved[1], 0);
    CHECK_EQUAL(t.counts[FH_TRACE_THREAD_SEEN] > WORKERS, true);
    tally_finish(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scene_comes_out_right_from_any_step_on),
        cmocka_unit_test(random_calls_come_out_right),
        cmocka_unit_test(recordings_begin_and_end_while_threads_work),
    };
    return cmocka_run_group_tests(tests, NULL, remove_files);
}
