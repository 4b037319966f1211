/* Accounts: counters with a limit. Heap accounts, and the total above them, count *driver bytes*:
 * what was taken from the driver, in blocks and dedicated allocations. Use accounts count *range
 * bytes* of parcels, per kind and per tag (over all kinds). A limit is never exceeded, not by a
 * byte and not for a moment, whatever threads race for it; exactly equal to it passes.
 *
 * Lowering a limit below what lives puts the account *over*: nothing is lost, what would make it
 * grow is refused or relieved, and ticks trim and evict until it is under. */

#ifndef FREEHOLD_ACCOUNT_H
#define FREEHOLD_ACCOUNT_H

#include <freehold/device.h>
#include <freehold/resource.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FH_NO_LIMIT UINT64_MAX

typedef enum fh_account_scope {
    FH_ACCOUNT_TOTAL = 0, /* driver bytes of all heaps; index 0 */
    FH_ACCOUNT_HEAP,      /* driver bytes of heap `index` */
    FH_ACCOUNT_KIND,      /* range bytes of fh_kind `index` */
    FH_ACCOUNT_TAG        /* range bytes of fh_tag `index` */
} fh_account_scope;

/* Names an account, by value. */
typedef struct fh_account {
    fh_account_scope scope;
    uint32_t index;
} fh_account;

typedef struct fh_account_info {
    char name[64];     /* "total", "heap 0", "buffer", "terrain" */
    uint64_t used;     /* bytes; exact while no other call is under way */
    uint64_t retiring; /* of these, bytes whose parcels were released and wait for the GPU */
    uint64_t limit;   /* bytes, FH_NO_LIMIT: the strictest of those set; heaps: and the OS budget */
    uint64_t peak;    /* high-water mark; heaps: exact. Kinds and tags: exact while one thread makes
                          parcels, else an upper bound */
    uint64_t count;   /* driver allocations, or parcels */
    uint64_t refused; /* requests that this account refused */
} fh_account_info;

/**
 * What an account counts, and its limit.
 *
 * Errors:  INVALID (an argument is NULL, no such account); *out_info is then zero.
 * Threads: any.
 * Cost:    O(1): a look into each of a fixed number of lanes.
 */
FH_API fh_result fh_device_account(fh_device *device, fh_account account,
                                   fh_account_info *out_info);

/**
 * Limit an account, for good or until set again; FH_NO_LIMIT removes the limit. The strictest of
 * this limit, the policy's, and for heaps the OS budget, counts.
 *
 * Errors:  INVALID (no such account), HOST_MEMORY.
 * Threads: any.
 */
FH_API fh_result fh_device_set_limit(fh_device *device, fh_account account, uint64_t limit);

/**
 * Forget the high-water mark: it is what is used now.
 *
 * Errors:  INVALID (no such account).
 * Threads: any.
 */
FH_API fh_result fh_device_reset_peak(fh_device *device, fh_account account);

#ifdef __cplusplus
}
#endif

#endif
