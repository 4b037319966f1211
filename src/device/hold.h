/* Holds: a pin keeps a parcel alive, but not where it is: a resize moves it to other memory
 * meanwhile. A call that has a parcel's object or bytes in its hands *holds* it. Who wants to move
 * it waits until nobody holds it, and who wants to hold it waits until the move is over. Both are
 * short: nobody waits for a GPU, or for another parcel, with a hold; and nobody calls out to the
 * program, which might want to hold the same parcel. So a backend's result goes through
 * fhi_backend_result(), which tells observers of a lost device, when the hold has ended. */

#ifndef FREEHOLD_DEVICE_HOLD_H
#define FREEHOLD_DEVICE_HOLD_H

#include "device/record.h"

/* In record->hold_count: it is being moved. */
#define FHI_HOLD_MOVING (UINT32_C(1) << 31)

/* A parcel in a call's hands. All but `parcel` is filled in. */
typedef struct fhi_hold {
    fh_parcel parcel;
    fhi_record *record; /* pinned */
    /* While it is held these stay as they are: */
    void *object; /* the backend's; NULL: none */
    fhi_backing backing;
    uint64_t committed, capacity; /* bytes; as in the record */
    uint8_t type;
    uint32_t moves; /* differs when it was moved between two holds */
    /* These are as they were at that moment: */
    uint8_t used;
    uint16_t flags;
} fhi_hold;

/* Pin all parcels, or none: STALE. No lock held. */
fh_result fhi_holds_pin(fhi_core *core, fhi_hold *holds, uint32_t count);
void fhi_holds_unpin(fhi_core *core, fhi_hold *holds, uint32_t count);

/* Hold all parcels, which are pinned. Waits while one of them is moved. No lock held. */
void fhi_holds_begin(fhi_core *core, fhi_hold *holds, uint32_t count);
void fhi_holds_end(fhi_core *core, fhi_hold *holds, uint32_t count);

/* The last uses of a parcel that have not passed yet, as far as is known, at most one per queue: of
 * the backend's queues, then of the program's. Returns how many; *out_of_backend is how many of
 * these are of the backend's queues. It is pinned; no lock held. */
uint32_t fhi_hold_pending(fhi_core *core, const fhi_hold *hold, fh_epoch out_epochs[FH_QUEUE_MAX],
                          uint32_t *out_of_backend);

/* Fill in a hold of a parcel that the caller moves, or that nobody else knows of. Nothing is
 * held. */
void fhi_hold_look(fhi_core *core, fhi_hold *hold);

/* Nobody holds it from then on, until the end. One thread at a time; the parcel is pinned; no lock
 * held. */
void fhi_move_begin(fhi_core *core, fhi_record *record);
void fhi_move_end(fhi_core *core, fhi_record *record);

/* Tell the backend the parcel's name, which it has. It is pinned; no lock held. (info.c) */
void fhi_name_pass_on(fhi_core *core, fhi_hold *hold);

/* A buffer, of whatever kind; else a texture, raw memory or external memory. */
static inline bool fhi_hold_is_buffer(const fhi_hold *hold)
{
    return (hold->flags & FHI_RECORD_OBJECT) != 0 && hold->record->kind != FH_KIND_TEXTURE;
}

/* `committed`, without the lane's lock: it is written and read as a whole. */
static inline uint64_t fhi_record_committed(const fhi_record *record)
{
    return __atomic_load_n(&record->committed, __ATOMIC_RELAXED);
}

static inline void fhi_record_set_committed(fhi_record *record, uint64_t bytes)
{
    __atomic_store_n(&record->committed, bytes, __ATOMIC_RELAXED);
}

#endif
