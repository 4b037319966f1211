/* Threads inside a callback. Policies' hooks, owners that are asked to let go, allocators, and
 * whatever runs when parcels retire are called in the middle of a request or a tick. What they ask
 * of the device must not lead back into one: a request made there is not relieved (relief asks
 * owners and allocators), a tick there does nothing, and no hook is asked while its thread is in a
 * hook. Relief and ticks are marked as a whole, allocators' callbacks and hooks one by one.
 *
 * There is no thread-local state: the mark lies on the stack of whoever calls out, in a list of its
 * thread's lane. So it costs two turns of a lock that hardly ever has two takers, and only around
 * callbacks. */

#ifndef FREEHOLD_DEVICE_INSIDE_H
#define FREEHOLD_DEVICE_INSIDE_H

#include "device/request.h"

typedef enum fhi_inside_kind {
    FHI_INSIDE_HOOK = 0, /* of the policy */
    FHI_INSIDE_CALLBACK, /* relief, a tick, an allocator's callback but for making */
    FHI_INSIDE_ALLOCATOR /* an allocator makes a parcel */
} fhi_inside_kind;

/* On the caller's stack; belongs to its thread alone, but for the list. */
typedef struct fhi_inside {
    struct fhi_inside *next;  /* of the lane; under its lock */
    struct fhi_inside *outer; /* the same thread's, or NULL */
    uintptr_t thread;
    uint32_t lane;
    fhi_inside_kind kind;
    bool spill;          /* requests from inside may take any type that would do */
    bool refused;        /* a request from inside was: */
    fhi_request request; /* what it was, `account` and `shortage` included; its pointers are dead */
} fhi_inside;

/* `*inside` need not be initialised. No lock held. */
void fhi_inside_begin(fhi_core *core, fhi_inside *inside, fhi_inside_kind kind);
void fhi_inside_end(fhi_core *core, fhi_inside *inside);

/* The same for a hook, under the lock of the thread's lane. False: the thread is in one already. */
bool fhi_inside_begin_hook(fhi_core *core, fhi_inside *inside, uint32_t lane);

/* The calling thread's innermost mark, or NULL. No lock held. */
fhi_inside *fhi_inside_find(fhi_core *core);

/* Whether the thread is in a hook, or an allocator that makes, however deep. No lock held. */
bool fhi_inside_hook(fhi_core *core);
bool fhi_inside_making(fhi_core *core);

#endif
