/* The policy object: loaded, put in charge, let go.
 *
 * It is counted: the program's handle is one reference, the device is the other. The device lets go
 * when another policy is set or when it ends, in either case with no hook running (decide.c); from
 * then on nothing here touches it. Whoever gives the last reference back joins the watcher and ends
 * it all.
 *
 * To change a policy is not to hold a lock: it takes milliseconds, and the host's memory and the
 * log are called meanwhile. It is a flag, waited for with patience, never for ever: a callback that
 * leads back here gets an error instead of a dead lock. */

#include "script/policy.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/host.h"
#include "device/text.h"
#include "script/device.h"
#include "script/open.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the log ---- */

void fhi_scripts_say(const fh_policy *policy, fh_log_level level, const char *format, ...)
{
    char line[256];
    va_list arguments;
    if (!atomic_load(&policy->device)) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fhi_text_clean(line);
    fhi_log(&policy->log, level, "policy %s", line);
}

void fhi_scripts_say_report(const fh_policy *policy, fh_log_level level, const char *first,
                            const fhi_report *report)
{
    fhi_scripts_say(policy, level, "%s", first);
    for (const char *line = report->text; *line;) {
        size_t length = strcspn(line, "\n");
        fhi_scripts_say(policy, level, "  %.*s", (int)length, line);
        line += length;
        line += *line != '\0';
    }
}

/* ---- one thread changes it ---- */

fh_result fhi_check_outside(const fh_policy *policy)
{
    fh_device *device = atomic_load(&policy->device);
    if (device && fhi_device_in_hook(device)) {
        return fhi_fail(FH_ERR_INVALID, "policy: a hook must not use its own policy");
    }
    return FH_OK;
}

fh_result fhi_change_begin_within(fh_policy *policy, bool needs_device, uint64_t wait_ns)
{
    uint64_t deadline = fhi_deadline(wait_ns);
    fh_result result = fhi_check_outside(policy);
    if (result != FH_OK) {
        return result;
    }
    uintptr_t me = fhi_thread_anchor();
    fhi_lock_acquire(&policy->lock);
    bool waits = true;
    while (policy->changing && policy->changer != me && waits) {
        waits = fhi_condition_wait(&policy->changed, &policy->lock, deadline);
    }
    bool mine = policy->changing && policy->changer == me;
    bool free = !policy->changing;
    bool can = free && (policy->in_charge || !needs_device);
    if (can) {
        policy->changing = true;
        policy->changer = me;
    }
    fhi_lock_release(&policy->lock);
    if (can) {
        return FH_OK;
    }
    return mine   ? fhi_fail(FH_ERR_INVALID,
                             "policy: a callback of a change must not change it once more")
           : free ? fhi_fail(FH_ERR_INVALID, "policy: it is not in charge of a device any more")
                  : fhi_fail(FH_ERR_BUSY, "policy: another thread is changing it");
}

fh_result fhi_change_begin(fh_policy *policy, bool needs_device)
{
    return fhi_change_begin_within(policy, needs_device, FHI_PATIENCE_NS);
}

void fhi_change_end(fh_policy *policy)
{
    fhi_lock_acquire(&policy->lock);
    policy->changing = false;
    fhi_condition_wake_all(&policy->changed);
    fhi_lock_release(&policy->lock);
}

/* ---- the end ---- */

static void destroy_script(fh_policy *policy, fhi_script *script)
{
    while (script->all) {
        fhi_edition *edition = script->all;
        script->all = edition->next;
        policy->engine->destroy(edition->version);
        fhi_host_free(&policy->memory, edition, 1, sizeof *edition, 64);
    }
    fhi_host_free(&policy->memory, script->text, script->text_size, 1, 64);
}

void fhi_policy_destroy(fh_policy *policy)
{
    fhi_watching_stop(policy);
    for (uint32_t i = 0; i < policy->script_count; i++) {
        destroy_script(policy, &policy->scripts[i]);
    }
    fhi_settings_free(policy, policy->settings);
    fhi_settings_free(policy, policy->due);
    fhi_settings_free(policy, policy->spent);
    if (policy->has_watch) {
        fhi_watch_finish(&policy->watch);
    }
    fhi_condition_finish(&policy->changed);
    fhi_lock_finish(&policy->lock);
    fh_host_memory memory = policy->memory;
    fhi_host_free(&memory, policy->scripts, policy->script_count, sizeof *policy->scripts, 64);
    fhi_host_free(&memory, policy, 1, sizeof *policy, 64);
}

static void give_reference(fh_policy *policy)
{
    if (atomic_fetch_sub(&policy->references, 1) != 1) {
        return;
    }
    /* From a callback of the watcher's: it has further to go, and ends it all when it is done. */
    if (fhi_watching_is_here(policy)) {
        policy->orphan = true;
    } else {
        fhi_policy_destroy(policy);
    }
}

void fhi_scripts_let_go(void *context)
{
    fh_policy *policy = context;
    uintptr_t me = fhi_thread_anchor();
    fhi_lock_acquire(&policy->lock);
    policy->in_charge = false;
    /* Who changes it uses the device; but for us, who are in the middle of it. */
    while (policy->changing && policy->changer != me) {
        fhi_condition_wait(&policy->changed, &policy->lock, UINT64_MAX);
    }
    atomic_store(&policy->device, NULL);
    fhi_lock_release(&policy->lock);
    fhi_watching_tell(policy);
    give_reference(policy);
}

void fh_policy_release(fh_policy *policy)
{
    if (!policy) {
        return;
    }
    if (fhi_change_begin_within(policy, false, 0) == FH_OK) {
        fhi_scripts_reap(policy);
        fhi_change_end(policy);
    }
    give_reference(policy);
}

/* ---- making ---- */

static fh_result fail_memory(void)
{
    return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a policy");
}

static fh_result take_text(fhi_script *script, const fh_policy_source *source)
{
    fh_policy *policy = script->policy;
    fhi_report report;
    size_t size = source->text_size != 0 ? source->text_size : strlen(source->text);
    snprintf(script->path, sizeof script->path, "%s", source->name ? source->name : "policy");
    fh_result result = fhi_text_check(script->path, source->text, size, &report);
    if (result != FH_OK) {
        return fhi_fail_print(result, "%s", fhi_report_first(&report).text);
    }
    if (size > 0) {
        script->text = fhi_host_alloc(&policy->memory, size, 1, 64);
        if (!script->text) {
            return fail_memory();
        }
        memcpy(script->text, source->text, size);
    }
    script->text_size = size;
    return FH_OK;
}

static fh_result take_source(fhi_script *script, const fh_policy_source *source)
{
    if (!source->path && !source->text) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "source: the one with index {} has neither a path nor a text",
                             script->index, 0, 0);
    }
    if (!source->path) {
        return take_text(script, source);
    }
    if (strlen(source->path) >= sizeof script->path) {
        return fhi_fail_with(FH_ERR_INVALID, "path: it is longer than {} bytes",
                             sizeof script->path - 1, 0, 0);
    }
    script->has_path = true;
    snprintf(script->path, sizeof script->path, "%s", source->path);
    return FH_OK;
}

static fh_result make(const fhi_engine *engine, fh_device *device, const fh_policy_source *sources,
                      uint32_t count, fh_policy **out_policy)
{
    fh_host_memory memory = fhi_device_memory(device);
    fh_policy *policy = fhi_host_alloc(&memory, 1, sizeof *policy, 64);
    if (!policy) {
        return fail_memory();
    }
    memset(policy, 0, sizeof *policy);
    policy->engine = engine;
    policy->memory = memory;
    policy->log = fhi_device_log(device);
    atomic_store(&policy->device, device);
    atomic_store(&policy->references, 1);
    fhi_lock_init(&policy->lock);
    fhi_condition_init(&policy->changed);
    policy->changing = true;
    policy->changer = fhi_thread_anchor();
    fhi_stopwatch_init(&policy->stopwatch);
    fhi_samples_init(&policy->samples);
    fhi_decision_log_init(&policy->decisions);
    policy->scripts = fhi_host_alloc(&memory, count, sizeof *policy->scripts, 64);
    if (!policy->scripts) {
        fhi_policy_destroy(policy);
        return fail_memory();
    }
    policy->script_count = count;
    memset(policy->scripts, 0, count * sizeof *policy->scripts);
    fh_result result = FH_OK;
    for (uint32_t i = 0; i < count && result == FH_OK; i++) {
        policy->scripts[i].policy = policy;
        policy->scripts[i].index = i;
        result = take_source(&policy->scripts[i], &sources[i]);
    }
    if (result != FH_OK) {
        fhi_policy_destroy(policy);
        return result;
    }
    *out_policy = policy;
    return FH_OK;
}

static fh_result fail_report(fh_result result, const fhi_scratch *scratch)
{
    return fhi_fail_print(result, "%s", fhi_report_first(&scratch->report).text);
}

static fh_result load_script(fhi_script *script, fhi_scratch *scratch)
{
    fhi_edition *edition;
    fh_result result = fhi_script_make(script, scratch, &edition);
    if (result != FH_OK) {
        return fail_report(result, scratch);
    }
    script->number = script->accepted = script->tried_number = 1;
    script->tried = scratch->sources;
    script->held.fresh = true;
    atomic_store(&edition->number, 1);
    atomic_store(&script->current, edition);
    return FH_OK;
}

static void take_name(fh_policy *policy)
{
    size_t length = 0;
    for (uint32_t i = 0; i < policy->script_count && length < sizeof policy->name - 1; i++) {
        const fhi_edition *edition = atomic_load(&policy->scripts[i].current);
        int more = snprintf(policy->name + length, sizeof policy->name - length, "%s%s",
                            i > 0 ? " + " : "", edition->name);
        length += more > 0 ? (size_t)more : 0;
    }
    fhi_text_clean(policy->name); /* it may be cut inside a character */
}

static fh_result load_all(fh_policy *policy, const fh_policy_desc *desc, fhi_scratch *scratch)
{
    fh_result result = FH_OK;
    for (uint32_t i = 0; i < policy->script_count && result == FH_OK; i++) {
        result = load_script(&policy->scripts[i], scratch);
    }
    if (result == FH_OK) {
        take_name(policy);
        result = fhi_settings_take(policy, desc->settings, desc->setting_count);
    }
    for (uint32_t i = 0; i < policy->script_count && result == FH_OK; i++) {
        result = fhi_edition_prove(atomic_load(&policy->scripts[i].current), scratch);
        result = result == FH_OK ? FH_OK : fail_report(result, scratch);
    }
    if (result == FH_OK) {
        fhi_stopwatch_set(&policy->stopwatch);
        fhi_scripts_merge_steps(policy);
    }
    return result;
}

static fh_result load(fh_policy *policy, const fh_policy_desc *desc)
{
    fhi_scratch *scratch = fhi_host_alloc(&policy->memory, 1, sizeof *scratch, 64);
    if (!scratch) {
        return fail_memory();
    }
    fh_result result = load_all(policy, desc, scratch);
    fhi_host_free(&policy->memory, scratch, 1, sizeof *scratch, 64);
    if (result == FH_OK && desc->watch) {
        result = fhi_watching_start(policy);
    }
    return result;
}

/* The device takes a reference, and gives it back, in any case. */
static fh_result put_in_charge(fh_policy *policy, fh_device *device)
{
    fh_policy_ops ops = fhi_script_ops;
    ops.name = policy->name;
    ops.place_steps = policy->steps;
    ops.place_step_count = policy->step_count;
    atomic_fetch_add(&policy->references, 1);
    fhi_lock_acquire(&policy->lock);
    policy->in_charge = true; /* before: it may be replaced at any moment after */
    fhi_lock_release(&policy->lock);
    return fh_device_set_policy(device, &ops, policy);
}

static fh_result check_desc(const fh_device *device, const fh_policy_desc *desc)
{
    if (!device || !desc) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "desc: must not be NULL" : "device: must not be NULL");
    }
    if (desc->source_count > 0 && !desc->sources) {
        return fhi_fail(FH_ERR_INVALID, "sources: must not be NULL when there is a count");
    }
    if (desc->source_count > FH_SCRIPT_MAX) {
        return fhi_fail_with(FH_ERR_INVALID, "sources: {} are more than {}", desc->source_count,
                             FH_SCRIPT_MAX, 0);
    }
    if (desc->source_count > 0 && (desc->source.path || desc->source.text)) {
        return fhi_fail(FH_ERR_INVALID, "source: there is one, and a list of sources, too");
    }
    if (desc->setting_count > 0 && !desc->settings) {
        return fhi_fail(FH_ERR_INVALID, "settings: must not be NULL when there is a count");
    }
    return FH_OK;
}

fh_result fhi_policy_load_with(const fhi_engine *engine, fh_device *device,
                               const fh_policy_desc *desc, fh_policy **out_policy)
{
    fh_policy *policy = NULL;
    if (out_policy) {
        *out_policy = NULL;
    }
    fh_result result = check_desc(device, desc);
    if (result == FH_OK && fhi_device_in_hook(device)) {
        result = fhi_fail(FH_ERR_INVALID, "a hook must not load a policy");
    }
    if (result != FH_OK) {
        return result;
    }
    bool several = desc->source_count > 0;
    result = make(engine, device, several ? desc->sources : &desc->source,
                  several ? desc->source_count : 1, &policy);
    if (!policy) {
        return result;
    }
    result = load(policy, desc);
    if (result == FH_OK) {
        result = put_in_charge(policy, device);
    }
    fhi_change_end(policy);
    if (result == FH_OK && out_policy) {
        *out_policy = policy;
        return FH_OK;
    }
    fhi_sentence sentence = fhi_sentence_keep();
    give_reference(policy);
    return result == FH_OK ? FH_OK : fhi_sentence_fail(result, &sentence);
}

fh_result fh_policy_load(fh_device *device, const fh_policy_desc *desc, fh_policy **out_policy)
{
    const fhi_engine *engine;
    if (out_policy) {
        *out_policy = NULL;
    }
    /* What is wrong with the call comes before what is wrong with the machine. */
    fh_result result = check_desc(device, desc);
    if (result == FH_OK) {
        result = fhi_engine_open(&engine);
    }
    return result == FH_OK ? fhi_policy_load_with(engine, device, desc, out_policy) : result;
}

/* ---- living with it ---- */

/* Whether the script's text is another one than that of the edition that is, or will be, in force:
 * its files changed, or that edition is not what came of them. */
static bool differs(fhi_script *script, fhi_scratch *scratch)
{
    fh_policy *policy = script->policy;
    uint64_t hash;
    bool empty;
    if (script->tried.count == 0) {
        return false;
    }
    fhi_lock_acquire(&policy->lock);
    const fhi_edition *next = script->going_back ? script->before
                              : script->pending  ? script->pending
                                                 : atomic_load(&script->current);
    uint32_t number = atomic_load(&next->number);
    fhi_lock_release(&policy->lock);
    return number != script->tried_number ||
           fhi_sources_changed(&script->tried, scratch->text, &hash, &empty);
}

fh_result fh_policy_reload(fh_policy *policy)
{
    if (!policy) {
        return fhi_fail(FH_ERR_INVALID, "policy: must not be NULL");
    }
    fh_result result = fhi_change_begin(policy, true);
    if (result != FH_OK) {
        return result;
    }
    fhi_scripts_reap(policy);
    fhi_scratch *scratch = fhi_host_alloc(&policy->memory, 1, sizeof *scratch, 64);
    result = scratch ? FH_OK : fail_memory();
    fhi_sentence sentence;
    for (uint32_t i = 0; i < policy->script_count && scratch; i++) {
        fhi_script *script = &policy->scripts[i];
        fh_result one = differs(script, scratch) ? fhi_script_reload(script, scratch) : FH_OK;
        if (one != FH_OK && result == FH_OK) {
            result = one;
            sentence = fhi_sentence_keep();
        }
    }
    fhi_host_free(&policy->memory, scratch, 1, sizeof *scratch, 64);
    fhi_change_end(policy);
    return result == FH_OK || !scratch ? result : fhi_sentence_fail(result, &sentence);
}

/* Under the lock. Whatever waits is called off: that is the last change. */
static bool call_off(fh_policy *policy)
{
    bool any = false;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        fhi_script *script = &policy->scripts[i];
        any = any || script->pending || script->going_back;
        fhi_edition_bury(script->pending);
        script->pending = NULL;
        script->going_back = false;
    }
    return any;
}

/* Under the lock. */
static bool turn_back(fh_policy *policy)
{
    bool any = false;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        fhi_script *script = &policy->scripts[i];
        if ((policy->change_mask >> i & 1) != 0 && script->before) {
            script->going_back = any = true;
        }
    }
    atomic_store(&policy->work, true);
    return any;
}

fh_result fh_policy_rollback(fh_policy *policy)
{
    if (!policy) {
        return fhi_fail(FH_ERR_INVALID, "policy: must not be NULL");
    }
    fh_result result = fhi_change_begin(policy, true);
    if (result != FH_OK) {
        return result;
    }
    fhi_lock_acquire(&policy->lock);
    bool done = call_off(policy) || turn_back(policy);
    fhi_lock_release(&policy->lock);
    fhi_scripts_reap(policy);
    fhi_change_end(policy);
    return done ? FH_OK : fhi_fail(FH_ERR_INVALID, "policy: there is no version before this one");
}
