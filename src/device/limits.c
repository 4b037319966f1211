/* Limits and what accounts tell. Three sources set limits, each in its own place of an account: the
 * program, the policy, the operating system; the strictest counts. Changing one is done under
 * limit_lock; being held to one needs no lock (account.h).
 *
 * The policy's answer is taken whole or not at all: first all of it is checked, and a place made
 * for every tag, then all accounts change together. So a limit is never lifted for a moment between
 * an old answer and a new one. */

#include "device/core.h"
#include "device/inside.h"

#include <stdio.h>
#include <string.h>

static uint32_t count_tags(const fhi_core *core)
{
    return atomic_load_explicit(&core->tags.count, memory_order_acquire);
}

/* ---- the policy's ---- */

/* What is wrong with an answer; NULL when nothing is. */
static const char *check_limits(const fhi_core *core, const fh_limits *limits)
{
    if (limits->watermark_count > FHI_WATERMARKS) {
        return "limits: more than 4 watermarks; the last limits stay";
    }
    for (uint32_t i = 0; i < limits->watermark_count; i++) {
        double mark = limits->watermarks[i];
        if (!(mark >= 0.0 && mark <= 1.0)) {
            return "limits: a watermark is not between 0 and 1; the last limits stay";
        }
        if (i > 0 && mark <= limits->watermarks[i - 1]) {
            return "limits: the watermarks do not ascend; the last limits stay";
        }
    }
    if (limits->tag_count > 0 && !limits->tags) {
        return "limits: tags is NULL; the last limits stay";
    }
    for (uint32_t i = 0; i < limits->tag_count; i++) {
        if (limits->tags[i].tag == 0 || limits->tags[i].tag >= count_tags(core)) {
            return "limits: an unknown tag; the last limits stay";
        }
    }
    return NULL;
}

bool fhi_limits_ask(fhi_core *core, fhi_policy *policy, fhi_limits *out_limits)
{
    fh_facts facts;
    fhi_inside inside;

    memset(out_limits, 0, sizeof *out_limits);
    if (!policy->ops.limits) {
        return true;
    }
    fh_limits *limits = &out_limits->limits;
    fhi_facts_gather(core, &facts);
    fhi_inside_begin(core, &inside, FHI_INSIDE_HOOK);
    out_limits->decided = policy->ops.limits(policy->context, &facts, limits);
    fhi_inside_end(core, &inside);
    if (!out_limits->decided) {
        return true;
    }
    const char *fault = check_limits(core, limits);
    if (fault) {
        fhi_policy_complain(core, policy, FHI_COMPLAINT_LIMITS, fault);
        return false;
    }
    for (uint32_t i = 0; i < limits->tag_count; i++) {
        uint64_t *limit = &out_limits->tags[limits->tags[i].tag];
        uint64_t its = limits->tags[i].limit;
        *limit = *limit == 0 || (its != 0 && its < *limit) ? its : *limit;
    }
    limits->tags = NULL;
    return true;
}

/* 0 is none, in a policy's answer. */
static void apply_one(fhi_account *account, uint64_t limit)
{
    fhi_account_set_limit(account, FHI_LIMIT_POLICY, limit == 0 ? FH_NO_LIMIT : limit);
}

void fhi_limits_apply(fhi_core *core, const fhi_limits *answer)
{
    fhi_policies *policies = &core->policies;
    const fh_limits *limits = &answer->limits;
    uint32_t tag_count = count_tags(core);

    apply_one(&core->total, answer->decided ? limits->total : 0);
    for (uint32_t i = 0; i < core->adapter.heap_count; i++) {
        apply_one(&core->heaps[i], answer->decided ? limits->heaps[i] : 0);
    }
    for (uint32_t i = 0; i < FH_KIND_COUNT; i++) {
        apply_one(&core->kinds[i], answer->decided ? limits->kinds[i] : 0);
    }
    for (fh_tag tag = 1; tag < tag_count; tag++) {
        apply_one(fhi_account_of(core, (fh_account){FH_ACCOUNT_TAG, tag}),
                  answer->decided ? answer->tags[tag] : 0);
    }
    uint32_t count = answer->decided ? limits->watermark_count : 0;
    size_t size = count * sizeof limits->watermarks[0];
    if (count != policies->watermark_count ||
        memcmp(policies->watermarks, limits->watermarks, size) != 0) {
        memcpy(policies->watermarks, limits->watermarks, size);
        policies->watermark_count = count;
        policies->watermarks_moved = true;
    }
}

/* A limit below what was charged: what lanes have in credit is over it, and is taken back, so that
 * nothing is made from it any more. */
/* Who looked at the old limit in a lane has taken its credit when this is over. */
static void settle_lanes(fhi_core *core)
{
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        fhi_latch_release(&lane->lock);
    }
}

static void enforce(fhi_core *core, fh_account which)
{
    const fhi_account *account = fhi_account_of(core, which);
    if (atomic_load_explicit(&account->charged, memory_order_relaxed) >
        atomic_load_explicit(&account->limit, memory_order_relaxed)) {
        fhi_uses_recall(core, which);
    }
}

void fhi_limits_enforce(fhi_core *core)
{
    uint32_t tag_count = count_tags(core);
    settle_lanes(core);
    for (uint32_t kind = 0; kind < FH_KIND_COUNT; kind++) {
        enforce(core, (fh_account){FH_ACCOUNT_KIND, kind});
    }
    for (fh_tag tag = 1; tag < tag_count; tag++) {
        enforce(core, (fh_account){FH_ACCOUNT_TAG, tag});
    }
}

void fhi_policy_take_limits(fhi_core *core)
{
    fhi_policies *policies = &core->policies;
    fhi_policy *policy = fhi_policy_enter(core);
    if (!policy) {
        return;
    }
    if (!policies->room) {
        policies->room = fhi_host_alloc(&core->memory, 1, sizeof *policies->room, 64);
    }
    fhi_limits *limits = policies->room;
    if (limits && fhi_limits_ask(core, policy, limits) && limits->decided) {
        fhi_lock_acquire(&core->limit_lock);
        fhi_lock_acquire(&policies->lock);
        bool in_charge = policies->current == policy;
        fhi_lock_release(&policies->lock);
        if (in_charge) {
            fhi_limits_apply(core, limits);
        }
        fhi_lock_release(&core->limit_lock);
        fhi_limits_enforce(core);
    }
    fhi_policy_leave(core, policy);
}

/* ---- sums over lanes ---- */

static void add_share(const fhi_share *share, uint64_t *used, uint64_t *retiring)
{
    *used += share->live;
    *retiring += share->retiring;
}

void fhi_uses_sum(fhi_core *core, bool tags, fhi_uses *out_uses)
{
    memset(out_uses, 0, sizeof *out_uses);
    out_uses->tag_count = tags ? count_tags(core) : 1;
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        for (uint32_t kind = 0; kind < FH_KIND_COUNT; kind++) {
            add_share(&lane->kinds[kind], &out_uses->kinds[kind], &out_uses->kinds_retiring[kind]);
        }
        for (fh_tag tag = 1; tag < out_uses->tag_count && tag < lane->tag_capacity; tag++) {
            add_share(&lane->tags[tag], &out_uses->tags[tag], &out_uses->tags_retiring[tag]);
        }
        fhi_latch_release(&lane->lock);
    }
}

static fhi_share *share_of(fhi_lane *lane, fh_account account)
{
    if (account.scope == FH_ACCOUNT_KIND) {
        return &lane->kinds[account.index];
    }
    return account.index < lane->tag_capacity ? &lane->tags[account.index] : NULL;
}

static void add_uses(fhi_core *core, fh_account account, fh_account_info *out)
{
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        const fhi_share *share = share_of(lane, account);
        if (share) {
            add_share(share, &out->used, &out->retiring);
            out->peak += share->peak;
            out->count += share->count;
        }
        fhi_latch_release(&lane->lock);
    }
}

static void add_retiring(fhi_core *core, fh_account account, fh_account_info *out)
{
    uint64_t heaps[FH_HEAP_MAX];
    fhi_retiring_sum(core, heaps);
    for (uint32_t heap = 0; heap < core->adapter.heap_count; heap++) {
        if (account.scope == FH_ACCOUNT_TOTAL || account.index == heap) {
            out->retiring += heaps[heap];
        }
    }
}

/* ---- what programs call ---- */

static fh_result find_account(fh_device *device, fh_account which, fhi_account **out_account)
{
    *out_account = NULL;
    if (!device) {
        return fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    }
    *out_account = fhi_account_of(device->core, which);
    if (!*out_account) {
        return fhi_fail_with(FH_ERR_INVALID, "account: there is none of scope {} with index {}",
                             (uint32_t)which.scope, which.index, 0);
    }
    return FH_OK;
}

fh_result fh_device_account(fh_device *device, fh_account which, fh_account_info *out_info)
{
    fhi_account *account;

    if (!out_info) {
        return fhi_fail(FH_ERR_INVALID, "out_info: must not be NULL");
    }
    memset(out_info, 0, sizeof *out_info);
    fh_result result = find_account(device, which, &account);
    if (result != FH_OK) {
        return result;
    }
    fhi_core *core = device->core;
    fhi_account_name(core, which, out_info->name, sizeof out_info->name);
    out_info->limit = atomic_load_explicit(&account->limit, memory_order_relaxed);
    out_info->refused = atomic_load_explicit(&account->refused, memory_order_relaxed);
    if (which.scope >= FH_ACCOUNT_KIND) {
        add_uses(core, which, out_info);
        /* Lanes are read one after the other: what went out of one and into the next meanwhile was
         * counted twice. What lives is never more than what is charged. */
        uint64_t charged = atomic_load_explicit(&account->charged, memory_order_relaxed);
        out_info->used = out_info->used < charged ? out_info->used : charged;
        return FH_OK;
    }
    out_info->used = atomic_load_explicit(&account->charged, memory_order_relaxed);
    out_info->peak = atomic_load_explicit(&account->peak, memory_order_relaxed);
    out_info->count = atomic_load_explicit(&account->count, memory_order_relaxed);
    add_retiring(core, which, out_info);
    return FH_OK;
}

fh_result fh_device_set_limit(fh_device *device, fh_account which, uint64_t limit)
{
    fhi_account *account;
    fh_result result = find_account(device, which, &account);
    if (result != FH_OK) {
        return result;
    }
    fhi_core *core = device->core;
    fhi_lock_acquire(&core->limit_lock);
    fhi_account_set_limit(account, FHI_LIMIT_PROGRAM, limit);
    fhi_lock_release(&core->limit_lock);
    if (which.scope >= FH_ACCOUNT_KIND) {
        settle_lanes(core);
        enforce(core, which);
    }
    return FH_OK;
}

fh_result fh_device_reset_peak(fh_device *device, fh_account which)
{
    fhi_account *account;
    fh_result result = find_account(device, which, &account);
    if (result != FH_OK) {
        return result;
    }
    fhi_core *core = device->core;
    if (which.scope < FH_ACCOUNT_KIND) {
        /* What is taken in between raises the peak itself, before this or after. */
        atomic_store(&account->peak, 0);
        uint64_t used = atomic_load(&account->held), peak = 0;
        while (peak < used && !atomic_compare_exchange_weak(&account->peak, &peak, used)) {
        }
        return FH_OK;
    }
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        fhi_share *share = share_of(lane, which);
        if (share) {
            share->peak = share->live;
        }
        fhi_latch_release(&lane->lock);
    }
    return FH_OK;
}
