/* Decisions as the tables that a script would have returned: for logs, for `freehold eval`, and for
 * tests of policies. What was left out, or is what holds anyway, is not there. */

#include "sandbox/decision.h"

#include "sandbox/value.h"

#include <string.h>

static void set_size(lua_State *L, const char *name, uint64_t size)
{
    if (size != 0) {
        fhi_value_push_size(L, size);
        lua_setfield(L, -2, name);
    }
}

/* Whether the member at `at` says nothing: 0, false, "". */
static bool is_silent(const fhi_member *member, const void *at)
{
    switch (member->type) {
    case FHI_VALUE_BYTES:
    case FHI_VALUE_INTEGER:
    case FHI_VALUE_MS:
        return *(const uint64_t *)at == 0;
    case FHI_VALUE_COUNT:
    case FHI_VALUE_INDICES:
        return *(const uint32_t *)at == 0;
    case FHI_VALUE_BOOLEAN:
        return !*(const bool *)at;
    case FHI_VALUE_CHOICE:
        return *(const int *)at == 0;
    case FHI_VALUE_TEXT:
        return *(const char *)at == '\0';
    default:
        return true;
    }
}

/* The table on top gets every member of the shape that says something. */
static void set_members(lua_State *L, const fhi_shape *shape, const void *decision,
                        const fhi_facts_scope *scope)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        const fhi_member *member = &shape->members[i];
        const char *data = decision;
        const void *at = data + member->offset;
        bool has_flag = member->given_offset != SIZE_MAX;
        bool given = has_flag ? *(const bool *)(const void *)(data + member->given_offset)
                              : member->required || !is_silent(member, at);
        if (given && member->type != FHI_VALUE_SPECIAL) {
            fhi_value_push(L, scope, member, at);
            lua_setfield(L, -2, member->name);
        }
    }
}

static const char *const *words_of_request(const char *name)
{
    const fhi_member *member = fhi_hook_contracts[FH_HOOK_PLACE].input->members;
    while (strcmp(member->name, name) != 0) {
        member++;
    }
    return member->words;
}

static void push_verdict(lua_State *L, const fh_verdict *verdict, const fhi_facts_scope *scope)
{
    const char *const *words = words_of_request("location");
    lua_newtable(L);
    if (verdict->memory_count > 0) {
        lua_createtable(L, FH_LOCATION_COUNT, 0);
        for (uint32_t i = 0; i < verdict->memory_count && i < FH_LOCATION_COUNT; i++) {
            lua_pushstring(L, words[verdict->memory[i]]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_setfield(L, -2, "memory");
    }
    if (verdict->pool != NULL && scope->pool_name != NULL) {
        fhi_value_push_text(L, scope->pool_name(scope->context, verdict->pool));
        lua_setfield(L, -2, "pool");
    }
    set_members(L, fhi_hook_contracts[FH_HOOK_PLACE].decision, verdict, scope);
}

static void push_reliefs(lua_State *L, const fhi_reliefs *reliefs, const fhi_facts_scope *scope)
{
    lua_createtable(L, (int)reliefs->count, 0);
    for (uint32_t i = 0; i < reliefs->count && i < FH_RELIEF_MAX; i++) {
        lua_newtable(L);
        set_members(L, fhi_hook_contracts[FH_HOOK_RELIEVE].decision, &reliefs->list[i], scope);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* The table on top becomes a field of the one under it, unless there is nothing in it. */
static void set_unless_empty(lua_State *L, const char *name)
{
    lua_pushnil(L);
    if (lua_next(L, -2) == 0) {
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 2);
    lua_setfield(L, -2, name);
}

static void push_limits(lua_State *L, const fh_limits *limits, const fhi_facts_scope *scope)
{
    const char *const *kinds = words_of_request("kind");
    lua_newtable(L);
    set_size(L, "total", limits->total);
    lua_newtable(L);
    for (int i = 0; i < FH_HEAP_MAX; i++) {
        if (limits->heaps[i] != 0) {
            fhi_value_push_size(L, limits->heaps[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    }
    set_unless_empty(L, "heap");
    lua_newtable(L);
    for (int i = 0; i < FH_KIND_COUNT; i++) {
        set_size(L, kinds[i], limits->kinds[i]);
    }
    set_unless_empty(L, "kinds");
    lua_newtable(L);
    for (uint32_t i = 0; i < limits->tag_count; i++) {
        fhi_value_push_tag(L, scope, limits->tags[i].tag);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            continue;
        }
        fhi_value_push_size(L, limits->tags[i].limit);
        lua_rawset(L, -3);
    }
    set_unless_empty(L, "tags");
    lua_newtable(L);
    for (uint32_t i = 0; i < limits->watermark_count && i < 4; i++) {
        lua_pushnumber(L, limits->watermarks[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    set_unless_empty(L, "watermarks");
}

/* Keys have no table: whoever has the candidates has them, too. */
static void push_order(lua_State *L, const fh_evict_order *order)
{
    lua_newtable(L);
    for (uint32_t i = 0; i < order->column_count && i < 4; i++) {
        lua_pushfstring(L, "%s%s", order->columns[i].descending ? "-" : "",
                        fhi_evict_columns[order->columns[i].column]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* "name=value name=value" as a table of texts. */
static void push_alias(lua_State *L, const fh_alias_decision *decision,
                       const fhi_facts_scope *scope)
{
    lua_newtable(L);
    set_members(L, fhi_hook_contracts[FH_HOOK_ALIAS].decision, decision, scope);
    if (decision->options[0] == '\0') {
        return;
    }
    lua_newtable(L);
    for (const char *at = decision->options; *at != '\0';) {
        size_t size = strcspn(at, " ");
        size_t name_size = strcspn(at, "= ");
        lua_pushlstring(L, at, name_size);
        lua_pushlstring(L, at + name_size + (name_size < size),
                        size - name_size - (name_size < size));
        lua_rawset(L, -3);
        at += size;
        at += strspn(at, " ");
    }
    lua_setfield(L, -2, "options");
}

/* Here 0 says something, and what is left out is no bound. */
static void push_recycle(lua_State *L, const fh_recycle_decision *decision)
{
    lua_newtable(L);
    if (decision->keep_bytes != UINT64_MAX) {
        fhi_value_push_size(L, decision->keep_bytes);
        lua_setfield(L, -2, "keep_bytes");
    }
    if (decision->keep_ticks != UINT32_MAX) {
        lua_pushinteger(L, (lua_Integer)decision->keep_ticks);
        lua_setfield(L, -2, "keep_ticks");
    }
}

static void push_defrag(lua_State *L, const fh_defrag_decision *decision)
{
    lua_newtable(L);
    lua_pushboolean(L, decision->allow);
    lua_setfield(L, -2, "allow");
    if (decision->bytes != UINT64_MAX) {
        fhi_value_push_size(L, decision->bytes);
        lua_setfield(L, -2, "bytes");
    }
}

void fhi_decision_push(lua_State *L, fh_hook hook, const void *decision,
                       const fhi_facts_scope *scope)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    switch (hook) {
    case FH_HOOK_PLACE:
        push_verdict(L, decision, scope);
        break;
    case FH_HOOK_RELIEVE:
        push_reliefs(L, decision, scope);
        break;
    case FH_HOOK_LIMITS:
        push_limits(L, decision, scope);
        break;
    case FH_HOOK_EVICT:
        push_order(L, decision);
        break;
    case FH_HOOK_ALIAS:
        push_alias(L, decision, scope);
        break;
    case FH_HOOK_RECYCLE:
        push_recycle(L, decision);
        break;
    case FH_HOOK_DEFRAG:
        push_defrag(L, decision);
        break;
    default:
        lua_newtable(L);
        if (fhi_hook_contracts[hook].decision != NULL) {
            set_members(L, fhi_hook_contracts[hook].decision, decision, scope);
        }
        break;
    }
}
