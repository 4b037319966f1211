/* Staging: host-visible buffers through which uploads and downloads pass. They are parcels of kind
 * "staging", kept for the next transfer and reused when the copies that read or wrote them have
 * passed. */

#ifndef FREEHOLD_DEVICE_STAGING_H
#define FREEHOLD_DEVICE_STAGING_H

#include "base/lock.h"
#include "device/record.h"

enum {
    FHI_STAGING_PIECES = 16,             /* buffers kept, at most */
    FHI_STAGING_CHUNK = 4 * 1024 * 1024, /* bytes of one; larger transfers go in several copies */
    FHI_STAGING_LEAST = 256 * 1024,      /* bytes of one that is made for a small transfer */
    FHI_STAGING_TICKS = 64               /* unused for so long: given back */
};

/* How long a write waits for staging memory that copies still use: a GPU that hangs must not hang
 * its program for ever. */
#define FHI_STAGING_WAIT_NS UINT64_C(10000000000)

typedef struct fhi_staging_piece {
    fh_parcel buffer; /* {0}: a free place */
    void *pointer;    /* mapped */
    uint64_t size;
    uint64_t used; /* bytes from the front that copies may still be at, unless `last` has passed */
    fh_epoch last; /* of its copies: it is free when this has passed */
    uint64_t tick; /* of the last use */
    bool busy;     /* a thread has it in its hands */
    bool readback;
} fhi_staging_piece;

typedef struct fhi_staging {
    fhi_lock lock; /* guards the pieces */
    fhi_staging_piece pieces[FHI_STAGING_PIECES];
} fhi_staging;

/* What a transfer wants. */
typedef struct fhi_staging_want {
    uint64_t size;     /* bytes, at most FHI_STAGING_CHUNK */
    uint64_t least;    /* bytes that will do when memory is short */
    uint64_t multiple; /* bytes, of which the offset must be one; any number > 0 */
    bool readback;     /* written by the GPU; else by the CPU */
    uint64_t deadline_ns;
} fhi_staging_want;

/* A part of a staging buffer, in one thread's hands. */
typedef struct fhi_span {
    fh_parcel buffer;
    void *pointer;         /* of its first byte */
    uint64_t offset, size; /* bytes, in the buffer */
    uint32_t place; /* of its piece; FHI_STAGING_PIECES: none, it goes when it is given back */
    bool readback;
} fhi_span;

/* Take `want->size` bytes, or less, but at least `want->least`. Errors: TIMEOUT (all are in use and
 * none passed in time), those of making a buffer. No lock held. */
fh_result fhi_staging_take(fhi_core *core, const fhi_staging_want *want, fhi_span *out_span);

/* Give it back; it is free when `last` has passed, {0}: now. No lock held. */
void fhi_staging_give(fhi_core *core, const fhi_span *span, fh_epoch last);

/* From the tick: give back what was not used for long; all that is not busy when `all`. Returns
 * bytes. */
uint64_t fhi_staging_trim(fhi_core *core, bool all);

/* At the device's end: release all pieces. */
void fhi_staging_finish(fhi_core *core);

#endif
