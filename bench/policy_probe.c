/* mkstemp() */
#define _POSIX_C_SOURCE 200809L

#include "policy_probe.h"

#include "script/decisions.h" /* the log alone is not for programs */

#include <freehold/freehold.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    SMALL = 256, /* bytes */
    RELOADS = 10000
};

typedef enum decider {
    NATIVE = 0, /* the native rules */
    BUDGET,     /* the ready-made budget policy, in C */
    ASKED,      /* a policy in C that is asked for every request */
    SCRIPT      /* one in Lua */
} decider;

typedef struct office_desc {
    decider decider;
    const char *text; /* SCRIPT */
    bool reloaded;    /* SCRIPT: the text was in a file that changed RELOADS times since */
} office_desc;

typedef struct office {
    fh_device *device;
    fh_budget_policy budget;
    fh_policy *policy;
} office;

static bool place_always(void *context, const fh_request *request, const fh_facts *facts,
                         fh_verdict *out_verdict)
{
    (void)context;
    (void)request;
    (void)facts;
    out_verdict->keep = FH_KEEP_NEVER;
    return true;
}

static void office_destroy(void *data)
{
    office *self = data;
    fh_policy_release(self->policy);
    fh_device_destroy(self->device);
    free(self);
}

static bool write_version(const char *path, const char *text, int version)
{
    FILE *file = fopen(path, "wb");
    bool ok = file && fprintf(file, "-- version %d\n%s\n", version, text) > 0;
    return file && fclose(file) == 0 && ok;
}

static fh_result load_and_reload(office *self, const char *text)
{
    char path[] = "/tmp/bench-policy-XXXXXX";
    int file = mkstemp(path);
    const fh_policy_desc desc = {.source = {.path = path}};
    bool ok = file >= 0 && close(file) == 0 && write_version(path, text, 0);
    fh_result result = ok ? fh_policy_load(self->device, &desc, &self->policy) : FH_ERR_IO;
    for (int i = 1; result == FH_OK && i <= RELOADS; i++) {
        result = write_version(path, text, i) ? fh_policy_reload(self->policy) : FH_ERR_IO;
        if (result == FH_OK) {
            result = fh_device_tick(self->device);
        }
    }
    remove(path);
    return result;
}

static fh_result office_init(office *self, const office_desc *desc)
{
    static const fh_policy_ops asked = {.name = "asked", .place = place_always};
    self->budget.limit = UINT64_C(1) << 32;
    fh_result result = fh_device_create(&(fh_device_desc){0}, &self->device);
    if (result == FH_OK && desc->decider == BUDGET) {
        result = fh_device_set_policy(self->device, fh_budget_policy_ops(), &self->budget);
    } else if (result == FH_OK && desc->decider == ASKED) {
        result = fh_device_set_policy(self->device, &asked, NULL);
    } else if (result == FH_OK && desc->reloaded) {
        result = load_and_reload(self, desc->text);
    } else if (result == FH_OK && desc->decider == SCRIPT) {
        const fh_policy_desc policy = {.source = {.text = desc->text, .name = "bench"}};
        result = fh_policy_load(self->device, &policy, &self->policy);
    }
    return result;
}

static void *office_create(const void *argument)
{
    office *self = calloc(1, sizeof *self);
    if (self && office_init(self, argument) != FH_OK) {
        fprintf(stderr, "bench: %s\n", fh_error_detail());
        office_destroy(self);
        return NULL;
    }
    return self;
}

#define PROBE(name_, count_, run_, scene_)                                                         \
    .name = (name_), .op_count = (count_), .create = office_create, .destroy = office_destroy,     \
    .argument = &(scene_), .run = (run_)

/* ---- a request ---- */

static bool run_pair(void *data, uint32_t count)
{
    office *self = data;
    const fh_buffer_desc desc = {.size = SMALL, .usage = FH_USAGE_STORAGE};
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        fh_parcel parcel;
        ok = fh_buffer_create(self->device, &desc, &parcel) == FH_OK && ok;
        ok = fh_parcel_release(self->device, parcel) == FH_OK && ok;
    }
    return ok;
}

#define LIMITS         "limits = function(self) return { total = self.options.limit } end,"
#define BUDGET_OPTIONS "options = { limit = { type = 'bytes', default = '4GiB' } },"

static const office_desc native = {.decider = NATIVE};
static const office_desc budget = {.decider = BUDGET};
static const office_desc asked = {.decider = ASKED};
#define CACHED                                                                                     \
    "return {" BUDGET_OPTIONS LIMITS "place = function(self, request)"                             \
    "  if request.size_min >= 24 * MiB then return { dedicated = 'prefer' } end "                  \
    "end }"
#define UNCACHED                                                                                   \
    "local verdict = { dedicated = 'never', keep = 'never' } "                                     \
    "return {" BUDGET_OPTIONS LIMITS "place = function(self, request)"                             \
    "  if request.size > 100 and request.priority < 2 then return verdict end "                    \
    "end }"

static const office_desc cached = {.decider = SCRIPT, .text = CACHED};
static const office_desc uncached = {.decider = SCRIPT, .text = UNCACHED};
static const office_desc reloaded_cached = {.decider = SCRIPT, .text = CACHED, .reloaded = true};
static const office_desc reloaded = {.decider = SCRIPT, .text = UNCACHED, .reloaded = true};

static const bench_probe place_probes[] = {
    {PROBE("native budget policy", 50000, run_pair, budget)},
    {PROBE("Lua budget policy, cached", 50000, run_pair, cached), .against = 1, .asked = 1.05},
    {PROBE("C policy, asked each time", 50000, run_pair, asked), .against = 1},
    {PROBE("Lua, asked each time, two facts (+ 200 ns asked)", 50000, run_pair, uncached),
     .against = 1},
    {.name = NULL},
};

/* ---- a tick ---- */

static bool run_tick(void *data, uint32_t count)
{
    office *self = data;
    bool ok = true;
    for (uint32_t i = 0; i < count; i++) {
        ok = fh_device_tick(self->device) == FH_OK && ok;
    }
    return ok;
}

static const office_desc framed = {
    .decider = SCRIPT,
    .text = "return { frame = function(self, stats, facts)"
            "  local state = self.state "
            "  state.use = freehold.policy.ema(state.use, facts.used, 0.1) "
            "  return { evict_cap = 64 * MiB } "
            "end }",
};

static const bench_probe tick_probes[] = {
    {PROBE("tick, native rules", 5000, run_tick, native)},
    {PROBE("tick, native budget policy", 5000, run_tick, budget), .against = 1},
    {PROBE("tick, Lua frame hook with state", 5000, run_tick, framed), .against = 1},
    {.name = NULL},
};

/* ---- what nothing slows ---- */

static const bench_probe reload_probes[] = {
    {PROBE("Lua, cached", 50000, run_pair, cached)},
    {PROBE("Lua, cached, after 10,000 reloads", 50000, run_pair, reloaded_cached), .against = 1},
    {PROBE("Lua, asked each time", 50000, run_pair, uncached)},
    {PROBE("Lua, asked each time, after 10,000 reloads", 50000, run_pair, reloaded), .against = 3},
    {.name = NULL},
};

/* ---- the decision log ---- */

static void *log_create(const void *argument)
{
    fhi_decision_log *log = aligned_alloc(64, sizeof *log);
    (void)argument;
    if (log) {
        fhi_decision_log_init(log);
    }
    return log;
}

static bool run_log(void *data, uint32_t count)
{
    static const fhi_decided decided = {.hook = FH_HOOK_PLACE, .outcome = FH_OUTCOME_DECIDED};
    static const fh_request request = {.kind = FH_KIND_TEXTURE, .size = 1 << 20};
    static const fh_verdict verdict = {.has_dedicated = true, .dedicated = FH_DEDICATED_PREFER};
    for (uint32_t i = 0; i < count; i++) {
        fhi_decision_log_add(data, &decided, &request, &verdict);
    }
    return true;
}

static const bench_probe log_probes[] = {
    {.name = "a decision of place is logged (40 ns asked)",
     .op_count = 50000,
     .create = log_create,
     .destroy = free,
     .run = run_log},
    {.name = NULL},
};

const bench_probe_group bench_policy_probes[] = {
    {"policy", "one small buffer, created and released, by who decides", place_probes},
    {"tick", "a tick without anything to do, by who decides", tick_probes},
    {"reloads", "one small buffer, created and released, by how often the policy changed",
     reload_probes},
    {"log", "the decision log, alone", log_probes},
    {.name = NULL},
};
