/* Who watches. A fixed number of places; an event counts itself into the place while it calls,
 * so that unobserving can wait until nobody is inside. */

#ifndef FREEHOLD_DEVICE_OBSERVE_H
#define FREEHOLD_DEVICE_OBSERVE_H

#include "base/lock.h"
#include "device/record.h"

#include <freehold/observer.h>

#include <stdatomic.h>

enum {
    FHI_OBSERVERS = 8
};

/* A thread inside an observer: on its stack, in the observer's list. */
typedef struct fhi_observing {
    struct fhi_observing *next, **link; /* under the observer's lock */
    uintptr_t thread;                   /* fhi_thread_anchor() */
} fhi_observing;

typedef struct fhi_observer {
    /* serial << 32 | events; events 0 = free. The serial is part of the id, so that a used-up id
     * names nothing. */
    _Atomic uint64_t state;
    _Atomic uint32_t inside; /* calls under way */
    fhi_latch lock;          /* guards the list */
    /* Who is inside: one that ends itself is told so, and does not wait for itself. */
    fhi_observing *first;
    fh_observe_fn observe;
    void *context;
    bool witness; /* see witness.h */
} fhi_observer;

typedef struct fhi_observers {
    _Atomic uint32_t events; /* of all together */
    _Atomic uint32_t high;   /* places below it were used once */
    fhi_observer places[FHI_OBSERVERS];
} fhi_observers;

/* `event->kind` is set; the tick is filled in here. No lock held, but for a witness's events. */
void fhi_observe(fhi_core *core, fh_event *event);

#endif
