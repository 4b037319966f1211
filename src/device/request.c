/* How a request finds memory: which types may be tried, in which order, from a pool or dedicated,
 * under which accounts, and what is done when there is none. The quick way past all this, for small
 * buffers whose pool has room, is in buffer.c. */

#include "device/request.h"

#include "device/core.h"
#include "device/inside.h"
#include "device/text.h"
#include "device/uses.h"

#include <stdio.h>
#include <string.h>

/* ---- accounts ---- */

fhi_account *fhi_account_of(fhi_core *core, fh_account account)
{
    switch (account.scope) {
    case FH_ACCOUNT_TOTAL:
        return account.index == 0 ? &core->total : NULL;
    case FH_ACCOUNT_HEAP:
        return account.index < core->adapter.heap_count ? &core->heaps[account.index] : NULL;
    case FH_ACCOUNT_KIND:
        return account.index < FH_KIND_COUNT ? &core->kinds[account.index] : NULL;
    case FH_ACCOUNT_TAG:
        if (account.index > 0 &&
            account.index < atomic_load_explicit(&core->tags.count, memory_order_acquire)) {
            return &atomic_load_explicit(&core->tags.table[account.index], memory_order_acquire)
                        ->account;
        }
        return NULL;
    }
    return NULL;
}

static fhi_share *share_of(fhi_lane *lane, fh_account account)
{
    if (account.scope == FH_ACCOUNT_KIND) {
        return &lane->kinds[account.index];
    }
    return account.index < lane->tag_capacity ? &lane->tags[account.index] : NULL;
}

void fhi_uses_recall(fhi_core *core, fh_account which)
{
    fhi_account *account = fhi_account_of(core, which);
    if (!account || which.scope < FH_ACCOUNT_KIND) {
        return;
    }
    atomic_store(&account->tight, true);
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        fhi_share *share = share_of(lane, which);
        if (share) {
            fhi_share_return(share, account);
        }
        fhi_latch_release(&lane->lock);
    }
}

uint64_t fhi_account_live(fhi_core *core, fh_account which)
{
    const fhi_account *account = fhi_account_of(core, which);
    if (which.scope < FH_ACCOUNT_KIND) {
        return atomic_load_explicit(&account->charged, memory_order_relaxed);
    }
    uint64_t live = 0;
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        const fhi_share *share = share_of(lane, which);
        live += share ? share->live : 0;
        fhi_latch_release(&lane->lock);
    }
    return live;
}

void fhi_account_name(fhi_core *core, fh_account account, char *out_name, size_t size)
{
    static const char *const kinds[FH_KIND_COUNT] = {
#define KIND_NAME(name, text) text,
        FH_KINDS(KIND_NAME)
#undef KIND_NAME
    };
    switch (account.scope) {
    case FH_ACCOUNT_TOTAL:
        snprintf(out_name, size, "total");
        break;
    case FH_ACCOUNT_HEAP:
        snprintf(out_name, size, "heap %u", account.index);
        break;
    case FH_ACCOUNT_KIND:
        snprintf(out_name, size, "%s", kinds[account.index]);
        break;
    case FH_ACCOUNT_TAG:
        snprintf(out_name, size, "%s", atomic_load(&core->tags.table[account.index])->name);
        break;
    }
}

fh_result fhi_fail_budget(fhi_core *core, fh_account which, uint64_t asked)
{
    const char *const scopes[] = {"account", "account", "kind", "tag"};
    char name[FH_NAME_SIZE];
    fhi_account *account = fhi_account_of(core, which);
    uint64_t live = fhi_account_live(core, which);
    fhi_account_name(core, which, name, sizeof name);
    return fhi_fail_print(FH_ERR_BUDGET,
                          "%llu bytes asked, %llu live, limit %llu: %s \"%s\" would be over its "
                          "limit",
                          (unsigned long long)asked, (unsigned long long)live,
                          (unsigned long long)atomic_load(&account->limit), scopes[which.scope],
                          fhi_name_print(name).text);
}

/* ---- deciding ---- */

static bool is_plain(const fh_memory_desc *memory)
{
    return memory->required == 0 && memory->preferred == 0 && !memory->mapped;
}

static bool is_lazy(const fhi_request *request)
{
    return request->texture && (request->usage & FH_USAGE_TRANSIENT_TARGET) != 0;
}

static fh_access access_in(const fh_memory_desc *memory, fh_location location)
{
    return location == memory->location ? memory->access : FH_ACCESS_BY_LOCATION;
}

fhi_type_wish fhi_request_wish(const fhi_request *request, fh_location location)
{
    const fh_memory_desc *memory = request->memory;
    fhi_type_wish wish = fhi_type_wish_of(location, access_in(memory, location));
    wish.required |= memory->required | (memory->mapped ? FH_MEMORY_HOST_VISIBLE : 0);
    wish.preferred |= memory->preferred | (is_lazy(request) ? FH_MEMORY_LAZILY_ALLOCATED : 0);
    wish.unwanted &= ~(wish.required | wish.preferred);
    return wish;
}

/* The types of `mask` for one location; the device has the usual orders ready. */
static void order_for(const fhi_core *core, const fhi_request *request, fh_location location,
                      uint32_t mask, fhi_type_order *out_order)
{
    const fh_memory_desc *memory = request->memory;
    if (is_plain(memory) && !is_lazy(request)) {
        fh_access access = access_in(memory, location);
        const fhi_type_order *ready = &core->orders[location][access];
        out_order->count = 0;
        for (uint32_t i = 0; i < ready->count; i++) {
            if (mask >> ready->types[i] & 1) {
                out_order->types[out_order->count++] = ready->types[i];
            }
        }
        return;
    }
    fhi_type_wish wish = fhi_request_wish(request, location);
    fhi_type_order_make(&core->adapter, &wish, mask, out_order);
}

fh_result fhi_request_order(fhi_core *core, fhi_request *request, const fh_location *locations,
                            uint32_t location_count)
{
    uint32_t left = request->type_mask;
    request->order.count = 0;
    if (FHI_LIKELY(location_count == 1)) {
        order_for(core, request, locations[0], left, &request->order);
        location_count = 0;
    }
    for (uint32_t i = 0; i < location_count; i++) {
        fhi_type_order some;
        order_for(core, request, locations[i], left, &some);
        for (uint32_t j = 0; j < some.count; j++) {
            left &= ~(UINT32_C(1) << some.types[j]);
            request->order.types[request->order.count++] = some.types[j];
        }
    }
    if (request->order.count == 0) {
        return fhi_fail_with(
            FH_ERR_UNSUPPORTED,
            "no memory type is right: the object can use types {} (a bit mask), the "
            "description allows {}, and none of both has the flags that are required",
            request->requirements.type_mask,
            request->memory->type_mask == 0 ? UINT32_MAX : request->memory->type_mask, 0);
    }
    return FH_OK;
}

void fhi_request_prepare(fhi_request *request, bool never_relieve)
{
    request->never_relieve = never_relieve;
    request->no_spill = false;
    request->placed = false;
    request->spilled = false;
    request->pool = NULL;
    request->visits = false;
    request->had_pool = false;
    request->order.count = 0;
    request->account = (fh_account){FH_ACCOUNT_TOTAL, 0};
    request->asked = 0;
    request->shortage = 0;
}

fh_result fhi_request_decide(fhi_core *core, fhi_request *request)
{
    const fh_memory_desc *memory = request->memory;
    request->dedicated = memory->dedicated;
    request->strategy = memory->strategy;
    request->priority = memory->priority == 0.0F ? 0.5F : memory->priority;
    request->within_budget = memory->within_budget;
    request->pool = memory->pool;
    request->type_mask = request->requirements.type_mask;
    if (memory->type_mask != 0) {
        request->type_mask &= memory->type_mask;
    }
    if (memory->pool) {
        uint32_t type = memory->pool->type;
        if ((request->type_mask >> type & 1) == 0) {
            return fhi_fail_with(FH_ERR_UNSUPPORTED,
                                 "the pool is of memory type {}, which the object cannot use", type,
                                 0, 0);
        }
        fh_memory_flags needs =
            memory->required | (memory->mapped ? (fh_memory_flags)FH_MEMORY_HOST_VISIBLE : 0);
        if ((needs & ~fhi_type_flags(core, type)) != 0) {
            return fhi_fail_with(FH_ERR_UNSUPPORTED,
                                 "the pool's memory type {} lacks flags that are required", type, 0,
                                 0);
        }
        request->order = (fhi_type_order){.count = 1, .types = {(uint8_t)type}};
        return FH_OK;
    }
    return fhi_request_order(core, request, &memory->location, 1);
}

/* ---- placing ---- */

bool fhi_is_within_budget(fhi_core *core, uint32_t heap, uint64_t bytes)
{
    uint64_t most = fhi_budget_limit(core, heap);
    uint64_t used = atomic_load_explicit(&core->heaps[heap].charged, memory_order_relaxed);
    return used <= most && bytes <= most - used;
}

static fh_result fail_within_budget(fhi_core *core, fhi_request *request, uint32_t heap,
                                    uint64_t bytes)
{
    request->account = (fh_account){FH_ACCOUNT_HEAP, heap};
    request->asked = bytes;
    fhi_lock_acquire(&core->limit_lock);
    fh_heap_budget budget = core->budgets[heap];
    fhi_lock_release(&core->limit_lock);
    return fhi_fail_print(FH_ERR_BUDGET,
                          "%llu bytes asked within budget, %llu live, limit %llu: account \"heap "
                          "%u\" would exceed the OS budget",
                          (unsigned long long)bytes,
                          (unsigned long long)atomic_load(&core->heaps[heap].charged),
                          (unsigned long long)budget.budget, heap);
}

static void note_refusal(fhi_request *request, fh_result result, const fhi_refusal *refusal)
{
    if (result == FH_ERR_BUDGET) {
        request->account = refusal->account;
        request->shortage = refusal->missing;
    }
}

/* A driver allocation for one parcel. */
static fh_result place_dedicated(fhi_core *core, fhi_request *request, uint32_t type,
                                 fhi_backing *out_backing)
{
    uint64_t size = request->requirements.size;
    uint32_t heap = core->adapter.types[type].heap;
    const fhi_memory_want want = {
        .size = size,
        .type = type,
        .object = request->object,
        .import = request->import,
        .priority = request->priority,
        .dedicated = true,
        .address = request->address,
        .within_budget = request->within_budget,
    };
    fhi_refusal refusal;
    if (request->import && !(fhi_type_flags(core, type) & FH_MEMORY_HOST_VISIBLE)) {
        return fhi_fail(FH_ERR_OUT_OF_MEMORY, "host memory is imported as host-visible memory");
    }
    if (request->within_budget && !fhi_is_within_budget(core, heap, size)) {
        return fail_within_budget(core, request, heap, size);
    }
    fhi_tick_if_late(core);
    fh_result result =
        fhi_backend_result(core, fhi_memory_create(core, &want, &out_backing->memory, &refusal));
    note_refusal(request, result, &refusal);
    if (result == FH_OK) {
        if (fhi_is_observed(core, FH_EVENT_MEMORY_ALLOCATED)) {
            fh_event event = fhi_memory_event(out_backing->memory, FH_EVENT_MEMORY_ALLOCATED);
            fhi_observe(core, &event);
        }
        out_backing->slab = NULL;
        out_backing->range = (fh_range){0};
        out_backing->offset = 0;
        out_backing->reserved = size;
    }
    return result;
}

static fh_result place_pooled(fhi_core *core, fhi_request *request, fh_pool *pool,
                              fhi_backing *out_backing)
{
    const fhi_need need = {
        .size = request->requirements.size,
        .alignment = fhi_type_alignment(core, pool->type, request->requirements.alignment),
        .sort = request->sort,
        .strategy = request->strategy,
        .within_budget = request->within_budget,
        .upper = request->memory->upper,
    };
    /* What lies in a block costs the heap nothing new; but a heap that is over its budget takes
     * nothing that asked to stay within it. */
    if (request->within_budget && !fhi_is_within_budget(core, pool->heap, 0)) {
        return fail_within_budget(core, request, pool->heap, need.size);
    }
    for (;;) {
        uint64_t growths = atomic_load_explicit(&pool->growths, memory_order_acquire);
        fh_result result = fhi_pool_take(pool, request->lane, &need, out_backing);
        if (result != FH_ERR_OUT_OF_MEMORY) {
            return result;
        }
        if (request->within_budget && !fhi_is_within_budget(core, pool->heap, need.size)) {
            return fail_within_budget(core, request, pool->heap, need.size);
        }
        fhi_tick_if_late(core);
        fhi_refusal refusal;
        result = fhi_pool_grow(pool, &need, growths, &refusal);
        note_refusal(request, result, &refusal);
        if (result != FH_OK) {
            return result;
        }
    }
}

bool fhi_has_count_to_spare(const fhi_core *core)
{
    uint64_t count = atomic_load_explicit(&core->total.count, memory_order_relaxed);
    return count < core->adapter.allocation_count_max - core->adapter.allocation_count_max / 4;
}

static fh_result place_in_type(fhi_core *core, fhi_request *request, uint32_t type,
                               fhi_backing *out_backing)
{
    fh_pool *pool = request->pool ? request->pool : &core->pools[type];
    const fh_requirements *needs = &request->requirements;
    bool must = needs->dedicated_required || request->dedicated == FH_DEDICATED_REQUIRE ||
                request->import != NULL;
    bool may = request->dedicated != FH_DEDICATED_NEVER && !request->pool;
    bool large = needs->size > pool->block_size / 2;
    bool wants = request->dedicated == FH_DEDICATED_PREFER || needs->dedicated_preferred || large;

    if (must) {
        return place_dedicated(core, request, type, out_backing);
    }
    fh_result result = FH_ERR_OUT_OF_MEMORY;
    if (wants && may && fhi_has_count_to_spare(core)) {
        result = place_dedicated(core, request, type, out_backing);
        if (result == FH_OK || result == FH_ERR_DEVICE_LOST || result == FH_ERR_HOST_MEMORY) {
            return result;
        }
    }
    /* What is larger than a block is dedicated or nothing, unless it must not be. */
    if (may && needs->size > pool->block_size) {
        return fhi_has_count_to_spare(core) ? result
                                            : place_dedicated(core, request, type, out_backing);
    }
    return place_pooled(core, request, pool, out_backing);
}

fh_result fhi_request_place(fhi_core *core, fhi_request *request, fhi_backing *out_backing,
                            uint8_t *out_type)
{
    uint32_t count = request->spilled && !request->no_spill ? request->order.count : 1;
    fh_result result = FH_ERR_OUT_OF_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t type = request->order.types[i];
        request->shortage = 0;
        request->account = (fh_account){FH_ACCOUNT_HEAP, core->adapter.types[type].heap};
        request->asked = request->requirements.size;
        result = place_in_type(core, request, type, out_backing);
        if (result == FH_OK) {
            *out_type = type;
            return FH_OK;
        }
        if (result != FH_ERR_OUT_OF_MEMORY && result != FH_ERR_BUDGET) {
            return result;
        }
    }
    return result;
}

/* ---- the whole of it ---- */

static void note_peaks(const fhi_lane *lane, const fhi_request *request, uint64_t out_peaks[2])
{
    fh_tag tag = request->memory->tag;
    out_peaks[0] = lane->kinds[request->kind].peak;
    out_peaks[1] = tag != 0 ? lane->tags[tag].peak : 0;
}

/* Unless another request has raised them since. */
static void take_peaks_back(fhi_lane *lane, const fhi_request *request)
{
    fh_tag tag = request->memory->tag;
    fhi_share *const shares[2] = {&lane->kinds[request->kind], tag != 0 ? &lane->tags[tag] : NULL};
    for (int i = 0; i < 2 && shares[i]; i++) {
        if (shares[i]->peak == request->peak_after[i]) {
            shares[i]->peak = request->peak_before[i];
        }
    }
}

fh_result fhi_request_charge(fhi_core *core, fhi_request *request, uint64_t bytes)
{
    fhi_lane *lane = &core->lanes[request->lane];
    fh_tag tag = request->memory->tag;
    if (tag != 0) {
        fh_result result = fhi_lane_provide_tags(core, request->lane);
        if (result != FH_OK) {
            return result;
        }
    }
    for (int attempt = 0;; attempt++) {
        fhi_latch_acquire(&lane->lock);
        note_peaks(lane, request, request->peak_before);
        bool charged = fhi_uses_charge(core, lane, request->kind, tag, bytes, &request->account);
        note_peaks(lane, request, request->peak_after);
        fhi_latch_release(&lane->lock);
        if (charged) {
            return FH_OK;
        }
        if (attempt == 2) { /* a kind's credits, then a tag's */
            break;
        }
        fhi_uses_recall(core, request->account);
    }
    fhi_account *account = fhi_account_of(core, request->account);
    uint64_t headroom = fhi_account_headroom(account);
    request->asked = bytes;
    request->shortage = bytes > headroom ? bytes - headroom : 1;
    return fhi_fail_budget(core, request->account, bytes);
}

static void credit(fhi_core *core, const fhi_request *request, uint64_t bytes)
{
    fhi_lane *lane = &core->lanes[request->lane];
    fhi_latch_acquire(&lane->lock);
    fhi_uses_credit(core, lane, request->kind, request->memory->tag, bytes);
    take_peaks_back(lane, request);
    fhi_latch_release(&lane->lock);
}

/* Rounding to pages takes more than was charged: charge that, too, or give the memory back. */
static fh_result settle(fhi_core *core, fhi_request *request, uint64_t charged,
                        const fhi_backing *backing)
{
    fhi_lane *lane = &core->lanes[request->lane];
    fh_tag tag = request->memory->tag;
    if (backing->reserved == charged) {
        return FH_OK;
    }
    const uint64_t before[2] = {request->peak_before[0], request->peak_before[1]};
    fh_result result = fhi_request_charge(core, request, backing->reserved - charged);
    request->peak_before[0] = before[0]; /* of both charges together */
    request->peak_before[1] = before[1];
    if (result != FH_OK) {
        request->asked = backing->reserved;
        fhi_backing_give(core, backing);
        return result;
    }
    fhi_latch_acquire(&lane->lock);
    lane->kinds[request->kind].count--; /* it is one parcel */
    if (tag != 0) {
        lane->tags[tag].count--;
    }
    fhi_latch_release(&lane->lock);
    return FH_OK;
}

void fhi_request_note_refusal(fhi_core *core, const fhi_request *request, fh_result result)
{
    if (fhi_inside_making(core)) {
        return; /* who called the allocator asks it again, and notes it in the end */
    }
    fhi_account *account = fhi_account_of(core, request->account);
    atomic_fetch_add_explicit(&core->refused_count, 1, memory_order_relaxed);
    if (result == FH_ERR_BUDGET && account) {
        atomic_fetch_add_explicit(&account->refused, 1, memory_order_relaxed);
    }
    if (fhi_is_observed(core, FH_EVENT_REFUSED)) {
        fhi_observe(core, &(fh_event){.kind = FH_EVENT_REFUSED,
                                      .result = result,
                                      .bytes = request->requirements.size,
                                      .parcel_kind = request->kind,
                                      .account = request->account,
                                      .tag = request->memory->tag});
    }
}

static fh_result ask_policy(fhi_core *core, fhi_request *request)
{
    fh_result result = FH_OK;
    if (atomic_load_explicit(&core->policies.stamp, memory_order_acquire) != 0) {
        result = fhi_policy_place(core, request);
    }
    if (FHI_UNLIKELY(result != FH_OK)) {
        fhi_request_note_refusal(core, request, result);
    }
    return result;
}

fh_result fhi_request_ask(fhi_core *core, fhi_request *request)
{
    fh_result result = fhi_request_decide(core, request);
    request->placed = true;
    return result == FH_OK ? ask_policy(core, request) : result;
}

fh_result fhi_request_satisfy(fhi_core *core, fhi_request *request, fhi_backing *out_backing,
                              uint8_t *out_type)
{
    fhi_relief relief = {0};
    uint64_t bytes = request->requirements.size;

    if (!request->placed) {
        fh_result result = ask_policy(core, request);
        if (result != FH_OK) {
            return result;
        }
    }
    for (;;) {
        if (fhi_is_lost(core)) {
            return fhi_fail_lost();
        }
        fh_result result = fhi_request_charge(core, request, bytes);
        if (result == FH_OK) {
            result = fhi_request_place(core, request, out_backing, out_type);
            bool placed = result == FH_OK;
            if (placed) {
                result = settle(core, request, bytes, out_backing);
            }
            if (result == FH_OK) {
                if (relief.attempt > 0) {
                    atomic_fetch_add_explicit(&core->relieved_count, 1, memory_order_relaxed);
                }
                return FH_OK;
            }
            credit(core, request, bytes);
            if (placed && result == FH_ERR_BUDGET) {
                /* The sentence is of the whole request, and of what lives without it. */
                result = fhi_fail_budget(core, request->account, request->asked);
            }
        }
        if (result != FH_ERR_BUDGET && result != FH_ERR_OUT_OF_MEMORY) {
            return result;
        }
        /* Relief calls much that may fail in ways of its own: the sentence is that of the
         * refusal. */
        const fhi_sentence sentence = fhi_sentence_keep();
        if (!fhi_relieve(core, request, result, &relief)) {
            fhi_request_note_refusal(core, request, result);
            return fhi_sentence_fail(result, &sentence);
        }
    }
}
