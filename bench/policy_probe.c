#include "policy_probe.h"

#include <freehold/freehold.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    SMALL = 256 /* bytes */
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

static fh_result office_init(office *self, const office_desc *desc)
{
    static const fh_policy_ops asked = {.name = "asked", .place = place_always};
    self->budget.limit = UINT64_C(1) << 32;
    fh_result result = fh_device_create(&(fh_device_desc){0}, &self->device);
    if (result == FH_OK && desc->decider == BUDGET) {
        result = fh_device_set_policy(self->device, fh_budget_policy_ops(), &self->budget);
    } else if (result == FH_OK && desc->decider == ASKED) {
        result = fh_device_set_policy(self->device, &asked, NULL);
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
static const office_desc cached = {
    .decider = SCRIPT,
    .text = "return {" BUDGET_OPTIONS LIMITS "place = function(self, request)"
            "  if request.size_min >= 24 * MiB then return { dedicated = 'prefer' } end "
            "end }",
};
static const office_desc uncached = {
    .decider = SCRIPT,
    .text = "local verdict = { dedicated = 'never', keep = 'never' } "
            "return {" BUDGET_OPTIONS LIMITS "place = function(self, request)"
            "  if request.size > 100 and request.priority < 2 then return verdict end "
            "end }",
};

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

const bench_probe_group bench_policy_probes[] = {
    {"policy", "one small buffer, created and released, by who decides", place_probes},
    {"tick", "a tick without anything to do, by who decides", tick_probes},
    {.name = NULL},
};
