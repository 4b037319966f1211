/* The policy in charge: set, entered, left, and what it gets to see.
 *
 * A policy is counted. The device holds one reference, and each call into a hook takes one for its
 * time, under the latch without which the current policy does not change: so nobody enters a policy
 * that was let go, and whoever gives the last reference back, on whatever thread, releases it, with
 * no lock held. The limits of a new policy are asked for before it is put in charge, when no other
 * hook of it can be running, and take effect in the same moment as the policy itself (limit_lock is
 * taken around policies.lock), so that limits and policy never belong to different hands. */

#include "device/decide.h"

#include "device/core.h"
#include "device/inside.h"
#include "device/text.h"
#include "device/witness.h"

#include <string.h>

static void policy_release(fhi_core *core, fhi_policy *policy)
{
    if (!policy) {
        return;
    }
    fhi_latch_acquire(&core->policies.entry);
    bool last = --policy->references == 0;
    fhi_latch_release(&core->policies.entry);
    if (FHI_LIKELY(!last)) {
        return;
    }
    if (policy->ops.release) {
        policy->ops.release(policy->context);
    }
    fhi_host_free(&core->memory, policy, 1, sizeof *policy, 64);
}

/* ---- life ---- */

fh_result fhi_policies_init(fhi_core *core)
{
    fhi_policies *policies = &core->policies;
    memset(policies, 0, sizeof *policies);
    fhi_lock_init(&policies->lock);
    fhi_latch_init(&policies->entry);
    atomic_store(&policies->verdict_version, 1);
    policies->evict_cap = policies->defrag_cap = policies->transient_cap = UINT64_MAX;
    policies->tick_ns = fhi_core_now(core);
    atomic_store(&core->tick_ns, policies->tick_ns);
    return FH_OK;
}

void fhi_policies_finish(fhi_core *core)
{
    fhi_policies *policies = &core->policies;
    policy_release(core, policies->current);
    policies->current = NULL;
    fhi_host_free(&core->memory, policies->room, 1, sizeof *policies->room, 64);
    fhi_verdicts_finish(core);
    fhi_evict_finish(core);
    fhi_lock_finish(&policies->lock);
}

static void copy_steps(const fhi_steps *steps, fhi_steps *out)
{
    out->count = steps->count;
    memcpy(out->sizes, steps->sizes, steps->count * sizeof steps->sizes[0]);
}

fhi_policy *fhi_policy_enter_steps(fhi_core *core, fhi_steps *out_steps)
{
    fhi_policies *policies = &core->policies;
    if (fhi_inside_hook(core)) {
        atomic_fetch_add_explicit(&policies->busy_count, 1, memory_order_relaxed);
        return NULL;
    }
    fhi_lock_acquire(&policies->lock);
    fhi_policy *policy = policies->current;
    if (policy) {
        fhi_latch_acquire(&policies->entry);
        policy->references++;
        fhi_latch_release(&policies->entry);
        if (out_steps) {
            copy_steps(&policy->steps, out_steps);
        }
    }
    fhi_lock_release(&policies->lock);
    return policy;
}

/* Under policies.entry. */
static void count_place(fhi_policies *policies)
{
    uint64_t count = atomic_load_explicit(&policies->place_count, memory_order_relaxed);
    atomic_store_explicit(&policies->place_count, count + 1, memory_order_relaxed);
}

void fhi_policy_count_place(fhi_core *core)
{
    fhi_latch_acquire(&core->policies.entry);
    count_place(&core->policies);
    fhi_latch_release(&core->policies.entry);
}

fhi_policy *fhi_policy_enter_place(fhi_core *core)
{
    fhi_policies *policies = &core->policies;
    fhi_latch_acquire(&policies->entry);
    fhi_policy *policy = policies->current;
    if (policy && policy->ops.place) {
        policy->references++;
        count_place(policies);
    } else {
        policy = NULL;
    }
    fhi_latch_release(&policies->entry);
    return policy;
}

fhi_policy *fhi_policy_enter(fhi_core *core)
{
    return fhi_policy_enter_steps(core, NULL);
}

void fhi_policy_steps(fhi_core *core, fhi_policy *policy, fhi_steps *out_steps)
{
    fhi_lock_acquire(&core->policies.lock);
    copy_steps(&policy->steps, out_steps);
    fhi_lock_release(&core->policies.lock);
}

void fhi_policy_leave(fhi_core *core, fhi_policy *policy)
{
    policy_release(core, policy);
}

void fhi_policy_complain(fhi_core *core, fhi_policy *policy, fhi_complaint complaint,
                         const char *sentence)
{
    uint32_t bit = UINT32_C(1) << complaint;
    if ((atomic_fetch_or(&policy->complaints, bit) & bit) == 0) {
        fhi_log(&core->log, FH_LOG_WARNING, "policy \"%s\": %s",
                fhi_name_print(policy->ops.name).text, sentence);
    }
}

/* Under policies.lock. */
static void stamp(fhi_policies *policies)
{
    policies->stamps++;
    atomic_store_explicit(&policies->stamp, policies->places ? policies->stamps : 0,
                          memory_order_release);
}

/* Under policies.lock. */
static void forget(fhi_policies *policies)
{
    atomic_fetch_add(&policies->verdict_version, 1);
    stamp(policies);
}

void fhi_policy_stamp(fhi_core *core)
{
    fhi_lock_acquire(&core->policies.lock);
    stamp(&core->policies);
    fhi_lock_release(&core->policies.lock);
}

void fhi_policy_forget(fhi_core *core)
{
    fhi_lock_acquire(&core->policies.lock);
    forget(&core->policies);
    fhi_lock_release(&core->policies.lock);
}

/* ---- setting one ---- */

static fh_result check_steps(const uint64_t *steps, uint32_t count)
{
    if (count > FHI_PLACE_STEPS) {
        return fhi_fail_with(FH_ERR_INVALID, "place_step_count: {} is more than {}", count,
                             FHI_PLACE_STEPS, 0);
    }
    if (count > 0 && !steps) {
        return fhi_fail(FH_ERR_INVALID, "place_steps: must not be NULL when there is a count");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (steps[i] <= (i > 0 ? steps[i - 1] : 0)) {
            return fhi_fail_with(FH_ERR_INVALID,
                                 "place_steps: they must ascend from above 0; the one with index "
                                 "{} does not",
                                 i, 0, 0);
        }
    }
    return FH_OK;
}

static fh_result check_ops(const fh_policy_ops *ops)
{
    if (!ops->name) {
        return fhi_fail(FH_ERR_INVALID, "ops: a policy must have a name");
    }
    return check_steps(ops->place_steps, ops->place_step_count);
}

/* `steps` may be NULL when there are none. */
static void set_steps(fhi_policy *policy, const uint64_t *steps, uint32_t count)
{
    policy->steps.count = count;
    if (count > 0) {
        memcpy(policy->steps.sizes, steps, count * sizeof *steps);
    }
}

bool fhi_policy_renew(fhi_core *core, fhi_policy *policy, const fh_facts *facts)
{
    fh_policy_change change = {0};
    fhi_inside inside;

    if (!policy->ops.renew) {
        return false;
    }
    fhi_inside_begin(core, &inside, FHI_INSIDE_HOOK);
    bool renewed = policy->ops.renew(policy->context, facts, &change);
    fhi_inside_end(core, &inside);
    if (!renewed) {
        return false;
    }
    bool follow = check_steps(change.place_steps, change.place_step_count) == FH_OK;
    if (!follow) {
        fhi_policy_complain(core, policy, FHI_COMPLAINT_RENEW,
                            "renew: place_steps must ascend from above 0, 32 at most; the last "
                            "ones stay");
    }
    fhi_lock_acquire(&core->policies.lock);
    if (follow) {
        set_steps(policy, change.place_steps, change.place_step_count);
    }
    if (core->policies.current == policy) {
        core->policies.has_order = false;
    }
    forget(&core->policies);
    fhi_lock_release(&core->policies.lock);
    fhi_policy_take_limits(core);
    return true;
}

/* Both locks are held for the moment in which the policy changes. NULL limits: those in force
 * stay. */
static fhi_policy *replace(fhi_core *core, fhi_policy *policy, const fhi_limits *limits)
{
    fhi_policies *policies = &core->policies;
    fhi_lock_acquire(&core->limit_lock);
    fhi_lock_acquire(&policies->lock);
    fhi_policy *old = policies->current;
    fhi_latch_acquire(&policies->entry);
    policies->current = policy;
    fhi_latch_release(&policies->entry);
    policies->serial++;
    if (policy) {
        policy->serial = policies->serial;
    }
    policies->has_order = false;
    policies->places = policy && policy->ops.place;
    forget(policies);
    fhi_lock_release(&policies->lock);
    if (limits) {
        fhi_limits_apply(core, limits);
    }
    fhi_lock_release(&core->limit_lock);
    fhi_limits_enforce(core);
    return old;
}

/* Always succeeds: who lends a policy must be able to take it back. */
static void remove_policy(fhi_core *core)
{
    static const fhi_limits none;
    policy_release(core, replace(core, NULL, &none));
}

static fh_result set_policy(fhi_core *core, const fh_policy_ops *ops, void *context)
{
    fhi_limits *limits = fhi_host_alloc(&core->memory, 1, sizeof *limits, 64);
    fhi_policy *policy = fhi_host_alloc(&core->memory, 1, sizeof *policy, 64);
    if (!limits || !policy) {
        fhi_host_free(&core->memory, limits, 1, sizeof *limits, 64);
        fhi_host_free(&core->memory, policy, 1, sizeof *policy, 64);
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a policy");
    }
    memset(policy, 0, sizeof *policy);
    policy->ops = *ops;
    policy->context = context;
    policy->references = 1;
    set_steps(policy, ops->place_steps, ops->place_step_count);
    policy->ops.place_steps = NULL;
    policy->ops.place_step_count = 0;
    bool follow = fhi_limits_ask(core, policy, limits);
    fhi_policy *old = replace(core, policy, follow ? limits : NULL);
    fhi_host_free(&core->memory, limits, 1, sizeof *limits, 64);
    policy_release(core, old);
    return FH_OK;
}

static fh_result put_in_charge(fhi_core *core, const fh_policy_ops *ops, void *context)
{
    fh_result result = check_ops(ops);
    if (result == FH_OK && fhi_inside_hook(core)) {
        result = fhi_fail(FH_ERR_INVALID, "a hook must not set a policy");
    }
    return result == FH_OK ? set_policy(core, ops, context) : result;
}

fh_result fh_device_set_policy(fh_device *device, const fh_policy_ops *ops, void *context)
{
    fh_result result = FH_OK;
    if (!device) {
        result = fhi_fail(FH_ERR_INVALID, "device: must not be NULL");
    } else if (ops) {
        result = put_in_charge(device->core, ops, context);
    } else if (fhi_inside_hook(device->core)) {
        result = fhi_fail(FH_ERR_INVALID, "a hook must not remove its policy");
    } else {
        remove_policy(device->core);
    }
    if (result != FH_OK && ops && ops->release) {
        ops->release(context);
    }
    if (result == FH_OK && device && fhi_is_observed(device->core, FH_EVENT_POLICY_SET)) {
        fhi_observe(device->core,
                    &(fh_event){.kind = FH_EVENT_POLICY_SET, .name = ops ? ops->name : NULL});
    }
    return result;
}

void fhi_policy_show(fhi_core *core, void (*show)(void *context, const char *name), void *context)
{
    fhi_policies *policies = &core->policies;
    fhi_lock_acquire(&policies->lock);
    show(context, policies->current ? policies->current->ops.name : NULL);
    fhi_lock_release(&policies->lock);
}

const char *fh_device_policy_name(fh_device *device)
{
    if (!device) {
        return NULL;
    }
    fhi_policies *policies = &device->core->policies;
    fhi_lock_acquire(&policies->lock);
    const char *name = policies->current ? policies->current->ops.name : "native";
    fhi_lock_release(&policies->lock);
    return name;
}

/* ---- facts ---- */

static void heap_facts(fhi_core *core, uint32_t heap, fh_heap_facts *out)
{
    const fhi_account *account = &core->heaps[heap];
    out->size = core->adapter.heaps[heap].size;
    out->device_local = core->adapter.heaps[heap].device_local;
    out->used = atomic_load_explicit(&account->charged, memory_order_relaxed);
    out->limit = atomic_load_explicit(&account->limit, memory_order_relaxed);
    out->headroom = out->used < out->limit ? out->limit - out->used : 0;

    /* What the system said, and what we took or gave back since. */
    uint64_t then = core->budget_used[heap];
    uint64_t usage = core->budgets[heap].usage;
    uint64_t others = usage > then ? usage - then : 0;
    out->os_budget = core->budgets[heap].budget;
    if (out->used >= then) {
        out->os_usage = usage + (out->used - then);
    } else {
        out->os_usage = usage > then - out->used ? usage - (then - out->used) : 0;
    }
    out->unaccounted = others;
}

void fhi_retiring_sum(fhi_core *core, uint64_t out_heaps[FH_HEAP_MAX])
{
    memset(out_heaps, 0, FH_HEAP_MAX * sizeof *out_heaps);
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        for (uint32_t type = 0; type < core->adapter.type_count; type++) {
            out_heaps[core->adapter.types[type].heap] += lane->types[type].retiring_bytes;
        }
        fhi_latch_release(&lane->lock);
    }
}

static void gather(fhi_core *core, const uint64_t *retiring, fh_facts *out_facts)
{
    out_facts->frame = atomic_load_explicit(&core->tick, memory_order_relaxed);
    out_facts->now_ns = fhi_core_now(core);
    out_facts->used = atomic_load_explicit(&core->total.charged, memory_order_relaxed);
    out_facts->limit = atomic_load_explicit(&core->total.limit, memory_order_relaxed);
    out_facts->heap_count = core->adapter.heap_count;
    fhi_lock_acquire(&core->limit_lock);
    if (retiring) {
        memcpy(core->policies.retiring, retiring, sizeof core->policies.retiring);
    }
    for (uint32_t heap = 0; heap < core->adapter.heap_count; heap++) {
        heap_facts(core, heap, &out_facts->heaps[heap]);
        out_facts->heaps[heap].retiring = core->policies.retiring[heap];
    }
    fhi_lock_release(&core->limit_lock);
}

void fhi_facts_gather(fhi_core *core, fh_facts *out_facts)
{
    uint64_t retiring[FH_HEAP_MAX];

    memset(out_facts, 0, sizeof *out_facts);
    fhi_retiring_sum(core, retiring);
    gather(core, retiring, out_facts);
}

void fhi_facts_glance(fhi_core *core, fh_facts *out_facts)
{
    gather(core, NULL, out_facts);
}

/* ---- requests ---- */

static void describe_texture(const fh_texture_desc *texture, fh_request *out)
{
    static const fh_texture_desc none;
    texture = texture ? texture : &none;
    out->format = texture->format;
    out->texture_kind = texture->kind;
    out->width = texture->width;
    out->height = texture->height;
    out->depth = texture->depth;
    out->layers = texture->layers;
    out->mips = texture->mips;
    out->samples = texture->samples;
}

void fhi_request_describe(fhi_core *core, const fhi_request *request, fh_request *out_request)
{
    const fh_memory_desc *memory = request->memory;
    const char *tag_name = memory->tag != 0 ? fh_device_tag_name(&core->root, memory->tag) : NULL;

    /* Field by field, for clearing it first takes as long as all that. */
    out_request->kind = request->kind;
    out_request->usage = request->usage;
    out_request->location = memory->location;
    out_request->access = fhi_access_resolve(memory->location, memory->access);
    out_request->tag = memory->tag;
    out_request->tag_name = tag_name ? tag_name : "";
    out_request->size = request->requirements.size;
    fhi_class_bounds(NULL, out_request->size, &out_request->size_min, &out_request->size_max);
    out_request->alignment = request->requirements.alignment;
    out_request->type_mask = request->type_mask;
    describe_texture(request->texture, out_request);
    out_request->priority = request->priority;
    out_request->dedicated = request->dedicated;
    out_request->within_budget = request->within_budget;
    out_request->mapped = memory->mapped;
    out_request->name = memory->name ? memory->name : "";
    out_request->reason = FH_OK;
    out_request->account = (fh_account){FH_ACCOUNT_TOTAL, 0};
    out_request->shortage = 0;
    out_request->attempt = out_request->tried = 0;
}
