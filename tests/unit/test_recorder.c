/* The recorder: one order over all threads, and every event that is dropped is counted where it is
 * missing. */

#define _POSIX_C_SOURCE 200809L /* getpid() */

#include "recorder_checks.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    THREADS = 4
};

/* ---- what is in a file ---- */

static void events_come_back_as_they_were(void **state)
{
    (void)state;
    static uint64_t list[FH_TRACE_LIST_MAX];
    fh_trace_stats stats;
    fh_trace_event event;
    char text[FH_TRACE_TEXT_MAX + 10];
    for (uint64_t i = 0; i < FH_TRACE_LIST_MAX; i++) {
        list[i] = i * 3;
    }
    fhi_recorder *recorder = check_open(0, 0);
    fh_trace_event first = {.kind = FH_TRACE_TAG, .text = "terrain", .text_size = 7};
    for (uint32_t i = 0; i < FH_TRACE_VALUES_MAX; i++) {
        first.values[i] = 1000 + i;
    }
    fhi_recorder_add(recorder, &first);
    fh_trace_event second = {.kind = FH_TRACE_SUBMIT,
                             .list = list,
                             .list_count = FH_TRACE_LIST_MAX,
                             .submit = {.queue = 1}};
    fhi_recorder_add(recorder, &second);
    /* A text that is too long is cut between characters: here that is 2 bytes early. */
    memset(text, 'x', sizeof text);
    static const char euro[] = {'\xe2', '\x82', '\xac'};
    memcpy(text + FH_TRACE_TEXT_MAX - 2, euro, sizeof euro);
    fh_trace_event third = {.kind = FH_TRACE_POLICY, .text = text, .text_size = sizeof text};
    fhi_recorder_add(recorder, &third);
    fh_trace_event whole = {.kind = FH_TRACE_RESOURCE};
    for (uint32_t i = 0; i < FH_TRACE_VALUES_MAX; i++) {
        whole.values[i] = UINT64_MAX - i;
    }
    fhi_recorder_add(recorder, &whole);
    CHECK_OK(fhi_recorder_close(recorder, &stats));

    fh_trace_reader *reader = check_read(0);
    static const fh_trace_kind kinds[] = {FH_TRACE_NOTE,    FH_TRACE_NOTE,   FH_TRACE_THREAD_SEEN,
                                          FH_TRACE_TAG,     FH_TRACE_SUBMIT, FH_TRACE_POLICY,
                                          FH_TRACE_RESOURCE};
    uint64_t time_ns = 0;
    for (size_t i = 0; i < TEST_COUNT_OF(kinds); i++) {
        CHECK_OK(fh_trace_reader_next(reader, &event));
        assert_int_equal(event.kind, kinds[i]);
        assert_true(event.time_ns >= time_ns);
        time_ns = event.time_ns;
        CHECK_NUMBER(event.thread, i < 2 ? 0 : 1);
        switch (i) {
        case 0:
            CHECK_NUMBER(event.note.topic, FH_TRACE_TOPIC_PROGRAM);
            assert_string_equal(event.text, "a program");
            break;
        case 1:
            CHECK_NUMBER(event.note.topic, FH_TRACE_TOPIC_RECORDER);
            assert_string_equal(event.text, "test 1.0");
            break;
        case 2:
            CHECK_NUMBER(event.thread_seen.thread, 1);
            break;
        case 3:
            assert_string_equal(event.text, "terrain");
            CHECK_NUMBER(event.tag.tag, 1000);
            CHECK_NUMBER(event.tag.device, 1001);
            break;
        case 4:
            CHECK_NUMBER(event.list_count, FH_TRACE_LIST_MAX);
            assert_memory_equal(event.list, list, sizeof list);
            break;
        case 5:
            CHECK_NUMBER(event.text_size, FH_TRACE_TEXT_MAX - 2);
            break;
        default:
            assert_memory_equal(event.values, whole.values, sizeof whole.values);
            break;
        }
    }
    CHECK_OK(fh_trace_reader_next(reader, &event));
    assert_int_equal(event.kind, FH_TRACE_NONE);
    check_complete(reader);
    assert_true(time_ns < SECONDS_MAX * UINT64_C(1000000000));
    CHECK_NUMBER(stats.event_count, TEST_COUNT_OF(kinds));
    CHECK_NUMBER(stats.dropped_count, 0);
    assert_true(stats.file_bytes > 0);
}

/* Times are those of the clock, whatever they are measured by. */
static void times_are_right(void **state)
{
    (void)state;
    enum {
        COUNT = 50
    };
    uint64_t before[COUNT], after[COUNT], first = 0;
    fh_trace_stats stats;
    fhi_recorder *recorder = check_open(0, 0);
    for (uint64_t i = 0; i < COUNT; i++) {
        before[i] = fhi_now_ns();
        say(recorder, i, 0, 0);
        after[i] = fhi_now_ns();
        fhi_sleep_ns((i % 10) * 1000 * 1000);
    }
    CHECK_OK(fhi_recorder_close(recorder, &stats));
    fh_trace_reader *reader = check_read(0);
    const uint64_t slack = 2 * 1000 * 1000;
    for (uint64_t i = 0; i < COUNT; i++) {
        fh_trace_event event = check_next(reader, FH_TRACE_USED);
        first = i == 0 ? event.time_ns : first;
        uint64_t since = event.time_ns - first;
        if (since + slack + after[0] < before[i] || since + before[0] > after[i] + slack) {
            fail_msg("event %llu comes %llu ns after the first, and not from %lld to %lld",
                     (unsigned long long)i, (unsigned long long)since,
                     (long long)(before[i] - after[0]), (long long)(after[i] - before[0]));
        }
    }
    assert_int_equal(check_next(reader, FH_TRACE_USED).kind, FH_TRACE_NONE);
    check_complete(reader);
}

/* ---- order ---- */

typedef struct teller {
    pthread_t thread;
    fhi_recorder *recorder;
    pthread_mutex_t *turn; /* NULL: everybody when they like */
    uint64_t *next;        /* under `turn` */
    uint64_t number, count;
    _Atomic uint32_t *waiting;
} teller;

static void *tell(void *argument)
{
    teller *t = argument;
    atomic_fetch_sub(t->waiting, 1);
    while (atomic_load(t->waiting) > 0) {
    }
    for (uint64_t i = 1; i <= t->count; i++) {
        uint64_t turn = 0;
        if (t->turn) {
            pthread_mutex_lock(t->turn);
            turn = ++*t->next;
        }
        say(t->recorder, t->number, i, turn);
        if (t->turn) {
            pthread_mutex_unlock(t->turn);
        }
    }
    return NULL;
}

static void tell_together(teller *tellers, uint32_t count)
{
    _Atomic uint32_t waiting = count;
    for (uint32_t i = 0; i < count; i++) {
        tellers[i].waiting = &waiting;
        assert_int_equal(pthread_create(&tellers[i].thread, NULL, tell, &tellers[i]), 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        pthread_join(tellers[i].thread, NULL);
    }
}

/* What one thread recorded before another one began is before what that one recorded. */
static void order_is_that_of_the_calls(void **state)
{
    (void)state;
    pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    uint64_t next = 0, count = test_operations(20000);
    teller tellers[THREADS];
    uint64_t last[THREADS] = {0};
    uint32_t numbers[THREADS] = {0};
    fh_trace_stats stats;
    fhi_recorder *recorder = check_open(0, (size_t)1 << 27);
    for (uint64_t i = 0; i < THREADS; i++) {
        tellers[i] = (teller){.recorder = recorder,
                              .turn = &turn,
                              .next = &next,
                              .number = i,
                              .count = count / THREADS};
    }
    tell_together(tellers, THREADS);
    CHECK_OK(fhi_recorder_close(recorder, &stats));
    CHECK_NUMBER(stats.dropped_count, 0);
    fh_trace_reader *reader = check_read(0);
    for (uint64_t i = 1; i <= next; i++) {
        fh_trace_event event = check_next(reader, FH_TRACE_USED);
        assert_int_equal(event.kind, FH_TRACE_USED);
        CHECK_NUMBER(event.used.value, i);
        uint64_t who = event.used.resource;
        CHECK_NUMBER(event.used.queue, ++last[who]);
        numbers[who] = numbers[who] != 0 ? numbers[who] : event.thread;
        CHECK_NUMBER(event.thread, numbers[who]);
    }
    assert_int_equal(check_next(reader, FH_TRACE_USED).kind, FH_TRACE_NONE);
    check_complete(reader);
    for (int i = 0; i < THREADS; i++) {
        for (int j = 0; j < i; j++) {
            assert_int_not_equal(numbers[i], numbers[j]);
        }
    }
}

/* ---- a full ring ---- */

static void what_is_dropped_is_counted_where_it_is_missing(void **state)
{
    (void)state;
    uint64_t count = 200000, written = 0, dropped = 0, expected = 1;
    fh_trace_stats stats;
    fhi_recorder *recorder = check_open(0, 1); /* 128 KiB: 2,048 of these */
    for (uint64_t i = 1; i <= count; i++) {
        say(recorder, 1, 2, i);
    }
    CHECK_OK(fhi_recorder_close(recorder, &stats));
    fh_trace_reader *reader = check_read(0);
    for (;;) {
        fh_trace_event event = check_next(reader, FH_TRACE_USED);
        if (event.kind == FH_TRACE_DROPPED) {
            dropped += event.dropped.count;
            expected += event.dropped.count;
        } else if (event.kind == FH_TRACE_USED) {
            CHECK_NUMBER(event.used.value, expected++);
            written++;
        } else {
            break;
        }
    }
    check_complete(reader);
    assert_true(dropped > 0);
    CHECK_NUMBER(written + dropped, count);
    CHECK_NUMBER(stats.dropped_count, dropped);
}

static void threads_lose_nothing_uncounted(void **state)
{
    (void)state;
    uint64_t count = test_operations(200000) / THREADS, dropped = 0, written = 0;
    teller tellers[THREADS];
    uint64_t last[THREADS] = {0};
    fh_trace_stats stats;
    fhi_recorder *recorder = check_open(0, 1);
    for (uint64_t i = 0; i < THREADS; i++) {
        tellers[i] = (teller){.recorder = recorder, .number = i, .count = count};
    }
    tell_together(tellers, THREADS);
    CHECK_OK(fhi_recorder_close(recorder, &stats));
    fh_trace_reader *reader = check_read(0);
    for (;;) {
        fh_trace_event event = check_next(reader, FH_TRACE_USED);
        if (event.kind == FH_TRACE_NONE) {
            break;
        }
        if (event.kind == FH_TRACE_DROPPED) {
            dropped += event.dropped.count;
        } else {
            assert_true(event.used.resource < THREADS && event.used.value == 0);
            assert_true(event.used.queue > last[event.used.resource]);
            last[event.used.resource] = event.used.queue;
            written++;
        }
    }
    check_complete(reader);
    CHECK_NUMBER(written + dropped, count * THREADS);
    CHECK_NUMBER(stats.dropped_count, dropped);
}

static void record_of_more_than_the_ring_is_dropped(void **state)
{
    (void)state;
    static uint64_t list[FH_TRACE_LIST_MAX];
    fh_trace_stats stats;
    fhi_recorder *recorder = check_open(0, 1);
    fh_trace_event event = {.kind = FH_TRACE_SUBMIT, .list = list, .list_count = FH_TRACE_LIST_MAX};
    fhi_recorder_add(recorder, &event);
    /* What is left of an old record may look like a new one's first word. */
    for (uint32_t i = 0; i < FH_TRACE_LIST_MAX; i++) {
        list[i] = (uint64_t)FH_TRACE_USED << 32 | 64;
    }
    /* Up to half of it there is always room for one, also where the end is in the way. */
    for (uint64_t i = 1; i <= 100; i++) {
        event.list_count = (uint32_t)(i * 80);
        event.submit.value = i;
        fhi_recorder_make_room(recorder, (size_t)128 * 1024);
        fhi_recorder_add(recorder, &event);
        say(recorder, i, 0, 0);
    }
    CHECK_OK(fhi_recorder_close(recorder, &stats));
    CHECK_NUMBER(stats.dropped_count, 1);
    fh_trace_reader *reader = check_read(0);
    event = check_next(reader, FH_TRACE_SUBMIT);
    assert_int_equal(event.kind, FH_TRACE_DROPPED);
    for (uint64_t i = 1; i <= 100; i++) {
        event = check_next(reader, FH_TRACE_SUBMIT);
        CHECK_NUMBER(event.submit.value, i);
        CHECK_NUMBER(event.list_count, i * 80);
        event = check_next(reader, FH_TRACE_USED);
        CHECK_NUMBER(event.used.resource, i);
    }
    assert_int_equal(check_next(reader, FH_TRACE_SUBMIT).kind, FH_TRACE_NONE);
    check_complete(reader);
}

/* ---- two at once ---- */

static void two_record_at_once(void **state)
{
    (void)state;
    uint64_t count = 5000;
    teller tellers[THREADS];
    fh_trace_stats stats;
    fhi_recorder *recorders[2] = {check_open(0, (size_t)1 << 24), check_open(1, (size_t)1 << 24)};
    say(recorders[1], THREADS, 1, 0); /* here this thread is the first one, there it is not seen */
    for (uint64_t i = 0; i < THREADS; i++) {
        tellers[i] = (teller){.recorder = recorders[i % 2], .number = i, .count = count};
    }
    tell_together(tellers, THREADS);
    for (unsigned int file = 0; file < 2; file++) {
        CHECK_OK(fhi_recorder_close(recorders[file], &stats));
        CHECK_NUMBER(stats.dropped_count, 0);
        fh_trace_reader *reader = check_read(file);
        uint64_t seen = 0;
        for (;;) {
            fh_trace_event event = check_next(reader, FH_TRACE_USED);
            if (event.kind == FH_TRACE_NONE) {
                break;
            }
            assert_true(event.used.resource % 2 == file || event.used.resource == THREADS);
            if (event.used.resource == THREADS) {
                CHECK_NUMBER(event.thread, 1);
            }
            seen++;
        }
        check_complete(reader);
        CHECK_NUMBER(seen, count * THREADS / 2 + file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_back_as_they_were),
        cmocka_unit_test(times_are_right),
        cmocka_unit_test(order_is_that_of_the_calls),
        cmocka_unit_test(what_is_dropped_is_counted_where_it_is_missing),
        cmocka_unit_test(threads_lose_nothing_uncounted),
        cmocka_unit_test(record_of_more_than_the_ring_is_dropped),
        cmocka_unit_test(two_record_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, remove_files);
}
