/* Making a version: the box, the script's text run in it once, and what it returned, checked. */

#include "sandbox/version.h"

#include "sandbox/env.h"
#include "sandbox/report.h"

#include "base/host.h"

#include <stdio.h>
#include <string.h>

static void note(fhi_version *version, const char *text)
{
    size_t used = strlen(version->notes);
    size_t size = strlen(text);
    size_t at = used > 0 ? used + 1 : 0;
    if (at + size < sizeof version->notes) {
        memcpy(version->notes + at, text, size + 1);
        if (used > 0) {
            version->notes[used] = '\n';
        }
    }
}

static void note_hooks(fhi_version *version)
{
    char text[80];
    for (int hook = 0; hook < FH_HOOK_COUNT; hook++) {
        if ((version->hooks >> hook & 1) != 0 && !fhi_hook_contracts[hook].called) {
            snprintf(text, sizeof text, "hook \"%s\": nothing asks it yet",
                     fhi_hook_contracts[hook].name);
            note(version, text);
        }
    }
}

/* A setting is an option's name, or "script.option". NULL: it is another script's. */
static const char *own_part(const fhi_version *version, const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot == NULL) {
        return name;
    }
    size_t size = (size_t)(dot - name);
    bool own = strlen(version->name) == size && memcmp(version->name, name, size) == 0;
    return own ? dot + 1 : NULL;
}

static void apply_settings(lua_State *L, fhi_version *version, const fhi_version_desc *desc)
{
    for (uint32_t i = 0; i < desc->setting_count; i++) {
        const fh_policy_setting *setting = &desc->settings[i];
        const char *name = own_part(version, setting->name);
        fhi_report report = {{0}};
        if (name == NULL || setting->value == NULL ||
            fhi_options_set(L, &version->options, name, setting->value, &report)) {
            continue;
        }
        char text[sizeof version->notes];
        snprintf(text, sizeof text, "set by hand, and left out: %.400s", report.text);
        note(version, text);
    }
}

/* ---- create ---- */

typedef struct loading {
    fhi_version *version;
    const fhi_version_desc *desc;
    fhi_report *report;
    bool loaded;
} loading;

static int set_up(lua_State *L)
{
    fhi_version *version = lua_touserdata(L, 1);
    fhi_facts_register(L, &version->scope);
    fhi_facts_register_light(L, &version->scope);
    fhi_decision_register(L);
    fhi_state_register(L, &version->state);
    fhi_extend_push(L);
    fhi_env_set(L, "extend");
    return 0;
}

static int load(lua_State *L)
{
    loading *l = lua_touserdata(L, 1);
    fhi_version *version = l->version;
    if (!fhi_level_load(L, version, 0, l->report)) {
        return 0;
    }
    apply_settings(L, version, l->desc);
    fhi_levels_finish(L, version);
    l->loaded = true;
    return 0;
}

static bool build(fhi_version *version, const fhi_engine_host *host, const fhi_version_desc *desc,
                  fhi_report *out_report)
{
    fhi_level *level = &version->levels[0];
    loading l = {version, desc, out_report, false};
    level->text = desc->text;
    level->size = desc->size;
    snprintf(level->path, sizeof level->path, "%s", desc->name);
    version->level_count = 1;
    version->reader.context = host->context;
    version->reader.tag = host->tag;
    version->reader.pool = host->pool;
    version->scope.context = host->context;
    version->scope.tag_name = host->tag_name;
    if (!fhi_box_init(&version->box, host, version)) {
        return fhi_report_print(out_report, "there is no host memory for a script");
    }
    version->box.chunk = level->path;
    if (fhi_box_run(&version->box, set_up, version, FHI_CHARGE_LOAD, out_report) !=
        FH_OUTCOME_DECIDED) {
        return false;
    }
    if (fhi_box_run(&version->box, load, &l, FHI_CHARGE_LOAD, out_report) != FH_OUTCOME_DECIDED) {
        return false;
    }
    level->text = NULL;
    note_hooks(version);
    return l.loaded;
}

fhi_version *fhi_version_create(const fhi_engine_host *host, const fhi_version_desc *desc,
                                fhi_report *out_report)
{
    fhi_report ignored;
    fhi_report *report = out_report != NULL ? out_report : &ignored;
    report->text[0] = '\0';
    if (desc->size > FHI_SOURCE_MAX) {
        fhi_report_print(report, "%s: a script has at most %d KiB", desc->name,
                         FHI_SOURCE_MAX / 1024);
        return NULL;
    }
    fhi_version *version = fhi_host_alloc(&host->memory, 1, sizeof *version, 64);
    if (version == NULL) {
        fhi_report_print(report, "there is no host memory for a script");
        return NULL;
    }
    memset(version, 0, sizeof *version);
    version->memory = host->memory;
    if (!build(version, host, desc, report)) {
        fhi_version_destroy(version);
        return NULL;
    }
    return version;
}

void fhi_version_destroy(fhi_version *version)
{
    if (version == NULL) {
        return;
    }
    fh_host_memory memory = version->memory;
    fhi_box_finish(&version->box);
    fhi_host_free(&memory, version, 1, sizeof *version, 64);
}
