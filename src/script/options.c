/* Options that are set by hand. What was set is remembered here, per script and name, with its
 * type: so that it can be set again in the next version, if that declares such an option.
 *
 * A value is tried at once, on the version that will be in force at the next tick, and taken back;
 * then it waits, for the tick sets it in all editions of the script that live. */

#include "base/error.h"
#include "base/host.h"
#include "script/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fhi_settings_free(fh_policy *policy, fhi_setting *list)
{
    while (list) {
        fhi_setting *next = list->next;
        fhi_host_free(&policy->memory, list, 1, sizeof *list, 64);
        list = next;
    }
}

static fhi_setting *make_setting(fh_policy *policy, uint32_t script, const char *name,
                                 fh_option_type type, const char *value)
{
    fhi_setting *setting = fhi_host_alloc(&policy->memory, 1, sizeof *setting, 64);
    if (setting) {
        memset(setting, 0, sizeof *setting);
        setting->script = script;
        setting->type = type;
        setting->is_default = value == NULL;
        snprintf(setting->name, sizeof setting->name, "%s", name);
        snprintf(setting->value, sizeof setting->value, "%s", value ? value : "");
    }
    return setting;
}

static const char *value_of(const fhi_setting *setting)
{
    return setting && !setting->is_default ? setting->value : NULL;
}

/* The place of the link to that script's setting; its end where there is none. */
static fhi_setting **find_setting(fh_policy *policy, uint32_t script, const char *name)
{
    fhi_setting **link = &policy->settings;
    while (*link && ((*link)->script != script || strcmp((*link)->name, name) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

/* ---- editions ---- */

/* Inside. */
static bool find_option(const fhi_edition *edition, const char *name, fh_option_info *out_info)
{
    const fhi_engine *engine = edition->script->policy->engine;
    uint32_t count = engine->option_count(edition->version);
    for (uint32_t i = 0; i < count; i++) {
        engine->option(edition->version, i, out_info);
        if (strcmp(out_info->name, name) == 0) {
            return true;
        }
    }
    return false;
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
note(fhi_edition *edition, const char *format, ...)
{
    size_t length = strlen(edition->notes);
    fhi_report report;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report.text, sizeof report.text, format, arguments);
    va_end(arguments);
    snprintf(edition->notes + length, sizeof edition->notes - length, "%s%s",
             length > 0 ? "\n" : "", report.text);
}

/* Inside. */
static void settle_one(fhi_edition *edition, const fhi_setting *setting)
{
    const fhi_engine *engine = edition->script->policy->engine;
    fh_option_info info;
    fhi_report report;
    if (!find_option(edition, setting->name, &info)) {
        note(edition, "option %s was set by hand, and is not there any more", setting->name);
    } else if (info.type != setting->type) {
        note(edition, "option %s was set by hand, and is of another type now: it has its default",
             setting->name);
    } else if (!engine->set_option(edition->version, setting->name, setting->value, &report)) {
        note(edition,
             "option %s was set by hand, to what it cannot be any more: it has its default",
             setting->name);
    }
}

void fhi_edition_settle(fhi_edition *edition)
{
    const fh_policy *policy = edition->script->policy;
    fhi_edition_enter(edition, UINT64_MAX);
    for (const fhi_setting *setting = policy->settings; setting; setting = setting->next) {
        if (setting->script == edition->script->index) {
            settle_one(edition, setting);
        }
    }
    fhi_edition_leave(edition);
}

/* ---- names ---- */

typedef struct fhi_targets {
    uint32_t mask; /* bit n: script n has it */
    fh_option_type types[FH_SCRIPT_MAX];
    const char *name; /* without the script's */
} fhi_targets;

/* The edition that will be in force at the next tick, entered. NULL: it is busy. */
static fhi_edition *enter_next(fhi_script *script)
{
    fh_policy *policy = script->policy;
    fhi_lock_acquire(&policy->lock);
    fhi_edition *next = script->going_back ? script->before : script->pending;
    fhi_lock_release(&policy->lock);
    /* It stays an edition of this script's while we change the policy: only we empty any. */
    if (!next) {
        return fhi_script_enter(script, FHI_PATIENCE_NS);
    }
    return fhi_edition_enter(next, FHI_PATIENCE_NS) ? next : NULL;
}

static fh_result fail_busy(const fhi_script *script)
{
    return fhi_fail_print(FH_ERR_BUSY, "the script %.200s is running, and did not end in time",
                          script->path);
}

/* Whether "script.option" names that script; then *out_name is the option's. */
static bool is_of(const fhi_edition *edition, const char *name, const char **out_name)
{
    size_t length = strlen(edition->name);
    if (length == 0 || strncmp(name, edition->name, length) != 0 || name[length] != '.') {
        return false;
    }
    *out_name = name + length + 1;
    return true;
}

static fh_result find_targets(fh_policy *policy, const char *name, bool qualified, fhi_targets *out)
{
    memset(out, 0, sizeof *out);
    out->name = name;
    for (uint32_t i = 0; i < policy->script_count; i++) {
        fh_option_info info;
        const char *option = name;
        fhi_edition *edition = enter_next(&policy->scripts[i]);
        if (!edition) {
            return fail_busy(&policy->scripts[i]);
        }
        if ((!qualified || is_of(edition, name, &option)) && find_option(edition, option, &info)) {
            out->mask |= UINT32_C(1) << i;
            out->types[i] = info.type;
            out->name = option;
        }
        fhi_edition_leave(edition);
    }
    return FH_OK;
}

/* Whether the value would do: it is set, and then again what was there, which need not be what was
 * set last: that may wait for the tick. */
static fh_result try_value(fhi_script *script, const char *name, const char *value)
{
    const fhi_engine *engine = script->policy->engine;
    fh_option_info before = {.by_hand = false};
    fhi_report report, unused;
    fhi_edition *edition = enter_next(script);
    if (!edition) {
        return fail_busy(script);
    }
    report.text[0] = '\0';
    find_option(edition, name, &before);
    bool can = engine->set_option(edition->version, name, value, &report);
    engine->set_option(edition->version, name, before.by_hand ? before.value : NULL, &unused);
    fhi_edition_leave(edition);
    return can ? FH_OK : fhi_fail_print(FH_ERR_INVALID, "%s", fhi_report_first(&report).text);
}

/* ---- setting ---- */

/* For each script that has it a node that waits and one that stays; or none at all. */
typedef struct fhi_nodes {
    fhi_setting *due[FH_SCRIPT_MAX], *kept[FH_SCRIPT_MAX];
} fhi_nodes;

static bool make_nodes(fh_policy *policy, const fhi_targets *targets, const char *value,
                       fhi_nodes *out)
{
    bool made = true;
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < policy->script_count && made; i++) {
        if ((targets->mask >> i & 1) == 0) {
            continue;
        }
        out->due[i] = make_setting(policy, i, targets->name, targets->types[i], value);
        out->kept[i] = make_setting(policy, i, targets->name, targets->types[i], value);
        made = out->due[i] && out->kept[i];
    }
    for (uint32_t i = 0; i < policy->script_count && !made; i++) {
        fhi_settings_free(policy, out->due[i]);
        fhi_settings_free(policy, out->kept[i]);
    }
    return made;
}

/* The setting is the changer's list's from now on; a default takes its place back. */
static void keep_setting(fh_policy *policy, fhi_setting *fresh)
{
    fhi_setting **link = find_setting(policy, fresh->script, fresh->name);
    fhi_setting *old = *link;
    if (old) {
        *link = old->next;
        old->next = NULL;
        fhi_settings_free(policy, old);
    }
    if (fresh->is_default) {
        fhi_settings_free(policy, fresh);
    } else {
        /* At the end: notes come in the order in which options were set. */
        while (*link) {
            link = &(*link)->next;
        }
        *link = fresh;
    }
}

static void let_wait(fh_policy *policy, fhi_setting *due)
{
    fhi_lock_acquire(&policy->lock);
    fhi_setting **link = &policy->due;
    while (*link) {
        link = &(*link)->next;
    }
    *link = due;
    atomic_store(&policy->work, true);
    fhi_lock_release(&policy->lock);
}

/* `at_once`: nobody uses the editions yet. */
static fh_result set_one(fh_policy *policy, const char *name, const char *value, bool at_once)
{
    fhi_targets targets;
    fhi_nodes nodes;
    if (value && strlen(value) >= FHI_OPTION_VALUE_SIZE) {
        return fhi_fail_with(FH_ERR_INVALID, "value: it is longer than {} bytes",
                             FHI_OPTION_VALUE_SIZE - 1, 0, 0);
    }
    fh_result result = find_targets(policy, name, false, &targets);
    if (result == FH_OK && targets.mask == 0) {
        result = find_targets(policy, name, true, &targets);
    }
    if (result == FH_OK && targets.mask == 0) {
        result =
            fhi_fail_print(FH_ERR_INVALID, "name: no script declares an option \"%.64s\"", name);
    }
    for (uint32_t i = 0; i < policy->script_count && result == FH_OK; i++) {
        if ((targets.mask >> i & 1) != 0) {
            result = try_value(&policy->scripts[i], targets.name, value);
        }
    }
    if (result != FH_OK) {
        return result;
    }
    if (!make_nodes(policy, &targets, value, &nodes)) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for an option's value");
    }
    for (uint32_t i = 0; i < policy->script_count; i++) {
        if (nodes.due[i]) {
            keep_setting(policy, nodes.kept[i]);
            let_wait(policy, nodes.due[i]);
        }
    }
    if (at_once) {
        fhi_settings_apply(policy);
    }
    return FH_OK;
}

fh_result fhi_settings_take(fh_policy *policy, const fh_policy_setting *settings, uint32_t count)
{
    fh_result result = FH_OK;
    for (uint32_t i = 0; i < count && result == FH_OK; i++) {
        if (!settings[i].name) {
            return fhi_fail_with(FH_ERR_INVALID, "settings: the one with index {} has no name", i,
                                 0, 0);
        }
        result = set_one(policy, settings[i].name, settings[i].value, true);
    }
    return result;
}

fh_result fh_policy_set_option(fh_policy *policy, const char *name, const char *value)
{
    if (!policy || !name) {
        return fhi_fail(FH_ERR_INVALID,
                        policy ? "name: must not be NULL" : "policy: must not be NULL");
    }
    fh_result result = fhi_change_begin(policy, true);
    if (result != FH_OK) {
        return result;
    }
    fhi_scripts_reap(policy);
    result = set_one(policy, name, value, false);
    fhi_change_end(policy);
    return result;
}

/* ---- at the tick ---- */

/* An edition that is NULL has it. False: it is busy. */
static bool apply_to(fhi_edition *edition, const fhi_setting *due, fhi_report *out_report,
                     bool *out_set)
{
    *out_set = true;
    if (!edition) {
        return true;
    }
    if (!fhi_edition_enter(edition, FHI_TICK_WAIT_NS)) {
        return false;
    }
    /* It may have been emptied since it was looked up. */
    const fhi_engine *engine = edition->script->policy->engine;
    *out_set = !edition->version ||
               engine->set_option(edition->version, due->name, value_of(due), out_report);
    fhi_edition_leave(edition);
    return true;
}

/* In force, or about to be, or what one could go back to. False: one of them is busy. Once more
 * does no harm. */
static bool apply(fh_policy *policy, const fhi_setting *due)
{
    fhi_script *script = &policy->scripts[due->script];
    fhi_report report, unused;
    bool set, other;
    report.text[0] = '\0';
    fhi_lock_acquire(&policy->lock);
    fhi_edition *current = atomic_load(&script->current);
    fhi_edition *rest[] = {script->before, script->pending};
    fhi_lock_release(&policy->lock);
    if (!apply_to(current, due, &report, &set) || !apply_to(rest[0], due, &unused, &other) ||
        !apply_to(rest[1], due, &unused, &other)) {
        return false;
    }
    if (!set) {
        fhi_scripts_say(policy, FH_LOG_WARNING, "%s: option %s: %s", policy->name, due->name,
                        fhi_report_first(&report).text);
    }
    return true;
}

bool fhi_settings_apply(fh_policy *policy)
{
    bool any = false;
    for (;;) {
        fhi_lock_acquire(&policy->lock);
        fhi_setting *due = policy->due;
        fhi_lock_release(&policy->lock);
        if (!due) {
            return any;
        }
        if (!apply(policy, due)) {
            atomic_store(&policy->work, true); /* next time */
            return any;
        }
        any = true;
        fhi_lock_acquire(&policy->lock);
        policy->due = due->next;
        due->next = policy->spent;
        policy->spent = due;
        fhi_lock_release(&policy->lock);
    }
}

/* ---- looking ---- */

static fh_result list_options(fhi_script *script, fh_option_info *out_options, uint32_t capacity,
                              uint32_t *count)
{
    const fhi_engine *engine = script->policy->engine;
    fhi_edition *edition = fhi_script_enter(script, FHI_PATIENCE_NS);
    if (!edition) {
        return fail_busy(script);
    }
    uint32_t its = engine->option_count(edition->version);
    for (uint32_t i = 0; i < its; i++, ++*count) {
        if (*count < capacity) {
            engine->option(edition->version, i, &out_options[*count]);
            out_options[*count].script = script->index;
        }
    }
    fhi_edition_leave(edition);
    return FH_OK;
}

fh_result fh_policy_options(fh_policy *policy, fh_option_info *out_options, uint32_t capacity,
                            uint32_t *out_count)
{
    if (!out_count) {
        return fhi_fail(FH_ERR_INVALID, "out_count: must not be NULL");
    }
    *out_count = 0;
    if (!policy || (capacity > 0 && !out_options)) {
        return fhi_fail(FH_ERR_INVALID,
                        policy ? "out_options: must not be NULL when there is a capacity"
                               : "policy: must not be NULL");
    }
    fh_result result = fhi_check_outside(policy);
    uint32_t count = 0;
    for (uint32_t i = 0; i < policy->script_count && result == FH_OK; i++) {
        result = list_options(&policy->scripts[i], out_options, capacity, &count);
    }
    *out_count = result == FH_OK ? count : 0;
    return result;
}
