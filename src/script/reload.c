/* A change of version, as a transaction: read, compile, check, set options, bring the state over,
 * try every hook; and only what came through all of that waits for the next tick. Nothing of it
 * touches the version in force, but that a snapshot of its state is taken.
 *
 * The hooks are tried before the last snapshot is taken, so that there is little time between it
 * and the tick. */

#include "base/error.h"
#include "base/host.h"
#include "device/text.h"
#include "script/device.h"
#include "script/policy.h"

#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

fh_result fhi_edition_extend(void *context, const char *from, const char *name, char *out_text,
                             size_t *out_size, char *out_path, fhi_report *out_report)
{
    fhi_edition *edition = context;
    if (!edition->making) {
        *out_size = 0;
        out_path[0] = '\0';
        fhi_report_write(out_report, "only while the script is loaded, not in a hook");
        return FH_ERR_SCRIPT;
    }
    return fhi_source_extend(&edition->making->sources, from, name, out_text, out_size, out_path,
                             out_report);
}

static fh_result read_text(fhi_script *script, fhi_scratch *scratch)
{
    scratch->sources.count = 0;
    if (script->has_path) {
        return fhi_source_read(&scratch->sources, script->path, scratch->text, &scratch->size,
                               &scratch->report);
    }
    if (script->text_size > 0) {
        memcpy(scratch->text, script->text, script->text_size);
    }
    scratch->size = script->text_size;
    return FH_OK;
}

/* ---- making ---- */

/* An edition that nobody else knows is entered, too, so that a late reader of `current`, who knew
 * it when it held another version, finds the door closed. */
static fh_result compile(fhi_edition *edition, fhi_scratch *scratch)
{
    const fhi_script *script = edition->script;
    const fhi_engine *engine = script->policy->engine;
    fhi_engine_host host = fhi_edition_host(edition);
    fhi_path_text shown = fhi_path_shown(script->path);
    const fhi_version_desc desc = {.text = scratch->text,
                                   .size = scratch->size,
                                   .name = script->has_path ? shown.text : script->path};
    fhi_edition_enter(edition, UINT64_MAX);
    edition->making = scratch;
    edition->version = engine->create(&host, &desc, &scratch->report);
    edition->making = NULL;
    bool compiled = edition->version != NULL;
    if (compiled) {
        snprintf(edition->name, sizeof edition->name, "%s", engine->name(edition->version));
        snprintf(edition->notes, sizeof edition->notes, "%s", engine->notes(edition->version));
        fhi_text_validate(edition->notes); /* it may be cut inside a character */
        edition->steps = engine->place_steps(edition->version, &edition->step_count);
        atomic_store(&edition->hooks, engine->hooks(edition->version));
        fhi_edition_measure(edition);
    }
    fhi_edition_leave(edition);
    return compiled ? FH_OK : FH_ERR_SCRIPT;
}

/* A report that says nothing would be of no help. */
static fh_result fail(fh_result result, const fhi_script *script, fhi_report *report)
{
    if (report->text[0] == '\0') {
        fhi_report_write(report, "%s: %s", fhi_path_shown(script->path).text,
                         fh_result_message(result));
    }
    return result;
}

fh_result fhi_script_make(fhi_script *script, fhi_scratch *scratch, fhi_edition **out_edition)
{
    *out_edition = NULL;
    scratch->report.text[0] = '\0';
    fhi_edition *edition = fhi_edition_take(script);
    if (!edition) {
        return fail(FH_ERR_HOST_MEMORY, script, &scratch->report);
    }
    fh_result result = read_text(script, scratch);
    if (result == FH_OK) {
        result = compile(edition, scratch);
    }
    if (result != FH_OK) {
        fhi_edition_drop(edition, UINT64_MAX);
        return fail(result, script, &scratch->report);
    }
    fhi_edition_settle(edition);
    *out_edition = edition;
    return FH_OK;
}

/* ---- trying ---- */

typedef union any_answer {
    fh_verdict verdict;
    fhi_reliefs reliefs;
    fh_limits limits;
    fh_frame_decision frame;
    fh_pressure_decision pressure;
    fh_retain_decision retain;
    fh_recycle_decision recycle;
    fh_evict_order order;
    fh_alias_decision alias;
    fh_defrag_decision defrag;
} any_answer;

static fh_result try_once(fhi_edition *edition, fh_hook hook, fhi_scratch *scratch)
{
    fhi_script *script = edition->script;
    const fhi_engine *engine = script->policy->engine;
    any_answer answer;
    memset(&answer, 0, sizeof answer);
    if (hook == FH_HOOK_EVICT) {
        answer.order.keys = scratch->keys;
    }
    fhi_call call = {.dry = true, .report = &scratch->report};
    fhi_edition_enter(edition, UINT64_MAX);
    fh_outcome outcome =
        engine->call(edition->version, hook, fhi_sample_input(&scratch->sample, hook),
                     &scratch->sample.facts, &answer, &call);
    if (hook == FH_HOOK_LIMITS && atomic_load(&script->current) == edition) {
        /* A new policy: should the hook fail when it is in charge, these are its limits. */
        fhi_script_hold_limits(script, outcome, &answer.limits);
        script->held.fresh = true;
    }
    fhi_edition_leave(edition);
    bool failed = outcome == FH_OUTCOME_FAILED || outcome == FH_OUTCOME_STOPPED;
    return failed ? FH_ERR_SCRIPT : FH_OK;
}

static fh_result try_hooks(fhi_edition *edition, fhi_scratch *scratch)
{
    fh_policy *policy = edition->script->policy;
    uint32_t hooks = atomic_load(&edition->hooks);
    for (int i = 0; i < FH_HOOK_MIGRATE; i++) {
        fh_hook hook = (fh_hook)i;
        for (uint32_t index = 0;
             (hooks >> i & 1) != 0 &&
             fhi_samples_get(&policy->samples, hook, index, &scratch->facts, &scratch->sample);
             index++) {
            if (try_once(edition, hook, scratch) != FH_OK) {
                return FH_ERR_SCRIPT;
            }
        }
    }
    return FH_OK;
}

static fh_result bring_over(fhi_edition *edition, fhi_scratch *scratch)
{
    bool again;
    if (fhi_edition_carry(edition, &scratch->state, FHI_PATIENCE_NS, &again, &scratch->report)) {
        return FH_OK;
    }
    return again ? FH_ERR_BUSY : FH_ERR_SCRIPT;
}

static bool is_carried(const fhi_edition *edition, const fhi_edition *old)
{
    return edition->from_number == atomic_load(&old->number) &&
           edition->from_serial == atomic_load(&old->serial);
}

fh_result fhi_edition_prove(fhi_edition *edition, fhi_scratch *scratch)
{
    fhi_script *script = edition->script;
    fh_device *device = atomic_load(&script->policy->device);
    bool first = atomic_load(&script->current) == edition;
    fh_result result = FH_OK;
    scratch->report.text[0] = '\0';
    if (device) {
        fhi_device_facts(device, &scratch->facts);
    }
    if (!first) {
        result = bring_over(edition, scratch);
    }
    if (result == FH_OK) {
        result = try_hooks(edition, scratch);
    }
    /* A tick may have changed both the state and what is in force. */
    if (result == FH_OK && !first && !is_carried(edition, atomic_load(&script->current))) {
        result = bring_over(edition, scratch);
    }
    return result == FH_OK ? FH_OK : fail(result, script, &scratch->report);
}

/* ---- and what comes of it ---- */

void fhi_script_reject(fhi_script *script, const fhi_report *report)
{
    fh_policy *policy = script->policy;
    char first[160];
    fhi_script_keep_error(script, report);
    fhi_lock_acquire(&policy->lock);
    script->rejected++;
    script->last_rejected = true;
    const fhi_edition *current = atomic_load(&script->current);
    snprintf(first, sizeof first, "%s: a new version is rejected; version %u stays in force",
             current->name, atomic_load(&current->number));
    fhi_lock_release(&policy->lock);
    fhi_scripts_say_report(policy, FH_LOG_WARNING, first, report);
}

/* Whatever waited before is not wanted any more. */
static void let_wait(fhi_script *script, fhi_edition *edition)
{
    fh_policy *policy = script->policy;
    fhi_lock_acquire(&policy->lock);
    fhi_edition_bury(script->pending);
    script->pending = edition;
    script->going_back = false;
    script->accepted++;
    script->last_rejected = false;
    script->error[0] = '\0';
    atomic_store(&edition->number, ++script->number);
    atomic_store(&policy->work, true);
    fhi_lock_release(&policy->lock);
    script->tried_number = atomic_load(&edition->number);
}

fh_result fhi_script_reload(fhi_script *script, fhi_scratch *scratch)
{
    fhi_edition *edition;
    fh_result result = fhi_script_make(script, scratch, &edition);
    if (result == FH_OK) {
        result = fhi_edition_prove(edition, scratch);
        if (result != FH_OK) {
            fhi_edition_drop(edition, UINT64_MAX);
        }
    }
    script->tried_number = 0;
    if (result != FH_ERR_HOST_MEMORY && result != FH_ERR_BUSY) {
        script->tried = scratch->sources; /* else the text was not looked at, or is not at fault */
    }
    if (result == FH_OK) {
        let_wait(script, edition);
        return FH_OK;
    }
    if (result != FH_ERR_HOST_MEMORY && result != FH_ERR_BUSY) {
        fhi_script_reject(script, &scratch->report);
    }
    return fhi_fail_print(result, "%s", fhi_report_first(&scratch->report).text);
}

void fhi_scripts_carry_again(fh_policy *policy, fhi_scratch *scratch)
{
    for (uint32_t i = 0; i < policy->script_count; i++) {
        fhi_script *script = &policy->scripts[i];
        bool again;
        fhi_lock_acquire(&policy->lock);
        fhi_edition *edition = script->pending;
        bool wanted = edition && edition->carry_again;
        if (wanted) {
            script->pending = NULL; /* the tick does without it meanwhile */
            edition->carry_again = false;
        }
        fhi_lock_release(&policy->lock);
        if (!wanted) {
            continue;
        }
        bool carried =
            fhi_edition_carry(edition, &scratch->state, FHI_PATIENCE_NS, &again, &scratch->report);
        fhi_lock_acquire(&policy->lock);
        if ((carried || again) && !script->going_back) {
            script->pending = edition;
            atomic_store(&policy->work, true);
        } else {
            fhi_edition_bury(edition);
        }
        fhi_lock_release(&policy->lock);
        if (!carried && !again) {
            fhi_script_reject(script, &scratch->report);
        }
    }
}
