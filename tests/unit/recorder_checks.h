/* A recorder, and the files that it writes. Only test_*.c files include this, those with
 * _POSIX_C_SOURCE 200809L defined. */

#ifndef FREEHOLD_TESTS_RECORDER_CHECKS_H
#define FREEHOLD_TESTS_RECORDER_CHECKS_H

#include "checks.h"

#include "trace/recorder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PATHS = 2,
    SECONDS_MAX = 60 /* that a test waits for what must come */
};

/* Numbers by value, so that a failure shows both. */
#define CHECK_NUMBER(is, should)                                                                   \
    do {                                                                                           \
        uint64_t is_ = (is);                                                                       \
        uint64_t should_ = (should);                                                               \
        if (is_ != should_) {                                                                      \
            fail_msg("%s is %llu, not %llu", #is, (unsigned long long)is_,                         \
                     (unsigned long long)should_);                                                 \
        }                                                                                          \
    } while (0)

static inline const char *path_of(unsigned int index)
{
    static char paths[PATHS][64];
    static long process; /* children have their parent's files */
    process = process != 0 ? process : (long)getpid();
    snprintf(paths[index], sizeof paths[index], "/tmp/freehold-recorder-%ld-%u.fhtrace", process,
             index);
    return paths[index];
}

static inline int remove_files(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < PATHS; i++) {
        remove(path_of(i));
    }
    return 0;
}

static inline fhi_recorder *check_open(unsigned int file, size_t buffer_size)
{
    fhi_recorder *recorder;
    CHECK_OK(fhi_recorder_open(&(fhi_recorder_desc){.path = path_of(file),
                                                    .buffer_size = buffer_size,
                                                    .program = "a program",
                                                    .tool = "test 1.0"},
                               &recorder));
    return recorder;
}

/* An event that says three numbers. */
static inline void say(fhi_recorder *recorder, uint64_t a, uint64_t b, uint64_t c)
{
    fh_trace_event event = {.kind = FH_TRACE_USED, .used = {a, b, c}};
    fhi_recorder_add(recorder, &event);
}

static inline fh_trace_reader *check_read(unsigned int file)
{
    fh_trace_reader *reader;
    CHECK_OK(fh_trace_reader_open(path_of(file), &reader));
    return reader;
}

/* The next one of that kind or DROPPED; NONE at the end. */
static inline fh_trace_event check_next(fh_trace_reader *reader, fh_trace_kind kind)
{
    fh_trace_event event;
    do {
        CHECK_OK(fh_trace_reader_next(reader, &event));
    } while (event.kind != kind && event.kind != FH_TRACE_NONE && event.kind != FH_TRACE_DROPPED);
    return event;
}

static inline fh_trace_reader_info check_end(fh_trace_reader *reader)
{
    fh_trace_reader_info info;
    CHECK_OK(fh_trace_reader_get_info(reader, &info));
    fh_trace_reader_close(reader);
    return info;
}

static inline void check_complete(fh_trace_reader *reader)
{
    fh_trace_reader_info info = check_end(reader);
    if (!info.complete) {
        fail_msg("the file is not complete: %s", info.damage);
    }
}

/* What is in the file now, of the events that say something. */
static inline uint64_t count_in_file(unsigned int file)
{
    fh_trace_reader *reader;
    uint64_t count = 0;
    if (fh_trace_reader_open(path_of(file), &reader) != FH_OK) {
        return 0;
    }
    while (check_next(reader, FH_TRACE_USED).kind == FH_TRACE_USED) {
        count++;
    }
    fh_trace_reader_close(reader);
    return count;
}

#endif
