/* Threads that share one device, and complain where cmocka cannot. Only test_*.c files include
 * this. */

#ifndef FREEHOLD_TESTS_CROWD_H
#define FREEHOLD_TESTS_CROWD_H

#include "card_checks.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>

enum {
    THREADS = 8,
    HELD = 12
};

typedef struct crowd crowd;

typedef struct worker {
    pthread_t thread;
    crowd *crowd;
    uint32_t number;
    test_rng rng;
    char fault[256]; /* cmocka belongs to the main thread */
} worker;

struct crowd {
    card *card;
    uint64_t rounds; /* for each thread */
    fh_tag tag;
    fh_account account;    /* the one that is raced for */
    uint64_t limit;        /* its */
    bool within_budget;    /* all requests are */
    bool refusals;         /* whether there may be any */
    _Atomic uint64_t live; /* bytes that certainly live */
    _Atomic uint64_t refused;
    _Atomic uint64_t made;
    _Atomic uint32_t running;
    _Atomic bool stop;
    _Atomic uint64_t handles[64]; /* storms: shared parcels */
    uint32_t queue;
    fh_device *alias;
    void (*work)(worker *w);
    worker workers[THREADS + 1];
};

static inline void complain(worker *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (w->fault[0] == '\0') {
        vsnprintf(w->fault, sizeof w->fault, format, arguments);
    }
    va_end(arguments);
    atomic_store(&w->crowd->stop, true);
}

static inline bool goes_on(const worker *w)
{
    return !atomic_load_explicit(&w->crowd->stop, memory_order_relaxed);
}

static inline void *start(void *argument)
{
    worker *w = argument;
    w->crowd->work(w);
    atomic_fetch_sub(&w->crowd->running, 1);
    return NULL;
}

static inline void begin(crowd *c, card *on, void (*work)(worker *w), uint64_t rounds)
{
    c->card = on;
    c->work = work;
    c->rounds = rounds / THREADS + 1;
    atomic_store(&c->running, THREADS);
    for (uint32_t i = 0; i < THREADS; i++) {
        worker *w = &c->workers[i];
        w->crowd = c;
        w->number = i;
        w->rng = (test_rng){test_seed() + i * UINT64_C(0x1234567)};
        w->fault[0] = '\0';
        assert_int_equal(pthread_create(&w->thread, NULL, start, w), 0);
    }
}

static inline void join(crowd *c)
{
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(c->workers[i].thread, NULL), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        if (c->workers[i].fault[0] != '\0') {
            fail_msg("thread %u: %s", (unsigned int)i, c->workers[i].fault);
        }
    }
}

#endif
