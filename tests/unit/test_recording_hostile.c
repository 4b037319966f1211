/* mkstemp() */
#define _POSIX_C_SOURCE 200809L

/* Recordings of traces that make no sense, of files that are none, and on a host whose memory
 * fails. */

#include "replay_checks.h"

#include <stdlib.h>
#include <unistd.h>

static const fh_recorded_device *device_of(const fh_recording *recording)
{
    return fh_recording_device(recording, fh_recording_get_info(recording)->main_device);
}

static uint64_t ignored(const fh_recording *recording)
{
    return fh_recording_get_info(recording)->ignored_count;
}

static fh_recorded_resource resource_of(const fh_recording *recording, uint64_t id)
{
    fh_recorded_resource resource;
    CHECK_OK(fh_recording_resource(recording, id, &resource));
    return resource;
}

/* ---- nonsense ---- */

static void what_makes_no_sense_is_left_out_and_counted(void **state)
{
    const uint64_t unknown[] = {99, 77};
    taping t;
    uint64_t count = 0;
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    tape_queue(&t, 1);
    tape_own(&t, 1, 1000);
    tape_memory(&t, 2, 0, 1000);
    tape_buffer(&t, 2, 100, FH_USAGE_STORAGE);

    tape_card(&t, 1, FH_TRACE_API_VULKAN, GIB(2)), count++;        /* the same again */
    tape_queue(&t, 1), count++;                                    /* the same again */
    tape_memory(&t, 1, 0, 10), count++;                            /* the same again */
    tape_memory(&t, 3, 4, 10), count++;                            /* a type there is not */
    tape_memory(&t, 3, 0, 0), count++;                             /* no bytes */
    tape_memory(&t, 3, 0, (UINT64_C(1) << 63) + 1), count++;       /* too many */
    tape_memory(&t, 0, 0, 10), count++;                            /* no id */
    tape_memory_freed(&t, 99), count++;                            /* unknown */
    tape_buffer(&t, 1, 10, FH_USAGE_STORAGE), count++;             /* the same again */
    tape_bound(&t, 99, 1, 0, 10), count++;                         /* unknown */
    tape_bound(&t, 2, 99, 0, 10), count++;                         /* unknown */
    tape_bound(&t, 1, 1, 0, 10), count++;                          /* bound already */
    tape_bound(&t, 2, 2, 901, 100), count++;                       /* past the end */
    tape_bound(&t, 2, 2, 1000, 1), count++;                        /* past the end */
    tape_bound(&t, 2, 2, UINT64_MAX - 10, 100), count++;           /* past all ends */
    tape_bound(&t, 2, 2, 0, UINT64_MAX), count++;                  /* too large */
    tape_released(&t, 99), count++;                                /* unknown */
    tape_destroyed(&t, 99), count++;                               /* unknown */
    tape_mapped(&t, 99, 0, 0, 0), count++;                         /* unknown */
    tape_mapped(&t, 2, 0, 1000, 1), count++;                       /* past the end */
    tape_submit(&t, 99, NULL, 0), count++;                         /* unknown */
    tape_used(&t, 1, 99, 1), count++;                              /* unknown */
    tape_budget(&t, 2, 100, 100), count++;                         /* a heap there is not */
    tape_named(&t, FH_TRACE_NOUN_RESOURCE, 99, "nobody"), count++; /* unknown */
    tape_submit(&t, 1, unknown, 2); /* what it does not know it does not use */
    t.device = 5;
    tape_memory(&t, 3, 0, 10), count++; /* of no device */
    tape_buffer(&t, 3, 10, FH_USAGE_STORAGE), count++;
    tape_frame(&t), count++;
    t.device = 1;
    tape_destroyed(&t, 1);
    tape_destroyed(&t, 1), count++;       /* a second time */
    tape_bound(&t, 1, 2, 0, 10), count++; /* it is gone */
    tape_memory_freed(&t, 1);
    tape_memory_freed(&t, 1), count++;     /* a second time */
    tape_bound(&t, 2, 1, 0, 10), count++;  /* it is gone */
    tape_mapped(&t, 1, 0, 0, 10), count++; /* it is gone */
    tape_released(&t, 2);                  /* it has no memory to let go of */
    tape_bound(&t, 2, 2, 900, 100);        /* to the last byte */
    tape_released(&t, 2);
    tape_released(&t, 2), count++; /* a second time */
    fh_recording *recording = check_recording(&t);
    CHECK_EQUAL(ignored(recording), count);
    CHECK_EQUAL(device_of(recording)->peak_reserved, 2000);
    CHECK_EQUAL(device_of(recording)->peak_committed, 1000);
    fh_recording_close(recording);
}

/* What no device can be. */
static void a_card_of_nonsense_is_mended(void **state)
{
    uint64_t list[2 * 20 + 2 * 40];
    taping t;
    fh_recording *recording;
    fh_replay *replay;
    (void)state;
    for (uint32_t heaps = 0; heaps <= 20; heaps += 5) {
        for (uint32_t types = 0; types <= 40; types += 8) {
            for (uint32_t i = 0; i < TEST_COUNT_OF(list); i++) {
                list[i] = i % 3 == 0 ? UINT64_MAX : i;
            }
            tape_begin_bare(&t);
            fh_trace_event event = {.kind = FH_TRACE_DEVICE, .list = list};
            event.list_count = heaps == 10 ? 3 : 2 * (heaps + types); /* or cut off */
            event.device = (fh_trace_device){.device = 1,
                                             .api = 77,
                                             .adapter_kind = 99,
                                             .heap_count = heaps,
                                             .type_count = types,
                                             .granularity = 3,
                                             .atom = UINT64_MAX,
                                             .allocation_size_max = UINT64_MAX,
                                             .allocation_count_max = UINT64_MAX};
            tape_add(&t, &event);
            tape_own(&t, 1, 1000);
            recording = check_recording(&t);
            CHECK_OK(fh_replay_create(recording, NULL, &replay));
            CHECK_OK(fh_replay_step(replay, UINT32_MAX, NULL));
            fh_replay_destroy(replay);
            fh_recording_close(recording);
        }
    }
}

/* Objects can be bound to nothing that it has. */
static void a_card_of_lazy_memory_alone_is_mended(void **state)
{
    const uint64_t list[] = {GIB(1), 1, 0, FH_MEMORY_DEVICE_LOCAL | FH_MEMORY_LAZILY_ALLOCATED};
    taping t;
    (void)state;
    tape_begin_bare(&t);
    fh_trace_event event = {.kind = FH_TRACE_DEVICE, .list = list, .list_count = 4};
    event.device = (fh_trace_device){.device = 1, .heap_count = 1, .type_count = 1};
    tape_add(&t, &event);
    tape_own(&t, 1, 1000);
    fh_recording *recording = check_recording(&t);
    fh_replay *replay = check_replay(recording, NULL);
    CHECK_EQUAL(check_played(replay).refused_count, 0);
    fh_replay_destroy(replay);
    fh_recording_close(recording);
}

static void ids_may_be_anything(void **state)
{
    taping t;
    fh_recorded_resource resource;
    test_rng rng = {test_seed()};
    (void)state;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    for (uint64_t i = 0; i < 5000; i++) { /* all end in the same bits */
        tape_buffer(&t, UINT64_MAX - (i << 40), i + 1, FH_USAGE_STORAGE);
    }
    uint64_t some = test_below(&rng, 5000);
    fh_recording *recording = check_recording(&t);
    CHECK_EQUAL(ignored(recording), 0);
    CHECK_EQUAL(resource_of(recording, UINT64_MAX - (some << 40)).size, some + 1);
    CHECK_RESULT(fh_recording_resource(recording, some + 1, &resource), FH_ERR_INVALID);
    fh_recording_close(recording);
}

/* ---- files ---- */

static void check_refused_file(const char *text, fh_result expected)
{
    char path[] = "/tmp/freehold-recording-XXXXXX";
    fh_recording *recording = (void *)path;
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_true(write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    assert_string_equal(fh_result_name(fh_recording_open(path, NULL, &recording)),
                        fh_result_name(expected));
    assert_null(recording);
    unlink(path);
}

static void what_is_no_trace_is_said(void **state)
{
    fh_recording *recording = (void *)1;
    taping t;
    (void)state;
    CHECK_RESULT(fh_recording_open(NULL, NULL, &recording), FH_ERR_INVALID);
    assert_null(recording);
    CHECK_RESULT(fh_recording_open("x", NULL, NULL), FH_ERR_INVALID);
    CHECK_RESULT(fh_recording_open("/nonexistent/trace", NULL, &recording), FH_ERR_IO);
    check_refused_file("this is no trace, whatever its name may be", FH_ERR_FORMAT);
    tape_begin_bare(&t);
    CHECK_RESULT(tape_end(&t, NULL, &recording), FH_ERR_FORMAT);
    CHECK_DETAIL_NAMES("no device");
}

typedef struct watcher {
    uint32_t calls, most;
} watcher;

static bool watch(void *context, uint64_t done, uint64_t all)
{
    watcher *w = context;
    assert_true(done <= all);
    return ++w->calls < w->most;
}

static void reading_can_be_ended(void **state)
{
    char path[] = "/tmp/freehold-recording-XXXXXX";
    fh_trace_writer *writer;
    fh_recording *recording;
    watcher w = {.most = 1};
    int file = mkstemp(path);
    (void)state;
    assert_true(file >= 0);
    close(file);
    CHECK_OK(fh_trace_writer_open(path, &writer));
    fh_trace_event event = {.kind = FH_TRACE_DEVICE};
    event.device.device = 1;
    CHECK_OK(fh_trace_writer_add(writer, &event));
    event = (fh_trace_event){.kind = FH_TRACE_PASSED};
    for (int i = 0; i < 10000; i++) {
        CHECK_OK(fh_trace_writer_add(writer, &event));
    }
    CHECK_OK(fh_trace_writer_close(writer));
    const fh_recording_desc desc = {.progress = watch, .context = &w};
    CHECK_RESULT(fh_recording_open(path, &desc, &recording), FH_ERR_TIMEOUT);
    assert_null(recording);
    CHECK_EQUAL(w.calls, 1);
    CHECK_OK(fh_recording_open(path, NULL, &recording));
    CHECK_EQUAL(fh_recording_get_info(recording)->event_count, 10001);
    fh_recording_close(recording);
    unlink(path);
}

/* ---- host memory ---- */

static fh_result read_with(const fh_host_memory *memory, fh_recording **out_recording)
{
    const uint64_t used[] = {1, 2};
    taping t;
    tape_begin(&t, FH_TRACE_API_VULKAN, GIB(2));
    tape_queue(&t, 1);
    tape_memory(&t, 1, 0, 1000);
    tape_buffer(&t, 1, 600, FH_USAGE_STORAGE);
    tape_buffer(&t, 2, 600, FH_USAGE_STORAGE);
    tape_buffer(&t, 500, 10, FH_USAGE_STORAGE); /* an id out of its place */
    tape_bound(&t, 1, 1, 0, 600);
    tape_bound(&t, 2, 1, 256, 600);
    tape_named(&t, FH_TRACE_NOUN_RESOURCE, 1, "a name");
    fh_trace_event tag = {.kind = FH_TRACE_TAG, .text = "a tag", .text_size = 5};
    tag.tag = (fh_trace_tag){.tag = 1, .device = 1};
    tape_add(&t, &tag);
    tape_submit(&t, 1, used, 2);
    tape_budget(&t, 0, 1000, 1000);
    fh_trace_event refused = {.kind = FH_TRACE_REFUSED};
    refused.refused = (fh_trace_refused){.device = 1, .size = 77};
    tape_add(&t, &refused);
    fh_trace_event decision = {.kind = FH_TRACE_DECISION};
    decision.decision = (fh_trace_decision){.device = 1};
    tape_add(&t, &decision);
    tape_memory(&t, 2, 0, 50);
    tape_frame(&t);
    return tape_end(&t, memory, out_recording);
}

static void every_host_allocation_may_fail(void **state)
{
    test_memory memory;
    fh_recording *recording;
    uint64_t n = 0;
    (void)state;
    for (bool done = false; !done;) {
        test_memory_init(&memory);
        memory.fail_at = ++n;
        fh_result result = read_with(&memory.host, &recording);
        done = memory.failure_count == 0;
        assert_string_equal(fh_result_name(result), done ? "FH_OK" : "FH_ERR_HOST_MEMORY");
        assert_true((recording != NULL) == done);
        fh_recording_close(recording);
        test_memory_finish(&memory);
    }
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_makes_no_sense_is_left_out_and_counted),
        cmocka_unit_test(a_card_of_nonsense_is_mended),
        cmocka_unit_test(a_card_of_lazy_memory_alone_is_mended),
        cmocka_unit_test(ids_may_be_anything),
        cmocka_unit_test(what_is_no_trace_is_said),
        cmocka_unit_test(reading_can_be_ended),
        cmocka_unit_test(every_host_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
