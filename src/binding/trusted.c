/* Trusted mode: a policy that is a plain table of functions, in the Lua state of the program. It
 * has the same contract as a script and none of its bounds: the hooks are called by pcall, and that
 * is all. `self` is the table itself.
 *
 * It lives on the thread of Lua. A hook that comes on another one, or while another hook in this
 * state runs, is decided by the native rule, for that request only; what `pressure` has to say
 * there waits until Lua is back, and its answer then counts for nothing. An error is reported once
 * for each hook.
 *
 * Facts are read through one scope, because their metatables, which are made once per Lua state,
 * know no other; that is why hooks do not nest. */

#include "binding/trusted.h"

#include "binding/check.h"
#include "binding/contract.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/hook.h"
#include "binding/policy.h"
#include "binding/result.h"
#include "script/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEPS_MAX = 32
};

typedef struct fhi_lua_trusted {
    fhi_hook hook;          /* user value 1 is the table, 2 the device */
    fhi_contract *contract; /* of the Lua state */
    fh_policy_ops ops;
    uint64_t steps[STEPS_MAX];
    char name[64], title[96];
    uint32_t told;          /* bit n: an error of fh_hook n was reported */
    _Atomic bool in_charge; /* ends on whatever thread lets go of it */
} fhi_lua_trusted;

/* Whatever a hook may answer. */
typedef union answer {
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
} answer;

/* ---- one question ---- */

typedef struct question {
    fhi_lua_trusted *policy;
    fh_device *device;
    fh_hook hook;
    const void *input;
    const fh_facts *facts;
    answer answer;
    bool decided;
    bool uncached; /* PLACE: for this request only; until it is known, it is */
} question;

static fh_tag tag_of(void *context, const char *name)
{
    const question *self = context;
    fh_tag tag = 0;
    fh_device_tag(self->device, name, &tag);
    return tag;
}

static const char *tag_name(void *context, fh_tag tag)
{
    const question *self = context;
    const char *name = fh_device_tag_name(self->device, tag);
    return name != NULL ? name : "";
}

static fh_pool *pool_of(void *context, const char *name)
{
    const question *self = context;
    return fhi_device_pool(self->device, name);
}

/* Push the field of the table at `index` that has the hook's name. */
static int push_hook(lua_State *L, int index, fh_hook hook)
{
    lua_pushstring(L, fh_hook_name(hook));
    return lua_rawget(L, index);
}

/* table function: a key for each candidate */
static void ask_keys(lua_State *L, question *self, int table)
{
    const fh_candidates *candidates = self->input;
    const fh_evict_order *order = &self->answer.order;
    int function = table + 1;
    fhi_facts_push_candidates(L, candidates);
    fhi_facts_push(L, &fhi_shape_facts, self->facts);
    for (uint32_t i = 0; i < candidates->count; i++) {
        fhi_facts_move(L, function + 1, i);
        lua_pushvalue(L, function);
        lua_pushvalue(L, table);
        lua_pushvalue(L, function + 1);
        lua_pushvalue(L, function + 2);
        lua_call(L, 3, 1);
        if (lua_type(L, -1) != LUA_TNUMBER && !lua_isnil(L, -1)) {
            luaL_error(L, "evict: a number or nil expected, got %s", luaL_typename(L, -1));
        }
        order->keys[i] = lua_isnil(L, -1) ? (double)NAN : lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    self->answer.order.use_keys = true;
    self->decided = true;
}

/* table function: what scripts get, and what they may return */
static void ask_once(lua_State *L, question *self, int table)
{
    const fhi_shape *input = fhi_hook_contracts[self->hook].input;
    fhi_contract *contract = self->policy->contract;
    int arguments = 2;
    lua_pushvalue(L, table);
    if (input != NULL) {
        fhi_facts_push(L, input, self->input);
        arguments++;
    }
    if (self->hook == FH_HOOK_PLACE) {
        fhi_facts_push_uncached(L, self->facts);
    } else {
        fhi_facts_push(L, &fhi_shape_facts, self->facts);
    }
    lua_call(L, arguments, 1);
    int result = lua_gettop(L);
    self->decided =
        fhi_decision_read(L, result, self->hook, &contract->reader, self->facts, &self->answer);
    self->uncached =
        contract->scope.uncached != NULL && !(self->decided && contract->reader.keep_given);
}

static int ask_body(lua_State *L)
{
    question *self = lua_touserdata(L, 1);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    fhi_hook_push(L, &self->policy->hook);
    if (lua_isnil(L, -1)) {
        return 0;
    }
    lua_getiuservalue(L, -1, 1);
    int table = lua_gettop(L);
    int type = push_hook(L, table, self->hook);
    if (self->hook == FH_HOOK_EVICT && type != LUA_TFUNCTION) {
        double *keys = self->answer.order.keys;
        self->decided = fhi_decision_read(L, table + 1, self->hook, &self->policy->contract->reader,
                                          self->facts, &self->answer);
        self->answer.order.keys = keys;
    } else if (self->hook == FH_HOOK_EVICT) {
        ask_keys(L, self, table);
    } else if (type != LUA_TNIL) {
        ask_once(L, self, table);
    }
    return 0;
}

static int with_traceback(lua_State *L)
{
    luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

/* Only the first error of a hook goes on, to the report. */
static int guard_body(lua_State *L)
{
    question *self = lua_touserdata(L, 1);
    uint32_t bit = UINT32_C(1) << self->hook;
    lua_pushcfunction(L, with_traceback);
    lua_pushcfunction(L, ask_body);
    lua_pushlightuserdata(L, self);
    if (lua_pcall(L, 1, 0, 2) == LUA_OK) {
        return 0;
    }
    self->decided = false;
    if ((self->policy->told & bit) != 0) {
        return 0;
    }
    self->policy->told |= bit;
    /* What is wrong with an answer begins with the hook's name by itself. */
    const char *hook = fh_hook_name(self->hook), *message = luaL_tolstring(L, -1, NULL);
    size_t length = strlen(hook);
    bool is_named = strncmp(message, hook, length) == 0 && message[length] == ':';
    return luaL_error(L, "%s%s%s (not told again)", is_named ? "" : hook, is_named ? "" : ": ",
                      message);
}

/* False: no opinion, an error, or this is not the time and place to ask. */
static bool ask(question *self)
{
    fhi_lua_trusted *policy = self->policy;
    fhi_contract *contract = policy->contract;
    if (!fhi_world_is_here(policy->hook.world) || contract->busy) {
        return false;
    }
    self->device = policy->hook.world->root->device;
    contract->busy = true;
    contract->scope.context = self;
    contract->scope.tag_name = tag_name;
    contract->reader.context = self;
    contract->reader.tag = tag_of;
    contract->reader.pool = pool_of;
    fhi_facts_begin(&contract->scope);
    bool done = fhi_world_call(policy->hook.world, guard_body, self, policy->hook.what);
    fhi_facts_end(&contract->scope);
    contract->busy = false;
    return done && self->decided;
}

/* ---- the hooks ---- */

static bool place(void *context, const fh_request *request, const fh_facts *facts,
                  fh_verdict *out_verdict)
{
    question asked = {.policy = context,
                      .hook = FH_HOOK_PLACE,
                      .input = request,
                      .facts = facts,
                      .uncached = true};
    bool decided = ask(&asked);
    if (decided) {
        *out_verdict = asked.answer.verdict;
    }
    if (asked.uncached) {
        out_verdict->keep = FH_KEEP_NEVER;
    }
    return decided;
}

static uint32_t relieve(void *context, const fh_request *request, const fh_facts *facts,
                        fh_relief out_reliefs[FH_RELIEF_MAX])
{
    question asked = {.policy = context, .hook = FH_HOOK_RELIEVE, .input = request, .facts = facts};
    if (!ask(&asked)) {
        return 0;
    }
    memcpy(out_reliefs, asked.answer.reliefs.list, sizeof asked.answer.reliefs.list);
    return asked.answer.reliefs.count;
}

static bool evict(void *context, const fh_candidates *candidates, const fh_facts *facts,
                  fh_evict_order *out_order)
{
    question asked = {
        .policy = context, .hook = FH_HOOK_EVICT, .input = candidates, .facts = facts};
    asked.answer.order.keys = out_order->keys;
    bool decided = ask(&asked);
    if (decided) {
        *out_order = asked.answer.order;
    }
    return decided;
}

/* Those that are alike: `size` bytes of the answer are the decision. */
static bool decide(void *context, fh_hook hook, const void *input, const fh_facts *facts,
                   void *out_decision, size_t size)
{
    question asked = {.policy = context, .hook = hook, .input = input, .facts = facts};
    if (!ask(&asked)) {
        return false;
    }
    memcpy(out_decision, &asked.answer, size);
    return true;
}

static bool limits(void *context, const fh_facts *facts, fh_limits *out)
{
    return decide(context, FH_HOOK_LIMITS, NULL, facts, out, sizeof *out);
}

static bool frame(void *context, const fh_frame_facts *frame_facts, const fh_facts *facts,
                  fh_frame_decision *out)
{
    return decide(context, FH_HOOK_FRAME, frame_facts, facts, out, sizeof *out);
}

static bool ask_pressure(void *context, const fh_pressure *event, const fh_facts *facts,
                         fh_pressure_decision *out)
{
    return decide(context, FH_HOOK_PRESSURE, event, facts, out, sizeof *out);
}

static bool retain(void *context, const fh_block_facts *block, const fh_facts *facts,
                   fh_retain_decision *out)
{
    return decide(context, FH_HOOK_RETAIN, block, facts, out, sizeof *out);
}

static bool recycle(void *context, const fh_recycle_facts *cache, const fh_facts *facts,
                    fh_recycle_decision *out)
{
    return decide(context, FH_HOOK_RECYCLE, cache, facts, out, sizeof *out);
}

static bool alias(void *context, const fh_alias_facts *graph, const fh_facts *facts,
                  fh_alias_decision *out)
{
    return decide(context, FH_HOOK_ALIAS, graph, facts, out, sizeof *out);
}

static bool defrag(void *context, const fh_defrag_facts *block, const fh_facts *facts,
                   fh_defrag_decision *out)
{
    return decide(context, FH_HOOK_DEFRAG, block, facts, out, sizeof *out);
}

/* ---- notices ---- */

typedef struct news {
    fhi_notice notice;
    fhi_lua_trusted *policy;
    fh_pressure event;
    fh_facts facts;
} news;

static void deliver_news(fhi_notice *notice)
{
    news *self = (news *)(void *)notice;
    fh_pressure_decision ignored;
    if (self->policy->in_charge) {
        ask_pressure(self->policy, &self->event, &self->facts, &ignored);
    }
    free(self);
}

static bool pressure(void *context, const fh_pressure *event, const fh_facts *facts,
                     fh_pressure_decision *out_decision)
{
    fhi_lua_trusted *self = context;
    if (fhi_world_is_here(self->hook.world)) {
        return ask_pressure(self, event, facts, out_decision);
    }
    news *copy = malloc(sizeof *copy);
    if (copy != NULL) {
        *copy = (news){{NULL, deliver_news}, self, *event, *facts};
        fhi_world_post(self->hook.world, &copy->notice);
    }
    return false;
}

/* After the notices that name it. */
static void release(void *context)
{
    fhi_lua_trusted *self = context;
    self->in_charge = false;
    fhi_hook_release_later(&self->hook);
}

/* ---- setting one ---- */

/* What the table at index 2 says, read before anything is made. */
typedef struct reading {
    uint32_t hooks; /* bit n: it has fh_hook n */
    uint64_t steps[STEPS_MAX];
    uint32_t step_count;
    char name[64];
} reading;

static void read_steps(lua_State *L, int index, reading *out)
{
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, 2, "field 'place_steps'", "table");
    }
    lua_Unsigned count = lua_rawlen(L, index);
    if (count > STEPS_MAX) {
        luaL_argerror(L, 2, lua_pushfstring(L, "field 'place_steps': more than %d", STEPS_MAX));
    }
    for (out->step_count = 0; out->step_count < count; out->step_count++) {
        const char *why = NULL;
        uint64_t *step = &out->steps[out->step_count];
        lua_rawgeti(L, index, (lua_Integer)out->step_count + 1);
        if (!fhi_value_bytes(L, lua_gettop(L), step, &why)) {
            luaL_argerror(L, 2, lua_pushfstring(L, "field 'place_steps': %s", why));
        }
        if (*step <= (out->step_count > 0 ? step[-1] : 0)) {
            luaL_argerror(L, 2, "field 'place_steps': they must ascend from above 0");
        }
        lua_pop(L, 1);
    }
}

/* An order by columns, tried so that a misspelt one is found now. */
static void try_columns(lua_State *L, int index)
{
    fhi_contract *contract = fhi_contract_open(L);
    answer ignored = {.order = {.column_count = 0}};
    fhi_decision_read(L, index, FH_HOOK_EVICT, &contract->reader, NULL, &ignored);
}

static void read_field(lua_State *L, int field, int value, reading *out)
{
    static const char *const others[] = {"name", "place_steps"};
    const char *name = field < FH_HOOK_COUNT       ? fhi_hook_contracts[field].name
                       : field < FH_HOOK_COUNT + 2 ? others[field - FH_HOOK_COUNT]
                                                   : NULL;
    if (name == NULL) { /* options, state: its own affair */
        return;
    }
    const char *called = lua_pushfstring(L, "field '%s'", name);
    if (field == FH_HOOK_COUNT) {
        snprintf(out->name, sizeof out->name, "%s", fhi_check_text(L, value, 2, called));
    } else if (field == FH_HOOK_COUNT + 1) {
        read_steps(L, value, out);
    } else {
        if (field == FH_HOOK_EVICT && lua_type(L, value) == LUA_TTABLE) {
            try_columns(L, value);
        } else if (lua_type(L, value) != LUA_TFUNCTION) {
            fhi_type_error(L, value, 2, called, "function");
        }
        out->hooks |= UINT32_C(1) << field;
    }
}

static void read_table(lua_State *L, reading *out)
{
    const char *fields[FH_HOOK_COUNT + 5];
    for (int i = 0; i < FH_HOOK_COUNT; i++) {
        fields[i] = fhi_hook_contracts[i].name;
    }
    fields[FH_HOOK_COUNT] = "name";
    fields[FH_HOOK_COUNT + 1] = "place_steps";
    fields[FH_HOOK_COUNT + 2] = "options";
    fields[FH_HOOK_COUNT + 3] = "state";
    fields[FH_HOOK_COUNT + 4] = NULL;
    bool empty = true;
    int top = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, 2)) {
        read_field(L, fhi_check_field(L, top + 1, 2, fields), top + 2, out);
        empty = false;
        lua_settop(L, top + 1);
    }
    if (empty) {
        luaL_argerror(L, 2, "policy: an empty table is neither scripts nor hooks");
    }
    if (out->name[0] == '\0') {
        snprintf(out->name, sizeof out->name, "trusted");
    }
}

static void set_ops(fhi_lua_trusted *self, const reading *from)
{
    fh_policy_ops *ops = &self->ops;
    ops->name = self->name;
    ops->place_steps = self->steps;
    ops->place_step_count = from->step_count;
    ops->release = release;
#define SET(NAME, field)                                                                           \
    if ((from->hooks >> FH_HOOK_##NAME & 1) != 0) {                                                \
        ops->field = field;                                                                        \
    }
    SET(PLACE, place)
    SET(RELIEVE, relieve)
    SET(LIMITS, limits)
    SET(FRAME, frame)
    SET(PRESSURE, pressure)
    SET(RETAIN, retain)
    SET(RECYCLE, recycle)
    SET(EVICT, evict)
    SET(ALIAS, alias)
    SET(DEFRAG, defrag)
#undef SET
}

int fhi_device_set_trusted(lua_State *L, fhi_lua_device *device)
{
    reading from = {.hooks = 0};
    lua_settop(L, 2);
    read_table(L, &from);
    fhi_contract *contract = fhi_contract_open(L);
    fhi_lua_trusted *self = fhi_hook_new(L, 1, device->world, sizeof *self, &fhi_trusted_class,
                                         "a policy in trusted mode"); /* 3 */
    self->contract = contract;
    memcpy(self->steps, from.steps, sizeof self->steps);
    snprintf(self->name, sizeof self->name, "%s", from.name);
    snprintf(self->title, sizeof self->title, "the policy \"%s\"", from.name);
    self->hook.what = self->title;
    set_ops(self, &from);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 3, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 3, 2);
    fhi_lua_call call;
    fh_device *handle = fhi_device_begin(&call, L, device, 1);
    if (handle == NULL) {
        fhi_hook_drop_from(L, 1, &self->hook);
        return fhi_push_closed(L);
    }
    self->in_charge = true;
    fh_result result = fh_device_set_policy(handle, &self->ops, self);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    if (self->in_charge) { /* and no observer has put another one there */
        fhi_policy_put(L, 1, 3);
    }
    return 1;
}

bool fhi_trusted_in_charge(lua_State *L, int index)
{
    const fhi_lua_trusted *self = fhi_object_at(L, index, &fhi_trusted_class);
    return self != NULL && self->in_charge;
}

/* ---- methods ---- */

static fhi_lua_trusted *check_trusted(lua_State *L)
{
    return fhi_check_object(L, 1, 1, "policy", &fhi_trusted_class);
}

static int trusted_in_charge(lua_State *L)
{
    lua_pushboolean(L, check_trusted(L)->in_charge);
    return 1;
}

static int trusted_remove(lua_State *L)
{
    const fhi_lua_trusted *self = check_trusted(L);
    lua_settop(L, 1);
    return fhi_policy_remove(L, &self->hook, self->in_charge);
}

static int trusted_tostring(lua_State *L)
{
    const fhi_lua_trusted *self = check_trusted(L);
    lua_pushfstring(L, "freehold.trusted_policy (%s)", self->in_charge ? "in charge" : "removed");
    return 1;
}

static const luaL_Reg methods[] = {
    {"in_charge", trusted_in_charge},
    {"remove", trusted_remove},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {{"__tostring", trusted_tostring}, {NULL, NULL}};

const fhi_class fhi_trusted_class = {"freehold.trusted_policy", methods, metamethods, NULL, NULL};
