/* The tick's part of a change, asked for at its start (fh_policy_ops.renew): what waits takes
 * effect, whole or not at all.
 *
 * A new version's state was brought over from a snapshot of the old one's before it began to wait.
 * Only when a hook has changed the state since, which a tick alone does, it is brought over again
 * here. Where that takes long it is the watcher's to do instead, right after a tick, a few times;
 * so a swap is one exchanged pointer, hardly ever more. What is out of use then is not given back
 * here (policy.h). */

#include "base/clock.h"
#include "script/policy.h"

#include <stdlib.h>
#include <string.h>

enum {
    CARRY_NS = 100 * 1000, /* what takes longer is done off the tick, if it can be */
    CARRIES_MAX = 3
};

/* ---- state ---- */

static uint64_t serial_of(const fhi_edition *edition)
{
    return atomic_load_explicit(&edition->serial, memory_order_relaxed);
}

static uint32_t number_of(const fhi_edition *edition)
{
    return atomic_load_explicit(&edition->number, memory_order_relaxed);
}

static bool save(const fhi_engine *engine, fhi_script *script, fhi_edition *fresh, fhi_state *state,
                 uint64_t wait_ns, bool *out_again)
{
    fhi_edition *old = fhi_script_enter(script, wait_ns);
    *out_again = old == NULL;
    if (!old) {
        return false;
    }
    bool saved = engine->state_save(old->version, state);
    fresh->from_number = number_of(old);
    fresh->from_serial = engine->state_serial(old->version);
    atomic_store_explicit(&old->serial, fresh->from_serial, memory_order_relaxed);
    fhi_edition_leave(old);
    return saved;
}

bool fhi_edition_carry(fhi_edition *fresh, fhi_state *state, uint64_t wait_ns, bool *out_again,
                       fhi_report *out_report)
{
    fhi_script *script = fresh->script;
    const fhi_engine *engine = script->policy->engine;
    uint64_t began = fhi_now_ns();
    if (!save(engine, script, fresh, state, wait_ns, out_again)) {
        fhi_report_write(out_report, *out_again ? "the version in force is busy"
                                                : "no host memory for a copy of the state");
        return false;
    }
    if (!fhi_edition_enter(fresh, wait_ns)) {
        *out_again = true;
        return false;
    }
    fhi_call call = {.report = out_report};
    out_report->text[0] = '\0';
    bool carried = engine->migrate(fresh->version, state, fresh->from_number, &call);
    fhi_edition_measure(fresh);
    atomic_store_explicit(&fresh->serial, engine->state_serial(fresh->version),
                          memory_order_relaxed);
    fhi_edition_leave(fresh);
    uint64_t took = fhi_now_ns() - began;
    fresh->carry_ns = (uint32_t)(took < UINT32_MAX ? took : UINT32_MAX);
    return carried;
}

/* ---- steps ---- */

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

void fhi_scripts_merge_steps(fh_policy *policy)
{
    uint64_t all[FH_SCRIPT_MAX * FHI_STEPS_MAX];
    uint32_t count = 0, different = 0;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        const fhi_edition *edition = atomic_load(&policy->scripts[i].current);
        for (uint32_t step = 0; step < edition->step_count && step < FHI_STEPS_MAX; step++) {
            all[count++] = edition->steps[step];
        }
    }
    qsort(all, count, sizeof all[0], compare);
    for (uint32_t i = 0; i < count; i++) {
        if (all[i] != 0 && (different == 0 || all[i] != all[different - 1])) {
            all[different++] = all[i];
        }
    }
    uint32_t left_out = different > FHI_STEPS_MAX ? different - FHI_STEPS_MAX : 0;
    policy->step_count = different - left_out;
    memcpy(policy->steps, all + left_out, policy->step_count * sizeof all[0]);
    if (left_out > 0 && !policy->steps_told) {
        policy->steps_told = true;
        fhi_scripts_say(policy, FH_LOG_WARNING,
                        "%s: its scripts have more than %d place_steps; the smallest %u are left "
                        "out",
                        policy->name, FHI_STEPS_MAX, left_out);
    }
}

/* ---- swapping ---- */

/* Under the lock. */
static void put_in_force(fhi_script *script, fhi_edition *fresh)
{
    fhi_edition *old = atomic_load_explicit(&script->current, memory_order_relaxed);
    if (script->before != fresh) {
        fhi_edition_bury(script->before);
    }
    script->before = old;
    atomic_store_explicit(&script->current, fresh, memory_order_release);
    script->held.fresh = true;
    if (!script->last_rejected) { /* else a newer text was, meanwhile */
        script->error[0] = '\0';
    }
}

/* It could not be put in force now. Under the lock: unless there is a newer one. */
static void put_back(fhi_script *script, fhi_edition *fresh)
{
    if (script->pending || script->going_back) {
        fhi_edition_bury(fresh);
    } else {
        script->pending = fresh;
        atomic_store(&script->policy->work, true);
    }
}

/* Whether the state is as it was when the fresh edition got it. */
static bool is_carried(const fhi_script *script, const fhi_edition *fresh)
{
    const fhi_edition *old = atomic_load_explicit(&script->current, memory_order_relaxed);
    return fresh->from_number == number_of(old) && fresh->from_serial == serial_of(old);
}

/* FH_OK: the fresh edition has the state; BUSY: at a later tick; SCRIPT: never. */
static fh_result bring_over(fhi_script *script, fhi_edition *fresh, fhi_report *out_report)
{
    fh_policy *policy = script->policy;
    bool again;
    fresh->carry_again = false;
    if (is_carried(script, fresh)) {
        return FH_OK;
    }
    if (fresh->carry_ns > CARRY_NS && fresh->carries < CARRIES_MAX &&
        atomic_load_explicit(&policy->watching, memory_order_relaxed)) {
        fresh->carries++;
        fresh->carry_again = true;
        return FH_ERR_BUSY;
    }
    if (fhi_edition_carry(fresh, &policy->carried, FHI_TICK_WAIT_NS, &again, out_report)) {
        return FH_OK;
    }
    return again ? FH_ERR_BUSY : FH_ERR_SCRIPT;
}

/* True: the script has another edition in force. */
static bool swap(fhi_script *script)
{
    fh_policy *policy = script->policy;
    fhi_report report;
    fhi_lock_acquire(&policy->lock);
    fhi_edition *fresh = script->pending;
    bool back = script->going_back;
    script->going_back = false;
    if (back) {
        script->last_rejected = false;
        put_in_force(script, script->before);
    } else if (fresh && fresh->carry_again && atomic_load(&policy->watching)) {
        fresh = NULL; /* the watcher was woken for it */
        atomic_store(&policy->work, true);
    } else {
        script->pending = NULL;
    }
    fhi_lock_release(&policy->lock);
    if (back || !fresh) {
        return back;
    }
    fh_result result = bring_over(script, fresh, &report);
    fhi_lock_acquire(&policy->lock);
    if (result == FH_OK) {
        put_in_force(script, fresh);
    } else if (result == FH_ERR_BUSY) {
        put_back(script, fresh);
    } else {
        fhi_edition_bury(fresh);
    }
    fhi_lock_release(&policy->lock);
    if (result == FH_ERR_SCRIPT) {
        fhi_script_reject(script, &report);
    } else if (result == FH_ERR_BUSY && fresh->carry_again) {
        fhi_watch_wake(&policy->watch);
    }
    return result == FH_OK;
}

static bool swap_all(fh_policy *policy)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        mask |= swap(&policy->scripts[i]) ? UINT32_C(1) << i : 0;
    }
    if (mask == 0) {
        return false;
    }
    fhi_lock_acquire(&policy->lock);
    policy->change_mask = mask;
    fhi_lock_release(&policy->lock);
    fhi_scripts_merge_steps(policy);
    return true;
}

/* ---- every tick ---- */

/* Collect what the calls since the last tick left behind. A script that is busy is left alone. */
static void tidy(fhi_script *script)
{
    const fhi_engine *engine = script->policy->engine;
    fhi_edition *edition = fhi_script_enter(script, 0);
    if (!edition) {
        return;
    }
    uint64_t entered = atomic_load_explicit(&edition->entered, memory_order_relaxed);
    if (entered != edition->stepped) {
        edition->stepped = entered;
        engine->step(edition->version);
        fhi_edition_measure(edition);
    }
    fhi_edition_leave(edition);
}

bool fhi_scripts_renew(void *context, const fh_facts *facts, fh_policy_change *out_change)
{
    fh_policy *policy = context;
    bool changed = false;
    (void)facts;
    fhi_stopwatch_set(&policy->stopwatch);
    for (uint32_t i = 0; i < policy->script_count; i++) {
        tidy(&policy->scripts[i]);
    }
    if (!atomic_exchange(&policy->work, false)) {
        return false;
    }
    uint64_t began = fhi_now_ns();
    if (swap_all(policy)) {
        changed = true;
        atomic_store_explicit(&policy->swap_ns, fhi_now_ns() - began, memory_order_relaxed);
    }
    changed = fhi_settings_apply(policy) || changed;
    out_change->place_steps = policy->steps;
    out_change->place_step_count = policy->step_count;
    return changed;
}
