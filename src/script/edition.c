/* Editions: the room in which a version lives, and its door. */

#include "base/host.h"
#include "device/text.h"
#include "script/device.h"
#include "script/policy.h"

#include <freehold/device.h>

#include <stdio.h>
#include <string.h>

/* ---- what the engine asks of us ---- */

/* The latch is held; the lines go to the log when it is not. */
static void host_log(void *context, fh_log_level level, const char *line)
{
    fhi_edition *edition = context;
    if (edition->line_count == FHI_LINES_MAX) {
        edition->lines_lost++;
        return;
    }
    fhi_line *kept = &edition->lines[edition->line_count++];
    kept->level = level;
    snprintf(kept->text, sizeof kept->text, "%s", line);
    fhi_text_clean(kept->text);
}

static fh_device *device_of(const fhi_edition *edition)
{
    return atomic_load_explicit(&edition->script->policy->device, memory_order_relaxed);
}

static fh_tag host_tag(void *context, const char *name)
{
    fh_device *device = device_of(context);
    fh_tag tag = 0;
    if (!device || fh_device_tag(device, name, &tag) != FH_OK) {
        return 0;
    }
    return tag;
}

static const char *host_tag_name(void *context, fh_tag tag)
{
    fh_device *device = device_of(context);
    const char *name = device ? fh_device_tag_name(device, tag) : NULL;
    return name ? name : "";
}

static fh_pool *host_pool(void *context, const char *name)
{
    fh_device *device = device_of(context);
    return device ? fhi_device_pool(device, name) : NULL;
}

fhi_engine_host fhi_edition_host(fhi_edition *edition)
{
    return (fhi_engine_host){
        .memory = edition->script->policy->memory,
        .context = edition,
        .log = host_log,
        .tag = host_tag,
        .tag_name = host_tag_name,
        .pool = host_pool,
        .read = fhi_edition_extend,
    };
}

/* ---- the door ---- */

bool fhi_edition_enter(fhi_edition *edition, uint64_t wait_ns)
{
    return fhi_latch_acquire_within(&edition->entry, wait_ns);
}

FHI_COLD void leave_and_say(fhi_edition *edition)
{
    const fh_policy *policy = edition->script->policy;
    fhi_line lines[FHI_LINES_MAX];
    char name[sizeof edition->name];
    uint32_t count = edition->line_count, lost = edition->lines_lost;
    memcpy(lines, edition->lines, count * sizeof lines[0]);
    memcpy(name, edition->name, sizeof name);
    edition->line_count = edition->lines_lost = 0;
    fhi_latch_release(&edition->entry);
    for (uint32_t i = 0; i < count; i++) {
        fhi_scripts_say(policy, lines[i].level, "%s: %s", name, lines[i].text);
    }
    if (lost > 0) {
        fhi_scripts_say(policy, FH_LOG_WARNING, "%s: and %u more lines in one call", name, lost);
    }
}

void fhi_edition_leave(fhi_edition *edition)
{
    if (FHI_UNLIKELY(edition->line_count > 0)) {
        leave_and_say(edition);
    } else {
        fhi_latch_release(&edition->entry);
    }
}

fhi_edition *fhi_script_enter(fhi_script *script, uint64_t wait_ns)
{
    for (;;) {
        fhi_edition *edition = atomic_load_explicit(&script->current, memory_order_acquire);
        if (!fhi_edition_enter(edition, wait_ns)) {
            return NULL;
        }
        if (FHI_LIKELY(atomic_load_explicit(&script->current, memory_order_acquire) == edition)) {
            return edition;
        }
        fhi_latch_release(&edition->entry);
    }
}

static void keep(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

void fhi_edition_measure(fhi_edition *edition)
{
    const fhi_engine *engine = edition->script->policy->engine;
    uint64_t bytes = 0, count = 0;
    engine->state_size(edition->version, &bytes, &count);
    keep(&edition->memory, engine->memory(edition->version));
    keep(&edition->state_bytes, bytes);
    keep(&edition->state_count, count);
}

void fhi_script_keep_error(fhi_script *script, const fhi_report *report)
{
    fh_policy *policy = script->policy;
    fhi_lock_acquire(&policy->lock);
    snprintf(script->error, sizeof script->error, "%.*s", (int)sizeof script->error - 1,
             report->text);
    fhi_text_validate(script->error); /* it may be cut inside a character */
    fhi_lock_release(&policy->lock);
}

/* ---- coming and going ---- */

fhi_edition *fhi_edition_take(fhi_script *script)
{
    fh_policy *policy = script->policy;
    fhi_lock_acquire(&policy->lock);
    fhi_edition *edition = script->spare;
    if (edition) {
        script->spare = edition->idle;
    }
    fhi_lock_release(&policy->lock);
    if (!edition) {
        edition = fhi_host_alloc(&policy->memory, 1, sizeof *edition, 64);
        if (!edition) {
            return NULL;
        }
        memset(edition, 0, sizeof *edition);
        edition->script = script;
        fhi_latch_init(&edition->entry);
        fhi_lock_acquire(&policy->lock);
        edition->next = script->all;
        script->all = edition;
        fhi_lock_release(&policy->lock);
    }
    /* Its counts go on: they are all versions' together. */
    edition->idle = NULL;
    edition->told = edition->line_count = edition->lines_lost = 0;
    memset(edition->failures, 0, sizeof edition->failures);
    atomic_store(&edition->hooks, 0);
    atomic_store(&edition->quarantined, 0);
    atomic_store(&edition->serial, 0);
    atomic_store(&edition->entered, 0);
    edition->name[0] = edition->notes[0] = '\0';
    edition->steps = NULL;
    atomic_store(&edition->number, 0);
    edition->step_count = 0;
    edition->carry_again = false;
    edition->from_number = edition->carry_ns = edition->carries = 0;
    edition->from_serial = edition->stepped = 0;
    return edition;
}

bool fhi_edition_drop(fhi_edition *edition, uint64_t wait_ns)
{
    fh_policy *policy = edition->script->policy;
    if (!fhi_edition_enter(edition, wait_ns)) {
        return false;
    }
    fhi_version *version = edition->version;
    edition->version = NULL;
    fhi_edition_leave(edition);
    policy->engine->destroy(version);
    fhi_lock_acquire(&policy->lock);
    edition->idle = edition->script->spare;
    edition->script->spare = edition;
    fhi_lock_release(&policy->lock);
    return true;
}

void fhi_edition_bury(fhi_edition *edition)
{
    if (edition) {
        fh_policy *policy = edition->script->policy;
        edition->idle = policy->dead;
        policy->dead = edition;
    }
}

void fhi_scripts_reap(fh_policy *policy)
{
    fhi_lock_acquire(&policy->lock);
    fhi_edition *dead = policy->dead;
    fhi_setting *spent = policy->spent;
    policy->dead = NULL;
    policy->spent = NULL;
    fhi_lock_release(&policy->lock);
    while (dead) {
        fhi_edition *edition = dead;
        dead = edition->idle;
        if (!fhi_edition_drop(edition, 0)) {
            /* A thread is inside yet: next time. */
            fhi_lock_acquire(&policy->lock);
            fhi_edition_bury(edition);
            fhi_lock_release(&policy->lock);
        }
    }
    fhi_settings_free(policy, spent);
}
