/* mkstemp() */
#define _POSIX_C_SOURCE 200809L

#include "trace_probe.h"

#include "trace/recorder.h" /* the ring alone is not for programs */

#include <freehold/freehold.h>
#include <freehold/trace.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    BURST = 8000,       /* operations that the usual ring holds, after which it is waited for */
    EVENTS_OF_PAIR = 3, /* a resource, where it is bound, its end */
    SMALL = 256         /* bytes */
};

/* The file goes when it is closed. */
static bool make_file(char *path)
{
    int file = mkstemp(path);
    return file >= 0 && close(file) == 0;
}

/* ---- the recorder alone ---- */

typedef struct tape {
    fhi_recorder *recorder;
    bool two; /* threads */
} tape;

static void tape_destroy(void *data)
{
    tape *self = data;
    fh_trace_stats stats;
    if (self->recorder) {
        fhi_recorder_close(self->recorder, &stats);
    }
    free(self);
}

static void *tape_create(const void *argument)
{
    char path[] = "/tmp/bench-trace-XXXXXX";
    tape *self = calloc(1, sizeof *self);
    const fhi_recorder_desc desc = {.path = path, .tool = "bench"};
    bool made = self && make_file(path) && fhi_recorder_open(&desc, &self->recorder) == FH_OK;
    if (self && !made) {
        fprintf(stderr, "bench: %s\n", fh_error_detail());
        tape_destroy(self);
        self = NULL;
    }
    remove(path);
    if (self) {
        self->two = *(const bool *)argument;
    }
    return self;
}

static void record_burst(fhi_recorder *recorder, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        fh_trace_event event = {.kind = FH_TRACE_USED, .used = {i, 1, i}};
        fhi_recorder_add(recorder, &event);
    }
}

/* A second thread records as many, at the same time. */
typedef struct rival {
    fhi_recorder *recorder;
    uint32_t count;
    pthread_barrier_t gate;
} rival;

static void *record_too(void *argument)
{
    rival *self = argument;
    pthread_barrier_wait(&self->gate);
    record_burst(self->recorder, self->count);
    return NULL;
}

static bool record_beside(const tape *self, uint32_t count)
{
    rival other = {.recorder = self->recorder, .count = count};
    pthread_t thread;
    if (pthread_barrier_init(&other.gate, NULL, 2) != 0) {
        return false;
    }
    bool ok = pthread_create(&thread, NULL, record_too, &other) == 0;
    if (ok) {
        pthread_barrier_wait(&other.gate);
        record_burst(self->recorder, count);
        pthread_join(thread, NULL);
    }
    pthread_barrier_destroy(&other.gate);
    return ok;
}

static bool run_record(void *data, uint32_t count)
{
    tape *self = data;
    fh_trace_stats stats;
    bool ok = true;
    while (ok && count > 0) {
        uint32_t burst = count < BURST ? count : BURST;
        if (self->two) {
            ok = record_beside(self, burst);
        } else {
            record_burst(self->recorder, burst);
        }
        fhi_recorder_flush(self->recorder);
        count -= burst;
    }
    fhi_recorder_get_stats(self->recorder, &stats);
    return ok && stats.dropped_count == 0;
}

/* ---- a device ---- */

typedef struct studio {
    fh_device *device;
    fh_trace *trace;
} studio;

static void studio_destroy(void *data)
{
    studio *self = data;
    fh_trace_stop(self->trace, NULL);
    fh_device_destroy(self->device);
    free(self);
}

static void *studio_create(const void *argument)
{
    char path[] = "/tmp/bench-trace-XXXXXX";
    bool records = *(const bool *)argument;
    studio *self = calloc(1, sizeof *self);
    bool made = self && fh_device_create(&(fh_device_desc){0}, &self->device) == FH_OK;
    if (made && records) {
        made = make_file(path) && fh_trace_start(self->device, path, NULL, &self->trace) == FH_OK;
        remove(path);
    }
    if (self && !made) {
        fprintf(stderr, "bench: %s\n", fh_error_detail());
        studio_destroy(self);
        return NULL;
    }
    return self;
}

static uint64_t written(const studio *self)
{
    fh_trace_stats stats = {0};
    return self->trace && fh_trace_get_stats(self->trace, &stats) == FH_OK ? stats.event_count : 0;
}

static bool run_pair(void *data, uint32_t count)
{
    studio *self = data;
    const fh_buffer_desc desc = {.size = SMALL, .usage = FH_USAGE_STORAGE};
    fh_trace_stats stats = {0};
    bool ok = true;
    while (ok && count > 0) {
        uint32_t burst = count < BURST ? count : BURST;
        uint64_t expected = written(self) + EVENTS_OF_PAIR * (uint64_t)burst;
        for (uint32_t i = 0; i < burst; i++) {
            fh_parcel parcel;
            ok = fh_buffer_create(self->device, &desc, &parcel) == FH_OK && ok;
            ok = fh_parcel_release(self->device, parcel) == FH_OK && ok;
        }
        while (ok && self->trace && written(self) < expected) {
            nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
            ok = fh_trace_get_stats(self->trace, &stats) == FH_OK && stats.dropped_count == 0;
        }
        count -= burst;
    }
    return ok;
}

static const bool no = false;
static const bool yes = true;

#define PROBE(name_, count_, noun_, run_, argument_)                                               \
    .name = (name_), .op_count = (count_), .create = noun_##_create, .destroy = noun_##_destroy,   \
    .run = (run_), .argument = &(argument_)

static const bench_probe record_probes[] = {
    {PROBE("an event is recorded (60 ns asked)", 100000, tape, run_record, no)},
    {PROBE("the same, beside a thread that records, too", 100000, tape, run_record, yes),
     .against = 1},
    {PROBE("a small buffer, nobody records", 100000, studio, run_pair, no)},
    {PROBE("a small buffer, recorded: 3 events", 100000, studio, run_pair, yes), .against = 3},
    {.name = NULL},
};

const bench_probe_group bench_trace_probes[] = {
    {"record", "recording: what it costs the thread that is recorded", record_probes},
    {.name = NULL},
};
