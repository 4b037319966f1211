/* Asking a script under test: tables into the core's structs, and its answer out again. */

#include "binding/policy_test.h"

#include "binding/check.h"
#include "binding/contract.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/policy_order.h"
#include "binding/policy_status.h"
#include "binding/result.h"
#include "device/verdict.h"

#include <string.h>

/* Whatever a hook may answer. */
typedef union answer {
    fh_verdict verdict;
    fhi_reliefs reliefs;
    fh_limits limits;
    fh_frame_decision frame;
    fh_pressure_decision pressure;
    fh_retain_decision retain;
    fh_recycle_decision recycle;
    fh_alias_decision alias;
    fh_defrag_decision defrag;
} answer;

/* And be asked about. */
typedef union input {
    fh_request request;
    fh_frame_facts frame;
    fh_pressure pressure;
    fh_block_facts block;
    fh_recycle_facts cache;
    fh_alias_facts graph;
    fh_defrag_facts gaps;
} input;

/* A test's pool is the place of its name. */
static const char *pool_name(void *context, const fh_pool *pool)
{
    (void)context;
    return (const char *)(const void *)pool;
}

static void push_lines(lua_State *L, const fhi_test_log *log)
{
    lua_createtable(L, (int)log->count, 0);
    for (uint32_t i = 0; i < log->count; i++) {
        lua_pushstring(L, log->lines[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

void fhi_push_call_info(lua_State *L, fhi_lua_policy_test *self, const fhi_call *call)
{
    lua_createtable(L, 0, 6);
    fhi_set_text(L, "outcome", fhi_outcome_names[call->outcome]);
    fhi_set_integer(L, "charge", call->charge);
    if (call->line != 0) {
        fhi_set_integer(L, "line", call->line);
    }
    if (call->uncached != NULL) {
        fhi_set_text(L, "uncached", call->uncached);
    }
    fhi_push_lines(L, self->engine->notes(self->version));
    lua_setfield(L, -2, "notes");
    push_lines(L, &self->log);
    lua_setfield(L, -2, "log");
}

/* A call of a hook ended: what there is to return, under which `answer` may be on top. */
static int push_end(lua_State *L, fhi_lua_policy_test *self, const fhi_call *call)
{
    if (call->outcome != FH_OUTCOME_DECIDED && call->outcome != FH_OUTCOME_NOTHING) {
        return fhi_push_report(L, FH_ERR_SCRIPT, call->report);
    }
    if (call->outcome == FH_OUTCOME_NOTHING) {
        lua_pushnil(L);
    }
    fhi_push_call_info(L, self, call);
    return 2;
}

/* Call the hook, if there is one. */
static void call_hook(fhi_lua_policy_test *self, fh_hook hook, const void *about, void *out,
                      fhi_call *call)
{
    fhi_test_log_forget(&self->log);
    call->outcome = FH_OUTCOME_NOTHING;
    if ((self->engine->hooks(self->version) >> hook & 1) != 0) {
        call->outcome = self->engine->call(self->version, hook, about, &self->facts, out, call);
        call->uncached = hook == FH_HOOK_PLACE ? call->uncached : NULL; /* else nothing is cached */
    }
}

static int ask(lua_State *L, fhi_lua_policy_test *self, fh_hook hook, const void *about)
{
    fhi_report report = {""};
    fhi_call call = {.report = &report};
    answer answered;
    memset(&answered, 0, sizeof answered);
    call_hook(self, hook, about, &answered, &call);
    if (call.outcome == FH_OUTCOME_DECIDED) {
        const fhi_facts_scope scope = {
            .context = self, .tag_name = fhi_test_tag_name, .pool_name = pool_name};
        fhi_decision_push(L, hook, &answered, &scope);
    }
    return push_end(L, self, &call);
}

static bool has_field(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    bool has = lua_rawget(L, 2) != LUA_TNIL;
    lua_pop(L, 1);
    return has;
}

/* What a request is when the test does not say. */
static void default_request(const fhi_lua_policy_test *self, fh_hook hook, fh_request *request)
{
    request->tag_name = request->name = "";
    request->alignment = 256;
    request->type_mask = self->type_mask;
    request->priority = 0.5f;
    if (hook == FH_HOOK_RELIEVE) {
        request->reason = FH_ERR_BUDGET;
        request->attempt = 1;
    }
}

/* The class's bounds and the size follow from each other, as in a device. */
static void complete_request(lua_State *L, fhi_lua_policy_test *self, fh_request *request)
{
    bool has_min = has_field(L, "size_min"), has_max = has_field(L, "size_max");
    fhi_steps steps = {.count = 0};
    const uint64_t *sizes = self->engine->place_steps(self->version, &steps.count);
    if (steps.count > FHI_PLACE_STEPS) {
        steps.count = FHI_PLACE_STEPS;
    }
    for (uint32_t i = 0; i < steps.count; i++) {
        steps.sizes[i] = sizes[i];
    }
    if (!has_field(L, "size")) {
        request->size = request->size_min;
    }
    uint64_t min, max;
    fhi_class_bounds(&steps, request->size, &min, &max);
    request->size_min = has_min ? request->size_min : min;
    request->size_max = has_max ? request->size_max : max;
    request->tag_name = fhi_test_tag_name(self, request->tag);
    if (request->kind == FH_KIND_TEXTURE) {
        uint32_t *const counts[] = {&request->width,  &request->height, &request->depth,
                                    &request->layers, &request->mips,   &request->samples};
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            *counts[i] = *counts[i] != 0 ? *counts[i] : 1;
        }
    }
}

/* Any hook but `evict` and `migrate`; what it is asked about is the table at index 2, if any. */
static bool is_empty_table(lua_State *L, int index)
{
    lua_pushnil(L);
    if (!lua_istable(L, index) || lua_next(L, index) != 0) {
        lua_settop(L, index);
        return false;
    }
    return true;
}

static int ask_about(lua_State *L, fh_hook hook)
{
    fhi_lua_policy_test *self = fhi_check_policy_test(L);
    const fhi_shape *shape = fhi_hook_contracts[hook].input;
    input about;
    memset(&about, 0, sizeof about);
    lua_settop(L, 2);
    if (shape == NULL && !lua_isnil(L, 2) && !is_empty_table(L, 2)) {
        luaL_argerror(L, 2, "this hook is asked about the facts alone: see facts()");
    }
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    fhi_check_table(L, 2, shape != NULL ? shape->name : "facts");
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    bool is_request = hook == FH_HOOK_PLACE || hook == FH_HOOK_RELIEVE;
    if (is_request) {
        default_request(self, hook, &about.request);
    }
    if (shape != NULL) {
        fhi_facts_read_table(L, 2, shape, &about, fhi_test_tag, self);
    }
    if (is_request) {
        complete_request(L, self, &about.request);
    }
    return ask(L, self, hook, shape != NULL ? &about : NULL);
}

#define HOOK(name, NAME)                                                                           \
    int fhi_test_##name(lua_State *L)                                                              \
    {                                                                                              \
        return ask_about(L, FH_HOOK_##NAME);                                                       \
    }

HOOK(place, PLACE)
HOOK(relieve, RELIEVE)
HOOK(limits, LIMITS)
HOOK(frame, FRAME)
HOOK(pressure, PRESSURE)
HOOK(retain, RETAIN)
HOOK(recycle, RECYCLE)
HOOK(alias, ALIAS)
HOOK(defrag, DEFRAG)
#undef HOOK

/* test:evict { candidates = { … }, wanted = … }: their positions, in order */
int fhi_test_evict(lua_State *L)
{
    fhi_lua_policy_test *self = fhi_check_policy_test(L);
    lua_settop(L, 2);
    fhi_check_table(L, 2, "options");
    if (self->version == NULL) {
        return fhi_push_test_closed(L);
    }
    fhi_sorted sorted;
    fhi_read_candidates(L, 2, fhi_test_tag, self, &sorted);
    fhi_report report = {""};
    fhi_call call = {.report = &report};
    fh_evict_order order = {.keys = sorted.keys};
    call_hook(self, FH_HOOK_EVICT, &sorted.candidates, &order, &call);
    if (call.outcome == FH_OUTCOME_DECIDED) {
        fhi_push_order(L, &sorted, &order);
    }
    return push_end(L, self, &call);
}
