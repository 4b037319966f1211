/* Observers: who wants to know what happens in a device. The recorder, the inspector and a
 * program's own overlay are observers. Nobody watching costs one load per call. */

#ifndef FREEHOLD_OBSERVER_H
#define FREEHOLD_OBSERVER_H

#include <freehold/account.h>
#include <freehold/parcel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, bit, "name") */
#define FH_EVENTS(X)                                                                               \
    X(PARCEL_CREATED, 0, "parcel_created")     /* parcel, bytes, buffer or texture, and more */    \
    X(PARCEL_USED, 1, "parcel_used")           /* parcel, epoch */                                 \
    X(PARCEL_RETIRED, 2, "parcel_retired")     /* parcel: the last reference was given back */     \
    X(PARCEL_FREED, 3, "parcel_freed")         /* parcel, bytes: its memory is free again */       \
    X(PARCEL_RESIZED, 4, "parcel_resized")     /* parcel, bytes, bytes_before, memory, offset */   \
    X(PARCEL_MAPPED, 5, "parcel_mapped")       /* parcel */                                        \
    X(PARCEL_UNMAPPED, 6, "parcel_unmapped")   /* parcel */                                        \
    X(MEMORY_ALLOCATED, 7, "memory_allocated") /* memory, heap, type, bytes, dedicated */          \
    X(MEMORY_FREED, 8, "memory_freed")         /* memory, heap, type, bytes, dedicated */          \
    X(COPIED, 9, "copied")                     /* epoch, count */                                  \
    X(REFUSED, 10, "refused")                  /* result, bytes, kind, tag */                      \
    X(BUDGET_CROSSED, 11, "budget_crossed")    /* account, bytes = used, limit, up */              \
    X(EVICT_ASKED, 12, "evict_asked")          /* parcel, bytes */                                 \
    X(EVICT_IGNORED, 13, "evict_ignored")      /* parcel, bytes */                                 \
    X(TICK, 14, "tick")                        /* tick */                                          \
    X(POLICY_SET, 15, "policy_set")            /* name, or NULL: removed */                        \
    X(DEVICE_LOST, 16, "device_lost")                                                              \
    X(PARCEL_NAMED, 17, "parcel_named")   /* parcel, name; NULL: it has none any more */           \
    X(DECIDED, 18, "decided")             /* decided, name of the script, kind, tag, bytes */      \
    X(DEVICE_CLOSED, 19, "device_closed") /* the last: the device must not be used any more */

enum {
#define FH_EVENT_FLAG(name, bit, text) FH_EVENT_##name = 1 << (bit),
    FH_EVENTS(FH_EVENT_FLAG)
#undef FH_EVENT_FLAG
    FH_EVENT_ALL = (1 << 20) - 1
};

/* DECIDED: one call of a hook of a script (script.h). */
typedef struct fh_decided {
    uint32_t hook;    /* fh_hook */
    uint32_t outcome; /* fh_outcome */
    uint32_t script, version;
    uint32_t line; /* of the script; 0 = not known */
    uint32_t charge;
    uint64_t sequence; /* counts the policy's decisions from 1 */
    uint32_t time_ns;  /* of this machine and moment */
    fh_usage usage;    /* of the request: place and relieve; so are the class's bounds: */
    uint64_t size_min, size_max;
} fh_decided;

/* What the list above names for the event is set, the rest is zero. Borrowed for the call. */
typedef struct fh_event {
    uint32_t kind; /* one FH_EVENT_* */
    uint64_t tick;
    fh_parcel parcel;
    fh_kind parcel_kind;
    fh_tag tag;
    uint64_t bytes;        /* PARCEL_CREATED: reserved; PARCEL_RESIZED: committed */
    uint64_t bytes_before; /* committed */
    uint64_t limit;
    uint64_t committed; /* PARCEL_CREATED, PARCEL_MAPPED */
    uint64_t memory;    /* a driver allocation: counted from 1, never used twice in a device; of a
                           parcel: that it lies in; 0 = external */
    uint64_t offset;    /* of a parcel, into `memory` */
    uint32_t heap, type, count;
    bool dedicated, up;
    fh_epoch epoch;
    fh_account account;
    fh_result result;
    const fh_buffer_desc *buffer;   /* PARCEL_CREATED of a buffer */
    const fh_texture_desc *texture; /* PARCEL_CREATED of a texture */
    const fh_memory_desc *asked;    /* PARCEL_CREATED: what was asked of its memory */
    const fh_requirements *needs;   /* PARCEL_CREATED: what its object needs; NULL: external */
    const fh_decided *decided;
    const char *name;
} fh_event;

typedef void (*fh_observe_fn)(void *context, fh_device *device, const fh_event *event);

/**
 * Have `observe` called for the events in `events`, on the thread that made them, with no lock
 * held. It may call the device, but what it makes there is observed in turn. At most 8 observers.
 *
 * Errors:  INVALID (an argument but `context` is NULL, unknown events), BUSY (8 are there);
 *          *out_id is then 0.
 * Threads: any.
 */
FH_API fh_result fh_device_observe(fh_device *device, uint32_t events, fh_observe_fn observe,
                                   void *context, uint32_t *out_id);

/**
 * End it. When the call returns, the observer runs on no thread and will not again. Not to be
 * called from the observer itself. 0 is a no-op.
 *
 * Errors:  INVALID (no such observer).
 * Threads: any.
 */
FH_API fh_result fh_device_unobserve(fh_device *device, uint32_t id);

#ifdef __cplusplus
}
#endif

#endif
