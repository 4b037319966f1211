/* Observers. An event goes by eight places, and asks each whether it wants it, without a lock.
 *
 * A place is free (no events), open (its events), or closed (one thread is filling or emptying
 * it, and nobody else touches it). Who delivers an event counts itself in and then looks again
 * whether the place is open; who ends an observer closes the place and then waits until nobody
 * is inside. Both are sequentially consistent, so one of the two sees the other. What stands in
 * the place besides is written only while it is closed and nobody is inside, and read only from
 * inside an open one. */

#include "device/observe.h"

#include "base/clock.h"
#include "device/core.h"

#define CLOSED (UINT32_C(1) << 31) /* no event */

enum {
    SERIAL_MAX = (1 << 28) - 1, /* an id is serial * FHI_OBSERVERS + place */
    WAIT_NS = 20000
};

_Static_assert(FH_EVENT_ALL < INT32_MAX, "the last bit says that a place is closed");

static uint32_t events_of(uint64_t state)
{
    return (uint32_t)state;
}

static uint32_t serial_of(uint64_t state)
{
    return (uint32_t)(state >> 32);
}

static uint64_t state_of(uint32_t serial, uint32_t events)
{
    return serial * (UINT64_C(1) << 32) + events;
}

/* ---- events ---- */

static void mark_thread(fhi_observer *place, fhi_observing *mark)
{
    mark->thread = fhi_thread_anchor();
    mark->link = &place->first;
    fhi_latch_acquire(&place->lock);
    mark->next = place->first;
    if (mark->next) {
        mark->next->link = &mark->next;
    }
    place->first = mark;
    fhi_latch_release(&place->lock);
}

static void unmark_thread(fhi_observer *place, const fhi_observing *mark)
{
    fhi_latch_acquire(&place->lock);
    *mark->link = mark->next;
    if (mark->next) {
        mark->next->link = mark->link;
    }
    fhi_latch_release(&place->lock);
}

void fhi_observe(fhi_core *core, fh_event *event)
{
    event->tick = atomic_load_explicit(&core->tick, memory_order_relaxed);
    for (uint32_t i = 0; i < FHI_OBSERVERS; i++) {
        fhi_observer *place = &core->observers.places[i];
        if ((events_of(atomic_load_explicit(&place->state, memory_order_relaxed)) & event->kind) ==
            0) {
            continue;
        }
        atomic_fetch_add(&place->inside, 1);
        uint32_t events = events_of(atomic_load(&place->state));
        if ((events & CLOSED) == 0 && (events & event->kind) != 0) {
            fhi_observing mark;
            mark_thread(place, &mark);
            const fh_event copy = *event; /* one observer's doings are not the next one's */
            place->observe(place->context, &core->root, &copy);
            unmark_thread(place, &mark);
        }
        atomic_fetch_sub(&place->inside, 1);
    }
}

/* ---- who watches ---- */

/* The events that anybody wants. Two threads may be at this at once, and the one with the older
 * view may store last: so each looks again after it has stored. */
static void sum_up(fhi_observers *observers)
{
    uint32_t sum, again = 0;
    for (uint32_t i = 0; i < FHI_OBSERVERS; i++) {
        again |= events_of(atomic_load(&observers->places[i].state));
    }
    do {
        sum = again;
        atomic_store(&observers->events, sum & ~CLOSED);
        again = 0;
        for (uint32_t i = 0; i < FHI_OBSERVERS; i++) {
            again |= events_of(atomic_load(&observers->places[i].state));
        }
    } while (again != sum);
}

fh_result fh_device_observe(fh_device *device, uint32_t events, fh_observe_fn observe,
                            void *context, uint32_t *out_id)
{
    if (!out_id) {
        return fhi_fail(FH_ERR_INVALID, "out_id: must not be NULL");
    }
    *out_id = 0;
    if (!device || !observe) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "observe: must not be NULL" : "device: must not be NULL");
    }
    if (events == 0 || (events & ~(uint32_t)FH_EVENT_ALL) != 0) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "events: {} is not one or more of the FH_EVENT_* flags", events, 0, 0);
    }
    fhi_observers *observers = &device->core->observers;
    for (uint32_t i = 0; i < FHI_OBSERVERS; i++) {
        fhi_observer *place = &observers->places[i];
        uint64_t state = atomic_load(&place->state);
        uint32_t serial = serial_of(state) % SERIAL_MAX + 1;
        if (events_of(state) != 0 ||
            !atomic_compare_exchange_strong(&place->state, &state, state_of(serial, CLOSED))) {
            continue;
        }
        /* Somebody who saw the last observer there may be on the way out. */
        while (atomic_load(&place->inside) != 0) {
            fhi_sleep_ns(WAIT_NS);
        }
        place->observe = observe;
        place->context = context;
        atomic_store(&place->state, state_of(serial, events));
        sum_up(observers);
        *out_id = serial * FHI_OBSERVERS + i;
        return FH_OK;
    }
    return fhi_fail_with(FH_ERR_BUSY, "the device has {} observers, which is the most",
                         FHI_OBSERVERS, 0, 0);
}

static bool is_inside(fhi_observer *place)
{
    uintptr_t thread = fhi_thread_anchor();
    fhi_latch_acquire(&place->lock);
    const fhi_observing *mark = place->first;
    while (mark && mark->thread != thread) {
        mark = mark->next;
    }
    fhi_latch_release(&place->lock);
    return mark != NULL;
}

fh_result fh_device_unobserve(fh_device *device, uint32_t id)
{
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    if (id == 0) {
        return FH_OK;
    }
    fhi_observers *observers = &device->core->observers;
    fhi_observer *place = &observers->places[id % FHI_OBSERVERS];
    uint32_t serial = id / FHI_OBSERVERS;
    uint64_t state = atomic_load(&place->state);
    bool there =
        serial_of(state) == serial && events_of(state) != 0 && (events_of(state) & CLOSED) == 0;
    if (there && is_inside(place)) {
        return fhi_fail(FH_ERR_INVALID, "id: an observer cannot end itself from its own callback");
    }
    /* Of two threads that end one observer, one does. */
    if (!there ||
        !atomic_compare_exchange_strong(&place->state, &state, state_of(serial, CLOSED))) {
        return fhi_fail_with(FH_ERR_INVALID, "id: {} is no observer of this device", id, 0, 0);
    }
    while (atomic_load(&place->inside) != 0) {
        fhi_sleep_ns(WAIT_NS);
    }
    atomic_store(&place->state, state_of(serial, 0));
    sum_up(observers);
    return FH_OK;
}
