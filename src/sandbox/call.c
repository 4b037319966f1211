/* Calling a hook, from the facts to the decision. All that a call of `place` does but for running
 * the hook must take less than a tenth of a microsecond, so everything that can be looked up was
 * looked up when the version was made: functions and selves are numbers in the registry, and facts
 * are not made for a hook that has no parameter for them. The function of `place` is called without
 * a body of ours around it: pushing its arguments raises nothing, and nor does reading a verdict
 * that is right and simple; any other one is read by a body.
 *
 * What the hook wrote into the state holds when all of it went well, its answer included. */

#include "sandbox/contract.h"
#include "sandbox/report.h"
#include "sandbox/value.h"
#include "sandbox/version.h"

#include "base/compiler.h"

#include <math.h>
#include <string.h>

enum {
    CANDIDATE_UNITS = 40 /* for calling `evict` once more, besides what it does */
};

typedef struct asked {
    fhi_version *version;
    fh_hook hook;
    const void *input;
    const fh_facts *facts;
    void *answer;
    bool decided;
    bool returned; /* the hook did; what fails then is its answer */
} asked;

static const size_t answer_sizes[FH_HOOK_COUNT] = {
    [FH_HOOK_PLACE] = sizeof(fh_verdict),
    [FH_HOOK_RELIEVE] = sizeof(fhi_reliefs),
    [FH_HOOK_LIMITS] = sizeof(fh_limits),
    [FH_HOOK_FRAME] = sizeof(fh_frame_decision),
    [FH_HOOK_PRESSURE] = sizeof(fh_pressure_decision),
    [FH_HOOK_RETAIN] = sizeof(fh_retain_decision),
    [FH_HOOK_RECYCLE] = sizeof(fh_recycle_decision),
    [FH_HOOK_EVICT] = sizeof(fh_evict_order),
    [FH_HOOK_ALIAS] = sizeof(fh_alias_decision),
    [FH_HOOK_DEFRAG] = sizeof(fh_defrag_decision),
};

/* What the hook that runs read that may differ the next time. */
static const char *uncached(const fhi_version *version)
{
    return version->scope.uncached != NULL ? version->scope.uncached : version->box.impure;
}

/* ---- inside of the box ---- */

/* Returns how many there are. */
static int push_arguments(lua_State *L, const asked *a)
{
    fhi_version *version = a->version;
    const fhi_ready_hook *ready = &version->ready[a->hook];
    int count = 1;
    lua_rawgeti(L, LUA_REGISTRYINDEX, ready->self_ref);
    if (ready->takes_input) {
        fhi_facts_push_light(L, &version->scope, FHI_LIGHT_INPUT, ready->input, a->input, NULL);
        count++;
    }
    if (ready->takes_facts) {
        fhi_facts_push_light(L, &version->scope, FHI_LIGHT_FACTS, version->facts, a->facts,
                             a->hook == FH_HOOK_PLACE ? fhi_shape_facts.name : NULL);
        count++;
    }
    return count;
}

static int run_hook(lua_State *L)
{
    asked *a = lua_touserdata(L, 1);
    fhi_version *version = a->version;
    const fhi_hook_contract *contract = &fhi_hook_contracts[a->hook];
    fhi_state_begin(L, &version->state, contract->writes_state);
    lua_rawgeti(L, LUA_REGISTRYINDEX, version->ready[a->hook].function_ref);
    fhi_box_call(L, push_arguments(L, a), 1);
    a->returned = true;
    a->decided = fhi_decision_read(L, -1, a->hook, &version->reader, a->facts, a->answer);
    return 0;
}

/* The answer of `place`, which was called already. */
static int read_verdict(lua_State *L)
{
    asked *a = lua_touserdata(L, 2);
    a->decided = fhi_decision_read(L, 1, a->hook, &a->version->reader, a->facts, a->answer);
    return 0;
}

static double read_key(lua_State *L)
{
    static const fhi_path path = {.root = "evict"};
    if (lua_isnil(L, -1)) {
        return NAN;
    }
    double key = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
    if (isnan(key)) {
        fhi_refuse_value(L, lua_gettop(L), &path, "a number for each candidate, or nil for never,");
    }
    return key;
}

/* `evict` as a function: one cursor moves over the candidates. */
static int run_evict(lua_State *L)
{
    asked *a = lua_touserdata(L, 1);
    fhi_version *version = a->version;
    const fh_candidates *candidates = a->input;
    const fhi_ready_hook *ready = &version->ready[FH_HOOK_EVICT];
    fh_evict_order *order = a->answer;
    fhi_state_begin(L, &version->state, false);
    lua_rawgeti(L, LUA_REGISTRYINDEX, ready->function_ref);
    lua_rawgeti(L, LUA_REGISTRYINDEX, ready->self_ref);
    fhi_facts_push_candidates(L, candidates);
    if (ready->takes_facts) {
        fhi_facts_push_light(L, &version->scope, FHI_LIGHT_FACTS, version->facts, a->facts, NULL);
    } else {
        lua_pushnil(L);
    }
    int function = lua_absindex(L, -4);
    for (uint32_t i = 0; i < candidates->count; i++) {
        fhi_charge(L, CANDIDATE_UNITS);
        fhi_facts_move(L, function + 2, i);
        lua_pushvalue(L, function);
        lua_pushvalue(L, function + 1);
        lua_pushvalue(L, function + 2);
        lua_pushvalue(L, function + 3);
        a->returned = false;
        fhi_box_call(L, 3, 1);
        a->returned = true;
        order->keys[i] = read_key(L);
        lua_pop(L, 1);
    }
    order->use_keys = true;
    a->decided = true;
    return 0;
}

static int undo(lua_State *L)
{
    fhi_version *version = lua_touserdata(L, 1);
    fhi_state_end(L, &version->state, false);
    return 0;
}

/* ---- outside ---- */

static void clear_answer(fh_hook hook, void *answer)
{
    double *keys = hook == FH_HOOK_EVICT ? ((fh_evict_order *)answer)->keys : NULL;
    memset(answer, 0, answer_sizes[hook]);
    if (keys != NULL) {
        ((fh_evict_order *)answer)->keys = keys;
    }
}

/* `place` without a body. */
static fh_outcome run_place(fhi_box *box, asked *a, fhi_report *report)
{
    fhi_version *version = a->version;
    const fhi_ready_hook *ready = &version->ready[FH_HOOK_PLACE];
    lua_State *L = box->L;
    if (FHI_UNLIKELY(version->state.pending)) {
        return fhi_box_run(box, run_hook, a, FHI_CHARGE_HOOK, report);
    }
    int handler = fhi_box_begin(box, FHI_CHARGE_HOOK, report);
    fhi_state_begin(L, &version->state, false);
    lua_rawgeti(L, LUA_REGISTRYINDEX, ready->function_ref);
    int status = fhi_box_call_outside(box, push_arguments(L, a), handler);
    if (FHI_LIKELY(status == LUA_OK)) {
        a->returned = true;
        if (FHI_UNLIKELY(!fhi_decision_read_verdict(L, -1, ready->decision, &version->reader,
                                                    &a->decided, a->answer))) {
            lua_pushcfunction(L, read_verdict);
            lua_insert(L, -2);
            lua_pushlightuserdata(L, a);
            status = lua_pcall(L, 2, 0, handler);
        }
    }
    return fhi_box_end(box, status, handler);
}

/* Run `body`, or `place` when it is NULL, and keep or undo what it did to the state. */
static fh_outcome run(fhi_version *version, lua_CFunction body, void *argument,
                      uint64_t charge_limit, fhi_call *call)
{
    fhi_box *box = &version->box;
    uint64_t random[sizeof box->random / sizeof box->random[0]];
    if (call->dry) {
        memcpy(random, box->random, sizeof random);
    }
    box->dry = call->dry;
    box->impure = NULL;
    version->scope.uncached = NULL;
    fhi_facts_begin(&version->scope);
    fh_outcome outcome = body != NULL ? fhi_box_run(box, body, argument, charge_limit, call->report)
                                      : run_place(box, argument, call->report);
    fhi_facts_end(&version->scope);
    call->outcome = outcome;
    call->line = box->line;
    call->charge = box->meter.charge > UINT32_MAX ? UINT32_MAX : (uint32_t)box->meter.charge;
    call->stopped_by_time = box->meter.stop == FHI_STOP_TIME;
    call->stopped_by_memory = box->meter.stop == FHI_STOP_MEMORY;
    call->uncached = uncached(version);
    if (outcome == FH_OUTCOME_DECIDED && !call->dry) {
        fhi_state_end(box->L, &version->state, true);
    } else if (version->state.changed) {
        /* If there is no memory even for that, the next call tries again. */
        fhi_box_run(box, undo, version, FHI_CHARGE_LOAD, NULL);
    }
    if (call->dry) {
        memcpy(box->random, random, sizeof random);
    }
    box->dry = false;
    return outcome;
}

static fh_outcome no_call(fhi_call *call, fh_outcome outcome)
{
    call->outcome = outcome;
    call->line = 0;
    call->charge = 0;
    call->stopped_by_time = call->stopped_by_memory = false;
    call->uncached = NULL;
    return outcome;
}

static fh_outcome order_by_columns(const fhi_version *version, fh_evict_order *out_order,
                                   fhi_call *call)
{
    double *keys = out_order->keys;
    *out_order = version->columns;
    out_order->keys = keys;
    return no_call(call, FH_OUTCOME_DECIDED);
}

fh_outcome fhi_version_call(fhi_version *version, fh_hook hook, const void *input,
                            const fh_facts *facts, void *out_answer, fhi_call *call)
{
    clear_answer(hook, out_answer);
    if (hook == FH_HOOK_MIGRATE || (version->hooks >> hook & 1) == 0) {
        return no_call(call, FH_OUTCOME_NOTHING);
    }
    if (hook == FH_HOOK_EVICT && version->orders_by_columns) {
        return order_by_columns(version, out_answer, call);
    }
    asked a = {
        .version = version, .hook = hook, .input = input, .facts = facts, .answer = out_answer};
    bool is_evict = hook == FH_HOOK_EVICT;
    lua_CFunction body = is_evict ? run_evict : run_hook;
    fh_outcome outcome = run(version, hook == FH_HOOK_PLACE ? NULL : body, &a,
                             is_evict ? FHI_CHARGE_BULK : FHI_CHARGE_HOOK, call);
    if (outcome != FH_OUTCOME_DECIDED) {
        clear_answer(hook, out_answer);
    } else if (!a.decided) {
        call->outcome = FH_OUTCOME_NOTHING;
    }
    if (outcome == FH_OUTCOME_FAILED && a.returned) {
        fhi_report_place(call->report, version->box.chunk, call->line);
    }
    if (hook == FH_HOOK_PLACE && call->uncached != NULL &&
        !(a.decided && version->reader.keep_given)) {
        ((fh_verdict *)out_answer)->keep = FH_KEEP_NEVER;
    }
    return call->outcome;
}

/* ---- migrate ---- */

typedef struct migration {
    fhi_version *version;
    const fhi_state *old_state;
    uint32_t old_version;
    bool returned;
} migration;

static int run_migrate(lua_State *L)
{
    migration *m = lua_touserdata(L, 1);
    fhi_version *version = m->version;
    fhi_state_begin(L, &version->state, false);
    if ((version->hooks >> FH_HOOK_MIGRATE & 1) == 0) {
        fhi_state_push_plain(L, m->old_state);
    } else {
        const fhi_ready_hook *ready = &version->ready[FH_HOOK_MIGRATE];
        lua_rawgeti(L, LUA_REGISTRYINDEX, ready->function_ref);
        lua_rawgeti(L, LUA_REGISTRYINDEX, ready->self_ref);
        fhi_state_push_plain(L, m->old_state);
        lua_pushinteger(L, m->old_version);
        fhi_box_call(L, 3, 1);
        m->returned = true;
    }
    fhi_state_assign(L, &version->state, -1);
    return 0;
}

bool fhi_version_migrate(fhi_version *version, const fhi_state *old_state, uint32_t old_version,
                         fhi_call *call)
{
    migration m = {version, old_state, old_version, false};
    fh_outcome outcome = run(version, run_migrate, &m, FHI_CHARGE_HOOK, call);
    if (outcome == FH_OUTCOME_FAILED && m.returned) {
        fhi_report_place(call->report, version->box.chunk, call->line);
    }
    return outcome == FH_OUTCOME_DECIDED;
}
