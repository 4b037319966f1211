/* Recordings of a device, held against what it counts itself. Only test_*.c files include this,
 * those with _POSIX_C_SOURCE 200809L defined. */

#ifndef FREEHOLD_TESTS_DEVICE_TRACE_CHECKS_H
#define FREEHOLD_TESTS_DEVICE_TRACE_CHECKS_H

#include "card_checks.h"
#include "trace_tally.h"

#include <freehold/observer.h>
#include <freehold/trace.h>

#include <unistd.h>

enum {
    PATHS = 4,
    STATS = 4096
};

/* Files of this process. */
static inline const char *path_of(unsigned int index)
{
    static char paths[PATHS][64];
    snprintf(paths[index], sizeof paths[index], "/tmp/freehold-trace-%ld-%u.fhtrace",
             (long)getpid(), index);
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

static inline fh_trace *check_start(const card *c, unsigned int file)
{
    fh_trace *trace;
    CHECK_OK(fh_trace_start(c->device, path_of(file), NULL, &trace));
    assert_non_null(trace);
    return trace;
}

/* What a device counted at its ticks. */
typedef struct diary {
    fh_device_stats stats[STATS];
    bool known[STATS];
    uint32_t id;
} diary;

static inline void note_tick(void *context, fh_device *device, const fh_event *event)
{
    diary *d = context;
    if (event->tick < STATS) {
        d->known[event->tick] = fh_device_get_stats(device, &d->stats[event->tick]) == FH_OK;
    }
}

static inline void check_watch(diary *d, const card *c)
{
    memset(d->known, 0, sizeof d->known);
    CHECK_OK(fh_device_observe(c->device, FH_EVENT_TICK, note_tick, d, &d->id));
}

static inline void compare(void *context, tally *t)
{
    const diary *d = context;
    if (t->frame < STATS && d->known[t->frame]) {
        tally_compare(t, &d->stats[t->frame]);
    }
}

/* The file agrees with the diary; *t is to be finished. */
static inline void check_agrees(tally *t, unsigned int file, diary *d)
{
    memset(t, 0, sizeof *t);
    const char *fault = tally_read(t, path_of(file), true, d != NULL ? compare : NULL, d);
    if (fault != NULL) {
        fail_msg("file %u: %s", file, fault);
    }
    CHECK_EQUAL(t->dropped, 0);
}

#endif
