/* What went into a hook and what came out, as scripts see the one and write the other. The log
 * keeps numbers: names of tags, accounts and pools are looked up while the call lasts, in which
 * nothing may raise, and the tables are made after it. */

#include "binding/decisions.h"

#include "binding/check.h"
#include "binding/contract.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/policy.h"
#include "binding/pool.h"
#include "binding/result.h"

#include <stdio.h>

/* One line of the log. */
typedef struct entry {
    const fh_decision *decision;
    char tag[64], account[64], pool[64]; /* "" = none */
} entry;

/* ---- names ---- */

static void name_account(fh_device *device, fh_account account, char out_name[64])
{
    fh_account_info info;
    if (fh_device_account(device, account, &info) == FH_OK) {
        snprintf(out_name, 64, "%s", info.name);
    }
}

/* A pool that a verdict named may be gone; those of Lua's that are not are in the world's table,
 * which is at `pools`. */
static void name_pool(lua_State *L, int pools, const fh_pool *address, char out_name[64])
{
    fh_pool_info info;
    lua_rawgetp(L, pools, address);
    const fhi_lua_pool *pool = fhi_object_at(L, lua_gettop(L), &fhi_pool_class);
    if (pool != NULL && fhi_pool_is_live(pool) && fh_pool_get(pool->pool, &info) == FH_OK) {
        snprintf(out_name, 64, "%s", info.name);
    }
    lua_pop(L, 1);
}

static void name_all(lua_State *L, int pools, fh_device *device, entry *self)
{
    const fh_decision *decision = self->decision;
    self->tag[0] = self->account[0] = self->pool[0] = '\0';
    if (decision->hook == FH_HOOK_PLACE || decision->hook == FH_HOOK_RELIEVE) {
        const char *tag = fh_device_tag_name(device, decision->input.request.tag);
        snprintf(self->tag, sizeof self->tag, "%s", tag != NULL ? tag : "");
    }
    if (decision->hook == FH_HOOK_RELIEVE && decision->input.request.reason == FH_ERR_BUDGET) {
        name_account(device, decision->input.request.account, self->account);
    }
    if (decision->hook == FH_HOOK_PRESSURE) {
        name_account(device, decision->input.pressure.account, self->account);
    }
    if (decision->hook == FH_HOOK_PLACE && decision->outcome == FH_OUTCOME_DECIDED &&
        decision->answer.verdict.pool != NULL) {
        name_pool(L, pools, decision->answer.verdict.pool, self->pool);
    }
}

/* ---- tables ---- */

static void set_text_if_any(lua_State *L, const char *name, const char *text)
{
    if (text[0] != '\0') {
        fhi_set_text(L, name, text);
    }
}

static void set_limit(lua_State *L, const char *name, uint64_t limit)
{
    if (limit != 0 && limit != FH_NO_LIMIT) {
        fhi_set_integer(L, name, limit);
    }
}

static void push_request(lua_State *L, const entry *self)
{
    const fh_decision *decision = self->decision;
    lua_createtable(L, 0, 16);
    fhi_set_text(L, "kind", fhi_kind_names[decision->input.request.kind]);
    fhi_set_flags(L, "usage", decision->input.request.usage, fhi_usage_names);
    fhi_set_text(L, "location", fhi_location_names[decision->input.request.location]);
    fhi_set_text(L, "access", fhi_access_names[decision->input.request.access]);
    set_text_if_any(L, "tag", self->tag);
    fhi_set_integer(L, "size_min", decision->input.request.size_min);
    fhi_set_integer(L, "size_max", decision->input.request.size_max);
    fhi_set_integer(L, "size", decision->input.request.size);
    fhi_set_integer(L, "alignment", decision->input.request.alignment);
    fhi_set_indices(L, "types", decision->input.request.type_mask);
    if (decision->input.request.format != FH_FORMAT_NONE) {
        fhi_set_text(L, "format", fhi_format_names[decision->input.request.format]);
        fhi_set_integer(L, "width", decision->input.request.width);
        fhi_set_integer(L, "height", decision->input.request.height);
    }
    if (decision->hook == FH_HOOK_RELIEVE) {
        fhi_push_code(L, decision->input.request.reason);
        lua_setfield(L, -2, "reason");
        set_text_if_any(L, "account", self->account);
        fhi_set_integer(L, "shortage", decision->input.request.shortage);
        fhi_set_flags(L, "tried", decision->input.request.tried, fhi_relief_names);
    }
}

static void push_facts(lua_State *L, const fh_decision *decision)
{
    lua_createtable(L, 0, 2);
    fhi_set_integer(L, "used", decision->input.facts.used);
    set_limit(L, "limit", decision->input.facts.limit);
}

static void push_pressure(lua_State *L, const entry *self)
{
    const fh_pressure *pressure = &self->decision->input.pressure;
    lua_createtable(L, 0, 6);
    set_text_if_any(L, "account", self->account);
    fhi_set_integer(L, "watermark", (uint64_t)pressure->watermark + 1);
    fhi_set_number(L, "fraction", pressure->fraction);
    fhi_set_boolean(L, "up", pressure->up);
    fhi_set_integer(L, "used", pressure->used);
    set_limit(L, "limit", pressure->limit);
}

static void push_candidates(lua_State *L, const fh_decision *decision)
{
    lua_createtable(L, 0, 2);
    fhi_set_integer(L, "count", decision->input.candidates.count);
    fhi_set_integer(L, "wanted", decision->input.candidates.wanted);
}

static void push_input(lua_State *L, const fhi_facts_scope *scope, const entry *self)
{
    const fh_decision *decision = self->decision;
    switch (decision->hook) {
    case FH_HOOK_PLACE:
    case FH_HOOK_RELIEVE:
        push_request(L, self);
        break;
    case FH_HOOK_LIMITS:
        push_facts(L, decision);
        break;
    case FH_HOOK_PRESSURE:
        push_pressure(L, self);
        break;
    case FH_HOOK_EVICT:
        push_candidates(L, decision);
        break;
    case FH_HOOK_FRAME:
    case FH_HOOK_RETAIN:
    case FH_HOOK_RECYCLE:
    case FH_HOOK_ALIAS:
    case FH_HOOK_DEFRAG: /* all at the address of the union */
        fhi_facts_push_table(L, scope, fhi_hook_contracts[decision->hook].input, &decision->input);
        break;
    default:
        lua_newtable(L);
        break;
    }
}

static void push_limits(lua_State *L, const fh_decision *decision)
{
    lua_createtable(L, 0, 4);
    set_limit(L, "total", decision->answer.limits.total);
    lua_newtable(L);
    for (int i = 0; i < 4; i++) {
        uint64_t limit = decision->answer.limits.heaps[i];
        if (limit != 0) {
            lua_pushinteger(L,
                            limit < (uint64_t)LUA_MAXINTEGER ? (lua_Integer)limit : LUA_MAXINTEGER);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    }
    lua_setfield(L, -2, "heap");
    lua_newtable(L);
    for (int i = 0; i < FH_KIND_COUNT; i++) {
        set_limit(L, fhi_kind_names[i], decision->answer.limits.kinds[i]);
    }
    lua_setfield(L, -2, "kinds");
    fhi_set_integer(L, "tag_count", decision->answer.limits.tag_count);
}

static void push_answer(lua_State *L, const fhi_facts_scope *scope, const entry *self)
{
    const fh_decision *decision = self->decision;
    fhi_reliefs reliefs = {0};
    switch (decision->hook) {
    case FH_HOOK_RELIEVE:
        reliefs.count = decision->answer.reliefs.count;
        for (uint32_t i = 0; i < reliefs.count && i < FH_RELIEF_MAX; i++) {
            reliefs.list[i] = decision->answer.reliefs.list[i];
        }
        fhi_decision_push(L, decision->hook, &reliefs, scope);
        break;
    case FH_HOOK_LIMITS:
        push_limits(L, decision);
        break;
    case FH_HOOK_EVICT:
        lua_createtable(L, 0, 2);
        fhi_set_boolean(L, "use_keys", decision->answer.order.use_keys);
        fhi_set_integer(L, "column_count", decision->answer.order.column_count);
        break;
    case FH_HOOK_PLACE:
    case FH_HOOK_FRAME:
    case FH_HOOK_PRESSURE:
    case FH_HOOK_RETAIN:
    case FH_HOOK_RECYCLE:
    case FH_HOOK_DEFRAG: /* all at the address of the union */
        fhi_decision_push(L, decision->hook, &decision->answer, scope);
        break;
    default:
        lua_newtable(L);
        break;
    }
}

static const char *tag_name(void *context, fh_tag tag)
{
    const entry *self = context;
    return tag != 0 ? self->tag : "";
}

static const char *pool_name(void *context, const fh_pool *pool)
{
    const entry *self = context;
    (void)pool;
    return self->pool;
}

static void push_decision(lua_State *L, entry *self)
{
    const fh_decision *decision = self->decision;
    const fhi_facts_scope scope = {.context = self, .tag_name = tag_name, .pool_name = pool_name};
    lua_createtable(L, 0, 14);
    fhi_set_integer(L, "sequence", decision->sequence);
    fhi_set_integer(L, "frame", decision->frame);
    fhi_set_integer(L, "now_ns", decision->now_ns);
    fhi_set_text(L, "hook", fhi_hook_names[decision->hook]);
    fhi_set_text(L, "outcome", fhi_outcome_names[decision->outcome]);
    fhi_set_integer(L, "script", (uint64_t)decision->script + 1);
    fhi_set_integer(L, "version", decision->version);
    if (decision->line != 0) {
        fhi_set_integer(L, "line", decision->line);
    }
    if (decision->attempt != 0) {
        fhi_set_integer(L, "attempt", decision->attempt);
    }
    fhi_set_integer(L, "charge", decision->charge);
    fhi_set_integer(L, "time_ns", decision->time_ns);
    push_input(L, &scope, self);
    lua_setfield(L, -2, "input");
    if (decision->outcome == FH_OUTCOME_DECIDED) {
        push_answer(L, &scope, self);
        lua_setfield(L, -2, "answer");
    }
}

/* Which lines are asked for. */
typedef struct window {
    uint64_t after;
    uint32_t count;
} window;

/* policy:decisions { after = 0, count = 1024 } */
int fhi_policy_decisions_method(lua_State *L)
{
    static const fhi_field fields[] = {
        {"after", FHI_FIELD_INTEGER, offsetof(window, after), 0, NULL},
        {"count", FHI_FIELD_COUNT, offsetof(window, count), 0, NULL},
        FHI_FIELDS_END,
    };
    window asked = {0, FH_DECISION_LOG};
    fhi_lua_policy *self = fhi_check_policy(L);
    fhi_contract_open(L);
    lua_settop(L, 2);
    int failed = lua_isnil(L, 2) ? 0 : fhi_read_fields(L, 2, 2, fields, 0, &asked);
    if (failed != 0) {
        return failed;
    }
    uint32_t capacity = asked.count < FH_DECISION_LOG ? asked.count : FH_DECISION_LOG;
    uint32_t count = 0;
    fh_decision *list = lua_newuserdatauv(L, capacity * sizeof *list + 1, 0); /* 3 */
    entry *entries = lua_newuserdatauv(L, capacity * sizeof *entries + 1, 0); /* 4 */
    lua_getiuservalue(L, 1, 1);                                               /* 5 */
    fhi_world_push_from(L, 5, FHI_WORLD_POOLS);                               /* 6 */
    fhi_policy_call call;
    fh_policy *policy = fhi_policy_begin(&call, L, self);
    if (policy == NULL) {
        return fhi_push_policy_gone(L);
    }
    fh_result result = fh_policy_decisions(policy, asked.after, list, capacity, &count);
    for (uint32_t i = 0; result == FH_OK && i < count; i++) {
        entries[i].decision = &list[i];
        name_all(L, 6, self->world->root->device, &entries[i]);
    }
    fhi_policy_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_createtable(L, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        push_decision(L, &entries[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}
