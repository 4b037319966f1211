/* A request on its way: what is asked for, resolved, and what was decided about it. Lives on the
 * caller's stack from the entry point to the parcel. */

#ifndef FREEHOLD_DEVICE_REQUEST_H
#define FREEHOLD_DEVICE_REQUEST_H

#include "device/pool.h"
#include "device/type.h"

#include <freehold/policy.h>

#define FHI_PRIORITY 0.5F /* of who asks for none */

typedef struct fhi_request {
    /* Asked for. Exactly one of the three is not NULL; `memory` is that one's. */
    fh_kind kind;
    const fh_buffer_desc *buffer;
    const fh_texture_desc *texture;
    const struct fh_raw_desc *raw;
    const fh_memory_desc *memory;
    fh_usage usage;
    uint64_t committed, capacity; /* bytes */
    uint32_t lane;
    void *object; /* made already, not bound; NULL = raw */
    fh_requirements requirements;
    fhi_sort sort;
    bool address;
    bool margin;  /* canaries are behind it, and in `requirements.size` */
    void *import; /* raw: host memory to use; always dedicated */

    /* Decided: from the description, then by the policy's verdict. */
    fh_dedicated dedicated;
    fh_strategy strategy;
    float priority;
    bool within_budget;
    bool no_spill;
    bool placed;        /* the policy was asked already: fhi_request_ask() */
    bool never_relieve; /* from inside a callback, or on behalf of Freehold itself */
    fh_pool *pool;      /* NULL = the device's own of each type */
    bool visits;        /* `pool` is a verdict's choice, and counts this request as a guest */
    bool had_pool;      /* noted (inside.h): `pool` may be gone, and was of this heap: */
    uint32_t pool_heap;
    uint32_t type_mask;   /* requirements, description and verdict taken together */
    fhi_type_order order; /* types to try */
    bool spilled;         /* all of `order` may be tried, not just its first */

    /* Peaks of the use accounts' shares, before it was charged and right after: what is taken back
     * leaves no peak. [0] the kind's, [1] the tag's. */
    uint64_t peak_before[2], peak_after[2];

    /* What went wrong last. */
    fh_account account; /* BUDGET: which one said no */
    uint64_t asked;     /* BUDGET: bytes asked of that account */
    uint64_t shortage;  /* bytes missing there; 0 = not known */
} fhi_request;

/* Clear what is decided later on; the rest is filled in by the caller. */
void fhi_request_prepare(fhi_request *request, bool never_relieve);

/* Fill in what was decided by the description alone, and the order of the types. UNSUPPORTED: no
 * type will do. */
fh_result fhi_request_decide(fhi_core *core, fhi_request *request);

/* Ahead of fhi_request_satisfy(), which then does not: fill that in, and ask the policy. No lock
 * held. */
fh_result fhi_request_ask(fhi_core *core, fhi_request *request);

/* Whether what was decided comes to a memory type and a priority, for a small object. */
static inline bool fhi_request_is_simple(const fhi_request *request)
{
    return !request->pool && !request->within_budget && request->order.count > 0 &&
           (request->dedicated == FH_DEDICATED_AUTO || request->dedicated == FH_DEDICATED_NEVER);
}

/* What the request asks of its memory, in that location. */
fhi_type_wish fhi_request_wish(const fhi_request *request, fh_location location);

/* The types by the request's own location, or by those of a verdict, one after the other. */
fh_result fhi_request_order(fhi_core *core, fhi_request *request, const fh_location *locations,
                            uint32_t location_count);

/* Charge the use accounts, find memory, relieving as long as that helps. On failure nothing is
 * charged, and the sentence says what was asked, what lives, the limit and the account. No lock
 * held. */
fh_result fhi_request_satisfy(fhi_core *core, fhi_request *request, fhi_backing *out_backing,
                              uint8_t *out_type);

/* Look for memory once, through the types that may be tried. No accounts of uses, no relief. */
fh_result fhi_request_place(fhi_core *core, fhi_request *request, fhi_backing *out_backing,
                            uint8_t *out_type);

/* The use accounts of a request: recalls credits before it says BUDGET, with the sentence. No lock
 * held. */
fh_result fhi_request_charge(fhi_core *core, fhi_request *request, uint64_t bytes);

/* Count and tell a refusal that stands. */
void fhi_request_note_refusal(fhi_core *core, const fhi_request *request, fh_result result);

/* Give memory back to where it came from: a slab, a block, the driver. No lock held. */
void fhi_backing_give(fhi_core *core, const fhi_backing *backing);

/* The account's name, such as "heap 0" or "terrain". */
void fhi_account_name(fhi_core *core, fh_account account, char *out_name, size_t size);

/* Recall all lanes' credits of a use account and make it tight. No lock held. */
void fhi_uses_recall(fhi_core *core, fh_account which);

/* FH_ERR_BUDGET with the sentence: asked, live, limit, which account. */
fh_result fhi_fail_budget(fhi_core *core, fh_account which, uint64_t asked);

/* What lives: charged, without the lanes' credits. 0 when there is no such account. No lock
 * held. */
uint64_t fhi_account_live(fhi_core *core, fh_account which);

/* Whether the heap is under its OS budget with `bytes` more of it in use. No lock held. */
bool fhi_is_within_budget(fhi_core *core, uint32_t heap, uint64_t bytes);

/* Near the adapter's limit of driver allocations blocks are worth more than dedicated ones. */
bool fhi_has_count_to_spare(const fhi_core *core);

/* The account by name; NULL when there is none. */
fhi_account *fhi_account_of(fhi_core *core, fh_account account);

#endif
