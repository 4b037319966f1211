/* Host memory for a structure that is changed under a lock. The host's callbacks must not be called
 * with a lock held, and a virtual block allocates when it grows. So its memory goes through a
 * stash: while *locked*, an allocation that is not in the stash fails and is noted, and what is
 * freed is put aside; after unlocking, the caller settles both with the host and tries again.
 *
 *     lock;
 *     while (result = fh_block_alloc(...), errand = fhi_stash_take(&stash), has(errand)) {
 *         unlock; again = fhi_stash_run(memory, &errand); lock;
 *         if (!again) break;
 *         fhi_stash_put(&stash, &errand);
 *     }
 *     unlock;
 *
 * Whoever unlocks in between must see to it that the structure is still there afterwards. */

#ifndef FREEHOLD_DEVICE_STASH_H
#define FREEHOLD_DEVICE_STASH_H

#include "base/compiler.h"

#include <freehold/host.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FHI_STASH_PIECES = 6 /* more than any one call of a block allocates */
};

typedef struct fhi_stash_piece {
    void *memory;
    size_t size, alignment;
} fhi_stash_piece;

/* What is put aside is linked through its own first bytes. */
typedef struct fhi_stash_freed {
    struct fhi_stash_freed *next;
    size_t size, alignment;
} fhi_stash_freed;

typedef struct fhi_stash {
    fh_host_memory host;        /* give this to the structure; its context is the stash */
    const fh_host_memory *real; /* borrowed */
    bool locked;                /* false: pass on to the host */
    bool dirty;                 /* something below is to be settled */
    uint32_t ready_count;
    fhi_stash_piece ready[FHI_STASH_PIECES];
    fhi_stash_piece wanted; /* size 0: nothing */
    fhi_stash_freed *freed;
} fhi_stash;

/* What is to be done with the host after unlocking. */
typedef struct fhi_stash_errand {
    fhi_stash_piece wanted;
    fhi_stash_freed *freed;
} fhi_stash_errand;

void fhi_stash_init(fhi_stash *stash, const fh_host_memory *real);

/* Gives everything back that is in it; nothing of the structure may live. */
void fhi_stash_finish(fhi_stash *stash);

/* Under the lock: take what is to be settled. */
fhi_stash_errand fhi_stash_take(fhi_stash *stash);

/* Without the lock: do it. True: what was wanted is there now, and goes to fhi_stash_put(). Does
 * not touch the stash, which may be gone when nothing was wanted. */
bool fhi_stash_run(const fh_host_memory *real, fhi_stash_errand *errand);

/* Under the lock, after fhi_stash_run() said true: then it is worth trying again. False: the stash
 * is full, because several threads were at it; the piece is to be given back to the host. */
bool fhi_stash_put(fhi_stash *stash, const fhi_stash_errand *errand);

FHI_HOT_INLINE bool fhi_stash_is_dirty(const fhi_stash *stash)
{
    return FHI_UNLIKELY(stash->dirty);
}

#endif
