/* Deeds: which allocators want to know that a parcel is gone. An alias of an alias makes a chain,
 * so a deed is an allocator and the deed under it. Deeds are interned: a record keeps an index. */

#ifndef FREEHOLD_DEVICE_DEED_H
#define FREEHOLD_DEVICE_DEED_H

#include "base/lock.h"
#include "device/record.h"

#include <freehold/allocator.h>

#include <stdatomic.h>

enum {
    FHI_DEEDS = 256 /* at one time; index 0 is "nobody" */
};

/* One fh_device_with_allocator(). Counted: by its alias, by each of its deeds. */
typedef struct fhi_allocator {
    fh_allocator_ops ops; /* a copy */
    void *context;
    bool closed; /* its alias is gone; under core->deeds.lock */
    _Atomic uint64_t references;
    _Atomic uint32_t own; /* its deed with nobody under it, once it has one; lasts as long as the
                             alias, so that a parcel finds it without a lock */
    /* While its alias lives, under core->deeds.lock: */
    struct fhi_allocator *next; /* of the device's */
    uint64_t serial;            /* ascending along the list */
    fh_device *base;            /* the alias holds a reference */
} fhi_allocator;

/* A place of the table; what is in it stays while a parcel counts in it. */
typedef struct fhi_deed {
    fhi_allocator *allocator; /* NULL: a free place */
    uint32_t under;           /* the deed of the allocator that it delegated to, or 0 */
} fhi_deed;

/* A lane's parcels in one deed, or in one over it; under the lane's lock. */
typedef struct fhi_deed_share {
    uint64_t count, reserved;
} fhi_deed_share;

typedef struct fhi_deeds {
    fhi_lock lock; /* guards the table and the list; a lane's lock may be taken inside it */
    fhi_deed table[FHI_DEEDS];
    _Atomic uint32_t closed_count; /* places whose allocators are closed: they go with their last
                                      parcel */
    fhi_allocator *first;          /* those whose aliases live */
    uint64_t serial;               /* of the last one made */
} fhi_deeds;

/* Remember that `allocator` made the parcel in `record`, which is pinned. Once: an allocator that
 * gives out a parcel again is in its chain already. HOST_MEMORY: no place. No lock held. */
fh_result fhi_deed_attach(fhi_core *core, fhi_record *record, fhi_allocator *allocator);

/* The parcel is gone: tell each allocator of the chain. No lock held. */
void fhi_deed_notify_freed(fhi_core *core, const fhi_record *was);
void fhi_deed_notify_resized(fhi_core *core, const fhi_record *record, fh_parcel_bytes before,
                             fh_parcel_bytes after);

/* Reserved bytes of the live parcels that the allocator made. */
uint64_t fhi_deeds_reserved(fhi_core *core, const fhi_allocator *allocator);

/* The allocator's alias is gone: give up its places, now or when their last parcel is gone. */
void fhi_deeds_close(fhi_core *core, fhi_allocator *allocator);

void fhi_allocator_acquire(fhi_allocator *allocator);
void fhi_allocator_release(fhi_core *core, fhi_allocator *allocator);

/* ---- allocator.c ---- */

/* What the entry points of an alias do: ask its allocator, or the device under it, and attach the
 * deed. Descriptions are checked. When the device refused what the allocator asked of it, that is
 * relieved here, outside the callback, and the allocator is asked again. */
fh_result fhi_allocator_make_buffer(fh_device *alias, const fh_buffer_desc *desc,
                                    fh_parcel *out_buffer);
fh_result fhi_allocator_make_texture(fh_device *alias, const fh_texture_desc *desc,
                                     fh_parcel *out_texture);
fh_result fhi_allocator_make_raw(fh_device *alias, const fh_raw_desc *desc, fh_parcel *out_raw);

/* Have all allocators reclaim, or drain; false: none can. No lock held. */
void fhi_allocators_reclaim(fhi_core *core);
bool fhi_allocators_drain(fhi_core *core);

#endif
