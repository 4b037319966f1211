/* Files of a recorder stay good whatever ends the program or fills the disk. */

#define _POSIX_C_SOURCE 200809L /* fork(), kill(), setrlimit() */

#include "recorder_checks.h"

#include "base/clock.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- flushes ---- */

static void what_is_flushed_is_in_the_file(void **state)
{
    (void)state;
    fh_trace_stats stats, before;
    fhi_recorder *recorder = check_open(0, 0);
    for (uint64_t i = 1; i <= 10; i++) {
        say(recorder, i, 0, 0);
        fhi_recorder_flush(recorder);
        CHECK_NUMBER(count_in_file(0), i);
    }
    fhi_recorder_get_stats(recorder, &before);
    CHECK_NUMBER(before.event_count, 13); /* and two notes, and a thread */
    assert_true(before.file_bytes > 0);
    CHECK_OK(fhi_recorder_close(recorder, &stats));
    CHECK_NUMBER(stats.event_count, 13);
    assert_true(stats.file_bytes >= before.file_bytes);
}

/* Without anybody asking. */
static void file_is_flushed_now_and_then(void **state)
{
    (void)state;
    fh_trace_stats stats;
    fhi_recorder *recorder = check_open(0, 0);
    say(recorder, 1, 0, 0);
    uint64_t deadline = fhi_deadline(SECONDS_MAX * UINT64_C(1000000000));
    while (count_in_file(0) == 0 && fhi_time_left(deadline) > 0) {
        fhi_sleep_ns(10 * 1000 * 1000);
    }
    CHECK_NUMBER(count_in_file(0), 1);
    CHECK_OK(fhi_recorder_close(recorder, &stats));
}

/* ---- processes ---- */

static int wait_for(pid_t child)
{
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

/* Dies in the middle of recording; what was flushed is there, and the rest is a file that is cut
 * off. */
static void file_of_a_killed_program_is_good(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        int ready[2];
        char byte = 0;
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        if (child == 0) {
            fhi_recorder *recorder = check_open(0, 0);
            for (uint64_t i = 1; i <= 1000; i++) {
                say(recorder, i, 0, 0);
            }
            fhi_recorder_flush(recorder);
            for (uint64_t i = 1001; i <= 100000; i++) {
                say(recorder, i, 0, 0);
            }
            if (way == 0) {
                _exit(0);
            }
            if (write(ready[1], &byte, 1) != 1) {
                _exit(1);
            }
            for (uint64_t i = 100001;; i++) {
                say(recorder, i, 0, 0);
            }
        }
        close(ready[1]);
        if (way == 1) {
            assert_int_equal(read(ready[0], &byte, 1), 1);
            kill(child, SIGKILL);
        }
        wait_for(child);
        close(ready[0]);
        fh_trace_reader *reader = check_read(0);
        uint64_t value = 0;
        for (;;) {
            fh_trace_event event = check_next(reader, FH_TRACE_USED);
            if (event.kind == FH_TRACE_NONE) {
                break;
            }
            if (event.kind == FH_TRACE_DROPPED) {
                value += event.dropped.count;
            } else {
                CHECK_NUMBER(event.used.resource, ++value);
            }
        }
        fh_trace_reader_info info = check_end(reader);
        assert_true(value >= 1000);
        assert_false(info.complete);
        assert_true(info.damage[0] != '\0');
    }
}

/* A child has no part in its parent's recording, and does it no harm. */
static void child_of_fork_harms_nothing(void **state)
{
    (void)state;
    fh_trace_stats stats;
    fhi_recorder *recorder = check_open(0, 0);
    say(recorder, 1, 0, 0);
    pid_t child = fork();
    if (child == 0) {
        for (uint64_t i = 0; i < 200000; i++) { /* more than the ring holds */
            say(recorder, 99, 0, 0);
        }
        fhi_recorder_make_room(recorder, 1000);
        fhi_recorder_flush(recorder);
        _exit(fhi_recorder_close(recorder, &stats) == FH_OK ? 0 : 1);
    }
    int status = wait_for(child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    say(recorder, 2, 0, 0);
    CHECK_OK(fhi_recorder_close(recorder, &stats));
    fh_trace_reader *reader = check_read(0);
    CHECK_NUMBER(check_next(reader, FH_TRACE_USED).used.resource, 1);
    CHECK_NUMBER(check_next(reader, FH_TRACE_USED).used.resource, 2);
    assert_int_equal(check_next(reader, FH_TRACE_USED).kind, FH_TRACE_NONE);
    check_complete(reader);
}

/* ---- what goes wrong ---- */

static void full_disk_ends_the_file_where_it_is_whole(void **state)
{
    (void)state;
    struct rlimit before, low;
    fh_trace_stats stats;
    test_rng rng = {1};
    uint64_t count = 20000;
    getrlimit(RLIMIT_FSIZE, &before);
    low = before;
    low.rlim_cur = 200000;
    signal(SIGXFSZ, SIG_IGN);
    fhi_recorder *recorder = check_open(0, (size_t)1 << 24);
    setrlimit(RLIMIT_FSIZE, &low);
    for (uint64_t i = 1; i <= count; i++) {
        say(recorder, i, test_random(&rng), test_random(&rng)); /* does not pack */
    }
    fhi_recorder_flush(recorder); /* comes back all the same */
    fh_result result = fhi_recorder_close(recorder, &stats);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK_RESULT(result, FH_ERR_IO);
    CHECK_DETAIL_NAMES(path_of(0));
    fh_trace_reader *reader = check_read(0);
    uint64_t value = 0;
    while (check_next(reader, FH_TRACE_USED).kind == FH_TRACE_USED) {
        value++;
    }
    fh_trace_reader_info info = check_end(reader);
    assert_true(value > 0 && value < count);
    assert_false(info.complete);
    CHECK_NUMBER(stats.event_count, info.event_count);
    CHECK_NUMBER(stats.event_count + stats.dropped_count, count + 3);
}

static void wrong_files_are_refused(void **state)
{
    (void)state;
    fhi_recorder *recorder = (fhi_recorder *)state;
    fhi_recorder_desc desc = {.path = "/nowhere/at/all", .tool = "test"};
    CHECK_RESULT(fhi_recorder_open(&desc, &recorder), FH_ERR_IO);
    CHECK_DETAIL_NAMES("/nowhere/at/all");
    assert_null(recorder);
    desc.path = path_of(0);
    desc.buffer_size = ((size_t)1 << 30) + 1;
    CHECK_RESULT(fhi_recorder_open(&desc, &recorder), FH_ERR_INVALID);
    CHECK_DETAIL_NAMES("buffer_size");
    assert_null(recorder);
}

static void every_host_allocation_may_fail(void **state)
{
    (void)state;
    test_memory memory;
    fh_trace_stats stats;
    fhi_recorder *recorder = NULL;
    uint64_t failures = 0;
    test_memory_init(&memory);
    fhi_recorder_desc desc = {
        .path = path_of(0), .buffer_size = 1, .tool = "test", .memory = &memory.host};
    fh_result result = FH_ERR_HOST_MEMORY;
    for (uint64_t nth = 1; result != FH_OK; nth++) {
        memory.fail_at = memory.alloc_count + nth;
        result = fhi_recorder_open(&desc, &recorder);
        memory.fail_at = 0;
        if (result != FH_OK) {
            assert_int_equal(result, FH_ERR_HOST_MEMORY);
            assert_true(fh_error_detail()[0] != '\0');
            assert_null(recorder);
            assert_int_equal(memory.live_count, 0);
            failures++;
        }
    }
    assert_true(failures >= 3);
    /* And none is taken from now on. */
    uint64_t allocs = memory.alloc_count;
    for (uint64_t i = 1; i <= 1000; i++) {
        say(recorder, i, 0, 0);
    }
    CHECK_OK(fhi_recorder_close(recorder, &stats));
    CHECK_NUMBER(memory.alloc_count, allocs);
    CHECK_NUMBER(stats.event_count, 1003);
    test_memory_finish(&memory);
    CHECK_NUMBER(count_in_file(0), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_flushed_is_in_the_file),
        cmocka_unit_test(file_is_flushed_now_and_then),
        cmocka_unit_test(file_of_a_killed_program_is_good),
        cmocka_unit_test(child_of_fork_harms_nothing),
        cmocka_unit_test(full_disk_ends_the_file_where_it_is_whole),
        cmocka_unit_test(wrong_files_are_refused),
        cmocka_unit_test(every_host_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, remove_files);
}
