#include "scenario.h"

#include <freehold/freehold.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MIB = 1 << 20,
    BUFFERS = 64
};

typedef struct scenario {
    fh_device *device;
    fh_policy *policy;
    fh_policy_status *status;
    fh_parcel buffers[BUFFERS];
    uint32_t count;
    char path[512];
    char *trouble;
    size_t capacity;
} scenario;

static bool fail(scenario *s, const char *what, const char *more)
{
    snprintf(s->trouble, s->capacity, "%s: %s", what, more);
    return false;
}

/* One step that must succeed. */
static bool did(scenario *s, const char *what, fh_result result)
{
    return result == FH_OK || fail(s, what, fh_error_detail());
}

/* Hooks that use what a script has: strings, tables, errors that are caught and, once the first
 * tick has come, such that are not, and a loop that has to be stopped. A function that was taken
 * from the host's Lua would crash here. */
#define HOOKS                                                                                      \
    "place = function(self, request)\n"                                                            \
    "    local words = table.pack(('device'):rep(2, ','):byte(1, -1))\n"                           \
    "    local done, why = pcall(error, 'caught ' .. math.floor(#words / 2), 0)\n"                 \
    "    assert(not done and why == 'caught 6', why)\n"                                            \
    "    return { memory = request.kind == 'buffer' and 'device' or 'host' }\n"                    \
    "end,\n"                                                                                       \
    "frame = function(self)\n"                                                                     \
    "    self.state.live = true\n"                                                                 \
    "end,\n"                                                                                       \
    "relieve = function(self, request)\n"                                                          \
    "    if self.state.live then error('relief is ' .. request.kind) end\n"                        \
    "end,\n"                                                                                       \
    "retain = function(self, block)\n"                                                             \
    "    while self.state.live do pcall(string.rep, 'x', 1000) end\n"                              \
    "end,\n"                                                                                       \
    "migrate = function()\n"                                                                       \
    "    return {}\n"                                                                              \
    "end,\n"

static bool write_policy(scenario *s, const char *limits)
{
    FILE *file = fopen(s->path, "w");
    if (!file) {
        return fail(s, s->path, "cannot be written");
    }
    fprintf(file, "return { name = 'file', limits = function() return %s end, %s }\n", limits,
            HOOKS);
    return fclose(file) == 0 || fail(s, s->path, "cannot be written");
}

/* Buffers of a MiB until there is no more; there must be `wanted` then. */
static bool fill(scenario *s, const char *when, uint32_t wanted)
{
    const fh_buffer_desc desc = {.size = MIB, .usage = FH_USAGE_STORAGE};
    fh_result result = FH_OK;
    while (s->count < BUFFERS) {
        result = fh_buffer_create(s->device, &desc, &s->buffers[s->count]);
        if (result != FH_OK) {
            break;
        }
        s->count++;
    }
    if (result == FH_ERR_BUDGET && s->count == wanted) {
        return true;
    }
    char more[256];
    snprintf(more, sizeof more, "%u buffers, not %u, and %s", (unsigned)s->count, (unsigned)wanted,
             fh_result_name(result));
    return fail(s, when, more);
}

static bool look(scenario *s)
{
    return did(s, "status", fh_policy_get_status(s->policy, s->status));
}

static void release_all(scenario *s)
{
    while (s->count > 0) {
        fh_parcel_release(s->device, s->buffers[--s->count]);
    }
}

static bool from_a_text(scenario *s)
{
    static const char text[] =
        "return {\n"
        "options = { limit = { type = 'bytes', default = '4MiB' } },\n"
        "limits = function(self) return { total = self.options.limit } end,\n" HOOKS "}\n";
    const fh_policy_desc desc = {.source = {.text = text, .name = "host"}};
    if (!did(s, "loading a text", fh_policy_load(s->device, &desc, &s->policy)) ||
        !fill(s, "with a text", 4) ||
        !did(s, "an option", fh_policy_set_option(s->policy, "limit", "8MiB")) ||
        !did(s, "tick", fh_device_tick(s->device)) || !fill(s, "with an option", 8) || !look(s)) {
        return false;
    }
    const fh_script_status *script = &s->status->scripts[0];
    if (script->hooks[FH_HOOK_PLACE].decided == 0 || script->hooks[FH_HOOK_PLACE].failed != 0) {
        return fail(s, "place did not decide", script->error);
    }
    if (script->hooks[FH_HOOK_RELIEVE].failed == 0 || !strstr(script->error, "relief is buffer")) {
        return fail(s, "relieve did not fail", script->error);
    }
    release_all(s);
    if (!did(s, "tick", fh_device_tick(s->device)) || !look(s)) {
        return false;
    }
    return script->hooks[FH_HOOK_RETAIN].failed > 0 ||
           fail(s, "retain was not stopped", script->error);
}

static bool from_a_file(scenario *s)
{
    fh_policy_release(s->policy);
    s->policy = NULL;
    const fh_policy_desc desc = {.source = {.path = s->path}};
    if (!write_policy(s, "{ total = '10MiB' }") ||
        !did(s, "loading a file", fh_policy_load(s->device, &desc, &s->policy)) ||
        !fill(s, "with a file", 10) || !write_policy(s, "{ total = '12MiB' }") ||
        !did(s, "reloading", fh_policy_reload(s->policy)) || !fill(s, "before the tick", 10) ||
        !did(s, "tick", fh_device_tick(s->device)) || !fill(s, "reloaded", 12) || !look(s)) {
        return false;
    }
    const fh_script_status *script = &s->status->scripts[0];
    if (script->version != 2 || strcmp(script->name, "file") != 0) {
        return fail(s, "not the second version of the file", script->name);
    }

    /* What is wrong is not taken. */
    if (!write_policy(s, "{ totall = 1 }")) {
        return false;
    }
    if (fh_policy_reload(s->policy) != FH_ERR_SCRIPT) {
        return fail(s, "a broken file was taken", fh_error_detail());
    }
    return did(s, "tick", fh_device_tick(s->device)) && fill(s, "broken", 12);
}

/* The log has both versions' limits, and where buffers went. */
static bool decisions(scenario *s)
{
    fh_decision *log = calloc(FH_DECISION_LOG, sizeof *log);
    uint32_t count = 0;
    bool placed = false, limited = false;
    if (!log ||
        !did(s, "decisions", fh_policy_decisions(s->policy, 0, log, FH_DECISION_LOG, &count))) {
        free(log);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool decided = log[i].outcome == FH_OUTCOME_DECIDED;
        placed |= decided && log[i].hook == FH_HOOK_PLACE && log[i].line == 5;
        limited |= decided && log[i].hook == FH_HOOK_LIMITS && log[i].version == 2 &&
                   log[i].answer.limits.total == 12 * MIB;
    }
    free(log);
    return (placed && limited) || fail(s, "the log", placed ? "no limits" : "no place");
}

bool scenario_run(const char *folder, char *out_trouble, size_t capacity)
{
    out_trouble[0] = '\0';
    scenario s = {.trouble = out_trouble, .capacity = capacity};
    snprintf(s.path, sizeof s.path, "%s/scenario.lua", folder);
    s.status = calloc(1, sizeof *s.status);
    bool done = s.status && did(&s, "a device", fh_device_create(&(fh_device_desc){0}, &s.device));
    done = done && from_a_text(&s) && from_a_file(&s) && decisions(&s);
    release_all(&s);
    fh_policy_release(s.policy);
    fh_device_destroy(s.device);
    free(s.status);
    return done;
}
