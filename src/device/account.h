/* Accounts. Two sorts, one struct:
 *
 *  - Heap accounts (and the total) count driver bytes. They move only when driver memory moves, by
 *    compare-and-swap on `charged`.
 *  - Use accounts (kinds, tags) count range bytes of parcels, and move at every create and release.
 *    A compare-and-swap there on one shared word was measured at 0.1 to 0.2 of the speed of two
 *    threads without it. So each lane has a *share*: `live` bytes of its parcels, and `credit`,
 *    bytes that are charged to the account already and used by nobody. A create takes from the
 *    credit, a release adds to it, and only when the credit is short or plenty is the account
 *    touched.
 *
 * `charged` = sum over lanes of live + credit, and whoever makes it grow checks the limit. So what
 * lives is never over the limit, at no moment. Before a refusal the account turns *tight* (lanes
 * keep no credit from then on) and the credits are recalled, so that a refusal is exact, too. */

#ifndef FREEHOLD_DEVICE_ACCOUNT_H
#define FREEHOLD_DEVICE_ACCOUNT_H

#include "base/compiler.h"

#include <freehold/account.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Who set a limit. The strictest counts. */
typedef enum fhi_limit_source {
    FHI_LIMIT_PROGRAM = 0,
    FHI_LIMIT_POLICY,
    FHI_LIMIT_OS, /* heap accounts only */
    FHI_LIMIT_SOURCES
} fhi_limit_source;

#define FHI_CREDIT UINT64_C(262144) /* bytes that a lane takes at once */

enum {
    FHI_WATERMARKS = 4
};

typedef struct fhi_account {
    _Atomic uint64_t charged; /* bytes; use accounts: with the lanes' credits */
    _Atomic uint64_t limit;   /* the strictest of `limits` */
    _Atomic uint64_t held;    /* heap accounts: of `charged`, what the driver has given */
    _Atomic uint64_t peak;    /* heap accounts: of `held` */
    _Atomic uint64_t count;   /* heap accounts: driver allocations */
    _Atomic uint64_t refused; /* requests */
    _Atomic bool tight;       /* use accounts: lanes keep no credit; a tick with room ends it */
    _Atomic uint64_t limits[FHI_LIMIT_SOURCES]; /* changed under core->limit_lock */
    uint8_t above; /* bit n: watermark n was crossed upwards; belongs to the tick */
} fhi_account;

/* One lane's part of a use account; guarded by the lane's lock. */
typedef struct fhi_share {
    uint64_t live;     /* range bytes of parcels, retiring ones too */
    uint64_t credit;   /* bytes */
    uint64_t retiring; /* of `live` */
    uint64_t peak;     /* of `live` */
    uint64_t count;    /* parcels */
} fhi_share;

void fhi_account_init(fhi_account *account);

/* Set one source's limit (FH_NO_LIMIT = none). Caller holds core->limit_lock. */
void fhi_account_set_limit(fhi_account *account, fhi_limit_source source, uint64_t limit);

/* Add `bytes` if the sum stays within the limit, and within `most`. */
bool fhi_account_charge_within(fhi_account *account, uint64_t bytes, uint64_t most);
void fhi_account_credit(fhi_account *account, uint64_t bytes);

static inline bool fhi_account_charge(fhi_account *account, uint64_t bytes)
{
    return fhi_account_charge_within(account, bytes, UINT64_MAX);
}

/* Heap accounts: what was charged is there, or is there no more. Keeps `peak` and `count`. */
void fhi_account_hold(fhi_account *account, uint64_t bytes);
void fhi_account_let_go(fhi_account *account, uint64_t bytes);

/* Bytes that could be charged now. */
uint64_t fhi_account_headroom(const fhi_account *account);

/* The cold half of fhi_share_charge(). */
bool fhi_share_refill(fhi_share *share, fhi_account *account, uint64_t bytes);
void fhi_share_return(fhi_share *share, fhi_account *account);

/* Under the lane's lock. False: the account's limit, as far as this lane can see. */
FHI_HOT_INLINE bool fhi_share_charge(fhi_share *share, fhi_account *account, uint64_t bytes)
{
    if (FHI_UNLIKELY(bytes > share->credit) && !fhi_share_refill(share, account, bytes)) {
        return false;
    }
    share->credit -= bytes;
    share->live += bytes;
    share->count++;
    if (share->live > share->peak) {
        share->peak = share->live;
    }
    return true;
}

/* Under the lane's lock. */
FHI_HOT_INLINE void fhi_share_release(fhi_share *share, fhi_account *account, uint64_t bytes)
{
    share->live -= bytes;
    share->credit += bytes;
    share->count--;
    if (FHI_UNLIKELY(share->credit > 2 * FHI_CREDIT) ||
        FHI_UNLIKELY(atomic_load_explicit(&account->tight, memory_order_relaxed))) {
        fhi_share_return(share, account);
    }
}

#endif
