/* What a policy tells of itself. Nothing here waits for a script, but for the text of its state. */

#include "base/error.h"
#include "base/host.h"
#include "device/text.h"
#include "script/policy.h"

#include <stdio.h>
#include <string.h>

const char *fh_hook_name(fh_hook hook)
{
    static const char *const names[] = {
#define HOOK_NAME(name, text) text,
        FH_HOOKS(HOOK_NAME)
#undef HOOK_NAME
    };
    return (uint32_t)hook < FH_HOOK_COUNT ? names[hook] : "?";
}

/* ---- status ---- */

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_counts(const fhi_edition *edition, fh_hook_status *hooks)
{
    for (int hook = 0; hook < FH_HOOK_COUNT; hook++) {
        const fhi_hook_counts *counts = &edition->counts[hook];
        hooks[hook].calls += load(&counts->calls);
        hooks[hook].decided += load(&counts->decided);
        hooks[hook].failed += load(&counts->failed);
        hooks[hook].charge += load(&counts->charge);
        hooks[hook].time_ns += load(&counts->time_ns);
    }
}

/* Under the lock: editions in force are filled in. */
static void fill_script(const fhi_script *script, fh_script_status *out)
{
    const fhi_edition *current = atomic_load(&script->current);
    uint32_t hooks = atomic_load(&current->hooks), quarantined = atomic_load(&current->quarantined);
    snprintf(out->name, sizeof out->name, "%s", current->name);
    snprintf(out->path, sizeof out->path, "%.*s", (int)sizeof out->path - 1,
             script->has_path ? script->path : "");
    fhi_text_validate(out->path); /* it may be cut inside a character */
    out->version = atomic_load(&current->number);
    out->pending = script->pending != NULL || script->going_back;
    out->accepted = script->accepted;
    out->rejected = script->rejected;
    memcpy(out->error, script->error, sizeof out->error);
    memcpy(out->notes, current->notes, sizeof out->notes);
    out->memory = load(&current->memory);
    out->state_bytes = load(&current->state_bytes);
    out->state_count = load(&current->state_count);
    for (const fhi_edition *edition = script->all; edition; edition = edition->next) {
        add_counts(edition, out->hooks);
    }
    for (int hook = 0; hook < FH_HOOK_COUNT; hook++) {
        out->hooks[hook].present = (hooks >> hook & 1) != 0;
        out->hooks[hook].quarantined = (quarantined >> hook & 1) != 0;
        out->hooks[hook].busy = load(&script->busy[hook]);
    }
    out->state = quarantined != 0        ? FH_SCRIPT_QUARANTINED
                 : script->last_rejected ? FH_SCRIPT_REJECTED
                 : out->version > 1      ? FH_SCRIPT_RELOADED
                                         : FH_SCRIPT_LOADED;
}

fh_result fh_policy_get_status(fh_policy *policy, fh_policy_status *out_status)
{
    if (!out_status) {
        return fhi_fail(FH_ERR_INVALID, "out_status: must not be NULL");
    }
    memset(out_status, 0, sizeof *out_status);
    if (!policy) {
        return fhi_fail(FH_ERR_INVALID, "policy: must not be NULL");
    }
    fhi_lock_acquire(&policy->lock);
    out_status->in_charge = policy->in_charge;
    out_status->watching = atomic_load(&policy->watching);
    out_status->decision_count = load(&policy->decisions.count);
    out_status->swap_ns = load(&policy->swap_ns);
    out_status->script_count = policy->script_count;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        fill_script(&policy->scripts[i], &out_status->scripts[i]);
    }
    fhi_lock_release(&policy->lock);
    return FH_OK;
}

/* ---- state ---- */

/* The text is put together inside, and written outside. */
typedef struct room {
    char *text; /* NULL: it is only measured */
    size_t size, capacity;
} room;

static fh_result put(void *context, const char *text, size_t length)
{
    room *r = context;
    if (r->text && r->size + length <= r->capacity) {
        memcpy(r->text + r->size, text, length);
    }
    r->size += length;
    return FH_OK;
}

static fh_result put_state(fhi_script *script, room *r)
{
    fhi_edition *edition = fhi_script_enter(script, FHI_PATIENCE_NS);
    if (!edition) {
        return fhi_fail(FH_ERR_BUSY, "the script is running, and did not end in time");
    }
    r->size = 0;
    fh_result result = script->policy->engine->state_json(edition->version, put, r);
    fhi_edition_leave(edition);
    return result;
}

fh_result fh_policy_state(fh_policy *policy, uint32_t script, fh_write_fn write, void *context)
{
    if (!policy || !write) {
        return fhi_fail(FH_ERR_INVALID,
                        policy ? "write: must not be NULL" : "policy: must not be NULL");
    }
    if (script >= policy->script_count) {
        return fhi_fail_with(FH_ERR_INVALID, "script: there is none with index {}; there are {}",
                             script, policy->script_count, 0);
    }
    fh_result result = fhi_check_outside(policy);
    room r = {0};
    /* It may have grown between measuring and writing. */
    for (bool whole = false; result == FH_OK && !whole;) {
        result = put_state(&policy->scripts[script], &r);
        whole = r.text && r.size <= r.capacity;
        if (result == FH_OK && !whole) {
            fhi_host_free(&policy->memory, r.text, r.capacity, 1, 64);
            r.capacity = r.size + r.size / 4 + 64;
            r.text = fhi_host_alloc(&policy->memory, r.capacity, 1, 64);
            result = r.text ? FH_OK : fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the state");
        }
    }
    if (result == FH_OK) {
        result = write(context, r.text, r.size);
    }
    fhi_host_free(&policy->memory, r.text, r.capacity, 1, 64);
    return result;
}
