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
#include "device/witness.h"

#define CLOSED (UINT32_C(1) << 31) /* no event */

enum {
    SERIAL_MAX = (1 << 28) - 1, /* an id is serial * FHI_OBSERVERS + place */
    WAIT_NS = 20000
};

_Static_assert((FH_EVENT_ALL | FHI_WITNESS_ALL) < INT32_MAX,
               "the last bit says that a place is closed");

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
    uint32_t high = atomic_load_explicit(&core->observers.high, memory_order_relaxed);
    event->tick = atomic_load_explicit(&core->tick, memory_order_relaxed);
    for (uint32_t i = 0; i < high; i++) {
        fhi_observer *place = &core->observers.places[i];
        if ((events_of(atomic_load_explicit(&place->state, memory_order_relaxed)) & event->kind) ==
            0) {
            continue;
        }
        atomic_fetch_add(&place->inside, 1);
        uint32_t events = events_of(atomic_load(&place->state));
        if ((events & CLOSED) == 0 && (events & event->kind) != 0 && place->witness) {
            place->observe(place->context, &core->root, event);
        } else if ((events & CLOSED) == 0 && (events & event->kind) != 0) {
            fhi_observing mark;
            mark_thread(place, &mark);
            const fh_event copy = *event; /* one observer's doings are not the next one's */
            place->observe(place->context, &core->root, &copy);
            unmark_thread(place, &mark);
        }
        atomic_fetch_sub(&place->inside, 1);
    }
}

void fhi_witness(fhi_core *core, fhi_witnessed *witnessed)
{
    uint32_t high = atomic_load_explicit(&core->observers.high, memory_order_relaxed);
    for (uint32_t i = 0; i < high; i++) {
        fhi_observer *place = &core->observers.places[i];
        uint32_t events = events_of(atomic_load_explicit(&place->state, memory_order_acquire));
        if ((events & witnessed->event.kind) != 0 && (events & CLOSED) == 0) {
            place->observe(place->context, &core->root, &witnessed->event);
        }
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

static void raise_high(fhi_observers *observers, uint32_t count)
{
    uint32_t high = atomic_load(&observers->high);
    while (high < count && !atomic_compare_exchange_weak(&observers->high, &high, count)) {
    }
}

typedef struct wish {
    uint32_t events;
    fh_observe_fn observe;
    void *context;
    bool witness;
} wish;

static fh_result add(fhi_observers *observers, const wish *wanted, uint32_t *out_id)
{
    *out_id = 0;
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
        raise_high(observers, i + 1);
        place->observe = wanted->observe;
        place->context = wanted->context;
        place->witness = wanted->witness;
        atomic_store(&place->state, state_of(serial, wanted->events));
        sum_up(observers);
        *out_id = serial * FHI_OBSERVERS + i;
        return FH_OK;
    }
    return fhi_fail_with(FH_ERR_BUSY, "the device has {} observers, which is the most",
                         FHI_OBSERVERS, 0, 0);
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
    return add(&device->core->observers, &(wish){events, observe, context, false}, out_id);
}

fh_result fhi_witness_begin(fhi_core *core, uint32_t events, fh_observe_fn observe, void *context,
                            uint32_t *out_id)
{
    return add(&core->observers, &(wish){events, observe, context, true}, out_id);
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
    if (place->witness) {
        fhi_witnesses_pass(device->core);
    }
    atomic_store(&place->state, state_of(serial, 0));
    sum_up(observers);
    return FH_OK;
}
