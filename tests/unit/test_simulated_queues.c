/* The host backend's queues: copies happen late, and when they do they read and write what is there
 * then. */

#include "gpu.h"

#include "base/clock.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define SECOND_NS UINT64_C(1000000000)

static fh_profile manual_profile(uint32_t queues)
{
    fh_profile profile = gpu_profile();
    profile.manual = true;
    profile.queue_count = queues;
    return profile;
}

static fh_profile late_profile(uint64_t latency_ns)
{
    fh_profile profile = gpu_profile();
    profile.copy_latency_ns = latency_ns;
    return profile;
}

static void fill_bytes(gpu_buffer *buffer, int value)
{
    memset(buffer->bytes, value, (size_t)buffer->needs.size);
}

static fh_backend_copy gpu_fill(gpu_buffer *buffer, uint32_t byte)
{
    return (fh_backend_copy){.kind = FH_COPY_FILL,
                             .dst = buffer->room,
                             .size = buffer->needs.size,
                             .fill = byte * 0x01010101U};
}

static void without_latency_a_copy_happens_in_the_submit(void **state)
{
    fh_profile profile = gpu_profile();
    gpu g = gpu_open(&profile);
    gpu_buffer from;
    gpu_buffer to;

    (void)state;
    gpu_buffer_create(&g, &from, 64);
    gpu_buffer_create(&g, &to, 64);
    fill_bytes(&from, 5);
    fh_backend_copy copy = gpu_copy(&from, &to, 64);
    uint64_t value = gpu_submit(&g, 0, &copy, NULL);
    assert_int_equal(to.bytes[63], 5);
    assert_true(gpu_progress(&g, 0) == value);
    gpu_buffer_destroy(&g, &from);
    gpu_buffer_destroy(&g, &to);
    gpu_close(&g);
}

static void a_fill_of_any_size_repeats_the_pattern(void **state)
{
    fh_profile profile = gpu_profile();
    gpu g = gpu_open(&profile);
    gpu_buffer buffer;
    const unsigned char pattern[] = {1, 2, 3, 4};
    uint32_t fill;

    (void)state;
    memcpy(&fill, pattern, sizeof fill);
    gpu_buffer_create(&g, &buffer, 300);
    for (uint64_t size = 1; size < 299; size++) {
        fh_backend_copy copy = {.kind = FH_COPY_FILL, .dst = buffer.room, .fill = fill};
        copy.dst_offset = 1;
        copy.size = size;
        fill_bytes(&buffer, 0);
        gpu_submit(&g, 0, &copy, NULL);
        for (uint64_t i = 0; i < 300; i++) {
            assert_int_equal(buffer.bytes[i], i >= 1 && i <= size ? pattern[(i - 1) % 4] : 0);
        }
    }
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);
}

/* The bug that epochs are for: memory that is used again before the copy has happened. */
static void a_copy_reads_and_writes_when_it_happens(void **state)
{
    fh_profile profile = manual_profile(1);
    gpu g = gpu_open(&profile);
    gpu_buffer from;
    gpu_buffer to;

    (void)state;
    gpu_buffer_create(&g, &from, 64);
    gpu_buffer_create(&g, &to, 64);
    fill_bytes(&from, 5);
    fill_bytes(&to, 1);
    fh_backend_copy copy = gpu_copy(&from, &to, 32);
    gpu_submit(&g, 0, &copy, NULL);
    copy = (fh_backend_copy){0}; /* was taken over */
    assert_int_equal(to.bytes[0], 1);
    fill_bytes(&from, 6);
    fill_bytes(&to, 2);
    assert_int_equal(fh_simulated_advance(g.device, 0, 1), 1);
    assert_int_equal(to.bytes[0], 6);
    assert_int_equal(to.bytes[31], 6);
    assert_int_equal(to.bytes[32], 2);
    gpu_buffer_destroy(&g, &from);
    gpu_buffer_destroy(&g, &to);
    gpu_close(&g);
}

static void manual_queues_pass_what_was_advanced(void **state)
{
    fh_profile profile = manual_profile(2);
    gpu g = gpu_open(&profile);
    gpu_buffer buffer;

    (void)state;
    gpu_buffer_create(&g, &buffer, 64);
    for (uint32_t i = 1; i <= 6; i++) {
        fh_backend_copy copy = gpu_fill(&buffer, i);
        assert_true(gpu_submit(&g, 1, &copy, NULL) == i);
    }
    assert_true(gpu_progress(&g, 1) == 0);
    CHECK_RESULT(g.ops->wait(g.device, 1, 1, 0), FH_ERR_TIMEOUT);
    CHECK_RESULT(g.ops->wait(g.device, 1, 1, 1000000), FH_ERR_TIMEOUT);
    assert_int_equal(buffer.bytes[0], 0);
    assert_int_equal(fh_simulated_advance(g.device, 0, 10), 0); /* another queue */
    assert_int_equal(fh_simulated_advance(g.device, 2, 1), 0);  /* no queue */
    assert_int_equal(fh_simulated_advance(g.device, 1, 0), 0);
    assert_int_equal(fh_simulated_advance(NULL, 1, 1), 0);
    assert_true(gpu_progress(&g, 1) == 0);
    assert_int_equal(fh_simulated_advance(g.device, 1, 2), 2);
    assert_true(gpu_progress(&g, 1) == 2 && gpu_progress(&g, 0) == 0);
    assert_int_equal(buffer.bytes[0], 2);
    CHECK_OK(g.ops->wait(g.device, 1, 2, 0));
    CHECK_RESULT(g.ops->wait(g.device, 1, 3, 0), FH_ERR_TIMEOUT);
    CHECK_DETAIL_NAMES("queue 1");
    assert_int_equal(fh_simulated_advance(g.device, 1, 100), 4);
    assert_int_equal(fh_simulated_advance(g.device, 1, 100), 0);
    assert_true(gpu_progress(&g, 1) == 6);
    assert_int_equal(buffer.bytes[0], 6);
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);
}

static void a_submission_waits_for_the_other_queue(void **state)
{
    fh_profile profile = manual_profile(3);
    gpu g = gpu_open(&profile);
    gpu_buffer buffer;

    (void)state;
    gpu_buffer_create(&g, &buffer, 64);
    fh_backend_copy first = gpu_fill(&buffer, 1);
    fh_backend_copy second = gpu_fill(&buffer, 2);
    fh_backend_copy third = gpu_fill(&buffer, 3);
    /* Queue 1 waits for a value that queue 0 does not even have yet, queue 2 for queue 1. */
    gpu_submit(&g, 2, &third, &(fh_epoch){1, 1});
    gpu_submit(&g, 1, &second, &(fh_epoch){0, 2});
    assert_int_equal(fh_simulated_advance(g.device, 2, 1), 1);
    assert_int_equal(fh_simulated_advance(g.device, 1, 1), 1);
    assert_int_equal(fh_simulated_advance(g.device, 1, 1), 0); /* it was, already */
    assert_true(gpu_progress(&g, 1) == 0 && gpu_progress(&g, 2) == 0);
    gpu_submit(&g, 0, NULL, NULL);
    gpu_submit(&g, 0, &first, NULL);
    assert_int_equal(fh_simulated_advance(g.device, 0, 1), 1);
    assert_true(gpu_progress(&g, 0) == 1 && gpu_progress(&g, 1) == 0);
    assert_int_equal(buffer.bytes[0], 0);
    assert_int_equal(fh_simulated_advance(g.device, 0, 1), 1);
    assert_true(gpu_progress(&g, 0) == 2 && gpu_progress(&g, 1) == 1 && gpu_progress(&g, 2) == 1);
    assert_int_equal(buffer.bytes[0], 3);
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);
}

static void a_late_copy_happens_when_its_time_has_come(void **state)
{
    fh_profile profile = late_profile(5000000);
    gpu g = gpu_open(&profile);
    gpu_buffer buffer;

    (void)state;
    gpu_buffer_create(&g, &buffer, 64);
    for (uint32_t i = 1; i <= 3; i++) {
        fh_backend_copy copy = gpu_fill(&buffer, i);
        uint64_t submitted_ns = fhi_now_ns();
        uint64_t value = gpu_submit(&g, 0, &copy, NULL);
        if (i == 2) {
            fhi_sleep_ns(6000000);
            assert_true(gpu_progress(&g, 0) == value);
        } else {
            CHECK_OK(g.ops->wait(g.device, 0, value, i == 1 ? UINT64_MAX : 60 * SECOND_NS));
        }
        assert_int_equal(buffer.bytes[0], i);
        assert_true(fhi_now_ns() - submitted_ns >= 5000000);
    }
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);
}

static void an_advance_does_not_wait_for_the_time(void **state)
{
    fh_profile profile = late_profile(3600 * SECOND_NS);
    gpu g = gpu_open(&profile);
    gpu_buffer buffer;

    (void)state;
    gpu_buffer_create(&g, &buffer, 64);
    fh_backend_copy copies[] = {gpu_fill(&buffer, 1), gpu_fill(&buffer, 2)};
    gpu_submit(&g, 0, &copies[0], NULL);
    gpu_submit(&g, 0, &copies[1], NULL);
    CHECK_RESULT(g.ops->wait(g.device, 0, 1, 1000000), FH_ERR_TIMEOUT);
    assert_int_equal(buffer.bytes[0], 0);
    assert_int_equal(fh_simulated_advance(g.device, 0, 1), 1);
    assert_int_equal(buffer.bytes[0], 1);
    assert_true(gpu_progress(&g, 0) == 1);
    assert_int_equal(fh_simulated_advance(g.device, 0, 5), 1);
    assert_int_equal(buffer.bytes[0], 2);
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);
}

/* Two queues at once: who was submitted first happens first, whichever queue is asked. */
static void copies_of_several_queues_happen_in_the_order_of_their_times(void **state)
{
    fh_profile profile = late_profile(1000000);
    profile.queue_count = 2;
    gpu g = gpu_open(&profile);
    gpu_buffer buffer;

    (void)state;
    gpu_buffer_create(&g, &buffer, 64);
    for (uint32_t first = 0; first < 2; first++) {
        for (uint32_t i = 0; i < 10; i++) {
            fh_backend_copy copy = gpu_fill(&buffer, i);
            gpu_submit(&g, (first + i) % 2, &copy, NULL);
        }
        fhi_sleep_ns(2000000);
        uint64_t each = UINT64_C(5) * (first + 1);
        assert_true(gpu_progress(&g, first) == each && gpu_progress(&g, 1 - first) == each);
        assert_int_equal(buffer.bytes[0], 9); /* by one queue and by the other */
    }
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);
}

/* The processor's time, not the clock's: a wait for what cannot come sleeps. */
static void a_wait_that_is_in_vain_does_not_spin(void **state)
{
    fh_profile profile = late_profile(1);
    profile.queue_count = 2;
    gpu g = gpu_open(&profile);

    (void)state;
    gpu_submit(&g, 1, NULL, &(fh_epoch){0, 1000});
    clock_t before = clock();
    CHECK_RESULT(g.ops->wait(g.device, 1, 1, SECOND_NS / 4), FH_ERR_TIMEOUT);
    CHECK_RESULT(g.ops->wait(g.device, 0, 1, SECOND_NS / 4), FH_ERR_TIMEOUT);
    assert_true(clock() - before < CLOCKS_PER_SEC / 4);
    gpu_close(&g); /* with the submission still there */
}

/* ---- threads ---- */

typedef struct waiter {
    pthread_t thread;
    gpu *g;
    uint32_t queue;
    uint64_t value;
    fh_result result;
} waiter;

static void *wait_for_ever(void *argument)
{
    waiter *w = argument;
    w->result = w->g->ops->wait(w->g->device, w->queue, w->value, UINT64_MAX);
    return NULL;
}

static void start_waiter(waiter *w, gpu *g, uint32_t queue, uint64_t value)
{
    *w = (waiter){.g = g, .queue = queue, .value = value};
    assert_int_equal(pthread_create(&w->thread, NULL, wait_for_ever, w), 0);
}

static void an_advance_wakes_who_waits_on_another_thread(void **state)
{
    fh_profile profile = manual_profile(2);
    gpu g = gpu_open(&profile);
    gpu_buffer buffer;
    waiter waiters[3];

    (void)state;
    gpu_buffer_create(&g, &buffer, 64);
    fh_backend_copy copy = gpu_fill(&buffer, 1);
    start_waiter(&waiters[0], &g, 1, 1); /* not even submitted yet */
    gpu_submit(&g, 0, &copy, NULL);
    gpu_submit(&g, 1, NULL, &(fh_epoch){0, 1});
    start_waiter(&waiters[1], &g, 0, 1);
    start_waiter(&waiters[2], &g, 1, 1);
    fhi_sleep_ns(5000000);
    fh_simulated_advance(g.device, 1, 1);
    fh_simulated_advance(g.device, 0, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(waiters[i].thread, NULL), 0);
        CHECK_OK(waiters[i].result);
    }
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);
}

static void a_lost_device_wakes_who_waits_and_drops_what_is_pending(void **state)
{
    fh_profile profile = manual_profile(1);
    gpu g = gpu_open(&profile);
    gpu_buffer buffer;
    waiter w;
    uint64_t value;

    (void)state;
    gpu_buffer_create(&g, &buffer, 64);
    fh_backend_copy copy = gpu_fill(&buffer, 1);
    gpu_submit(&g, 0, &copy, NULL);
    start_waiter(&w, &g, 0, 1);
    fhi_sleep_ns(5000000);
    fh_fault lose = {.kind = FH_FAULT_LOSE, .call = FH_BACKEND_CALL_PROGRESS};
    CHECK_OK(fh_simulated_fault(g.device, &lose));
    CHECK_RESULT(g.ops->progress(g.device, 0, &value), FH_ERR_DEVICE_LOST);
    assert_int_equal(pthread_join(w.thread, NULL), 0);
    CHECK_RESULT(w.result, FH_ERR_DEVICE_LOST);
    assert_int_equal(fh_simulated_advance(g.device, 0, 1), 0);
    assert_int_equal(buffer.bytes[0], 0);
    gpu_buffer_destroy(&g, &buffer);
    gpu_close(&g);
}

/* ---- mistakes and failures ---- */

static void a_submit_without_host_memory_leaves_nothing_behind(void **state)
{
    fh_profile profile = manual_profile(1);
    fh_simulated_desc desc = {.profile = &profile};
    test_memory memory;
    gpu_buffer buffer;
    uint64_t value;

    (void)state;
    test_memory_init(&memory);
    gpu g = {.ops = fh_backend_find("host")};
    CHECK_OK(g.ops->open(&desc, 0, &memory.host, NULL, &g.device, &g.info));
    gpu_buffer_create(&g, &buffer, 64);
    fh_backend_copy copies[20];
    for (uint32_t i = 0; i < 20; i++) {
        copies[i] = gpu_fill(&buffer, i);
    }
    memory.fail_at = memory.alloc_count + 1;
    CHECK_RESULT(g.ops->submit(g.device, 0, copies, 20, NULL, 0, &value), FH_ERR_HOST_MEMORY);
    assert_true(value == 0);
    assert_int_equal(fh_simulated_advance(g.device, 0, 10), 0);
    CHECK_OK(g.ops->submit(g.device, 0, copies, 20, NULL, 0, &value));
    assert_true(value == 1);
    assert_int_equal(fh_simulated_advance(g.device, 0, 10), 1);
    assert_int_equal(buffer.bytes[0], 19);
    gpu_buffer_destroy(&g, &buffer);
    gpu_submit(&g, 0, NULL, NULL); /* never happens */
    gpu_close(&g);
    test_memory_finish(&memory);
}

/* In builds with assertions that is an abort. */
static void copies_of_a_destroyed_object_do_not_happen(void **state)
{
    (void)state;
#if defined(FH_DEBUG)
    skip();
#else
    fh_profile profile = manual_profile(1);
    gpu g = gpu_open(&profile);
    gpu_buffer gone;
    gpu_buffer kept;

    gpu_buffer_create(&g, &gone, 64);
    gpu_buffer_create(&g, &kept, 64);
    fh_backend_copy copies[] = {
        gpu_fill(&kept, 1),
        gpu_copy(&gone, &kept, 64),
        gpu_copy(&kept, &gone, 64),
        gpu_fill(&gone, 1),
    };
    uint64_t value;
    CHECK_OK(g.ops->submit(g.device, 0, copies, 4, NULL, 0, &value));
    gpu_buffer_destroy(&g, &gone);
    memset(&gone, 0xff, sizeof gone);
    assert_int_equal(fh_simulated_advance(g.device, 0, 1), 1);
    assert_int_equal(kept.bytes[0], 1);
    gpu_buffer_destroy(&g, &kept);
    gpu_close(&g);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_latency_a_copy_happens_in_the_submit),
        cmocka_unit_test(a_fill_of_any_size_repeats_the_pattern),
        cmocka_unit_test(a_copy_reads_and_writes_when_it_happens),
        cmocka_unit_test(manual_queues_pass_what_was_advanced),
        cmocka_unit_test(a_submission_waits_for_the_other_queue),
        cmocka_unit_test(a_late_copy_happens_when_its_time_has_come),
        cmocka_unit_test(an_advance_does_not_wait_for_the_time),
        cmocka_unit_test(copies_of_several_queues_happen_in_the_order_of_their_times),
        cmocka_unit_test(a_wait_that_is_in_vain_does_not_spin),
        cmocka_unit_test(an_advance_wakes_who_waits_on_another_thread),
        cmocka_unit_test(a_lost_device_wakes_who_waits_and_drops_what_is_pending),
        cmocka_unit_test(a_submit_without_host_memory_leaves_nothing_behind),
        cmocka_unit_test(copies_of_a_destroyed_object_do_not_happen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
