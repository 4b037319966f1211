/* What a script's text returns, checked against the contract, field by field, and taken apart: the
 * hooks into the registry, everything else into C. A base is checked by itself before it is
 * extended, so that its mistakes are reported with its own lines. */

#include "sandbox/blame.h"
#include "sandbox/env.h"
#include "sandbox/report.h"
#include "sandbox/value.h"
#include "sandbox/version.h"

#include <stdio.h>
#include <string.h>

/* ---- the fields ---- */

/* A script without a name is called like its file. */
static void name_by_path(fhi_version *version)
{
    const char *path = version->levels[0].path;
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    size_t size = strlen(file);
    if (size > 4 && strcmp(file + size - 4, ".lua") == 0) {
        size -= 4;
    }
    fhi_clean_text(version->name, sizeof version->name, file, size, false);
    if (version->name[0] == '\0') {
        memcpy(version->name, "policy", sizeof "policy");
    }
}

/* The value on top. */
static void read_name(lua_State *L, fhi_version *version)
{
    static const fhi_path path = {.root = "name"};
    if (lua_isnil(L, -1)) {
        name_by_path(version);
        return;
    }
    const char *name = fhi_value_name(L, lua_gettop(L), &path);
    snprintf(version->name, sizeof version->name, "%s", name);
}

static void read_place_steps(lua_State *L, fhi_version *version)
{
    fhi_path path = {.root = "place_steps", .list = "entry"};
    int list = lua_gettop(L);
    uint64_t last = 0;
    version->place_step_count = 0;
    if (lua_isnil(L, list)) {
        return;
    }
    uint32_t count = fhi_value_list(L, list, FHI_PLACE_STEPS, &path);
    for (uint32_t i = 0; i < count; i++) {
        path.item = i + 1;
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        uint64_t step = fhi_value_size(L, list + 1, &path);
        if (step <= last) {
            fhi_refuse_value(L, list + 1, &path,
                             i == 0 ? "more than 0" : "more than the entry before");
        }
        version->place_steps[i] = last = step;
        lua_pop(L, 1);
    }
    version->place_step_count = count;
}

/* The value on top is `evict` or a hook that is none. */
static void read_columns(lua_State *L, fhi_version *version, fh_hook hook)
{
    static const fh_facts no_facts;
    fhi_path path = {.root = fhi_hook_contracts[hook].name};
    int list = lua_gettop(L);
    if (hook != FH_HOOK_EVICT) {
        fhi_refuse_value(L, list, &path, "a function");
    }
    if (lua_type(L, list) != LUA_TTABLE) {
        fhi_refuse_value(L, list, &path, "a list of columns or a function");
    }
    fh_evict_order order = {0};
    fhi_decision_read(L, list, FH_HOOK_EVICT, &version->reader, &no_facts, &order);
    version->columns = order; /* and no more a base's, whose level was read before */
    version->orders_by_columns = true;
}

/* The hook on top: where it stands, and how to call it. */
static void read_hook(lua_State *L, fhi_version *version, uint32_t at, fh_hook hook)
{
    fhi_level *level = &version->levels[at];
    level->hook_refs[hook] = LUA_NOREF;
    if (lua_isnil(L, -1)) {
        return;
    }
    if (lua_type(L, -1) != LUA_TFUNCTION) {
        read_columns(L, version, hook);
        return;
    }
    if (level->extended) {
        const fhi_level *base = &version->levels[at + 1];
        lua_rawgeti(L, LUA_REGISTRYINDEX, base->hook_refs[hook]);
        bool inherited = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
        if (inherited) {
            level->hook_refs[hook] = base->hook_refs[hook];
            level->hook_levels[hook] = base->hook_levels[hook];
            return;
        }
    }
    lua_pushvalue(L, -1);
    level->hook_refs[hook] = luaL_ref(L, LUA_REGISTRYINDEX);
    level->hook_levels[hook] = at;
}

static void check_fields(lua_State *L, int index)
{
    const char *known[FH_HOOK_COUNT + 16] = {NULL};
    size_t count = 0;
    for (; count < FH_HOOK_COUNT; count++) {
        known[count] = fhi_hook_contracts[count].name;
    }
    for (size_t i = 0; fhi_policy_fields[i] != NULL; i++) {
        known[count++] = fhi_policy_fields[i];
    }
    fhi_path path = {.root = FHI_BLAME_ROOT};
    fhi_blame_unknown(L, index, &path, known);
}

void fhi_level_read(lua_State *L, fhi_version *version, uint32_t level, int index)
{
    index = lua_absindex(L, index);
    if (lua_type(L, index) != LUA_TTABLE) {
        luaL_error(L, "a policy returns a table, and this one returns %s", fhi_describe(L, index));
    }
    if (fhi_proxy_open(L, index)) {
        luaL_error(L, "a policy returns a table of its own, and this one is read-only");
    }
    int top = lua_gettop(L);
    check_fields(L, index);
    version->orders_by_columns = false;
    lua_getfield(L, index, "name");
    read_name(L, version);
    lua_getfield(L, index, "options");
    fhi_options_declare(L, -1, &version->options);
    version->options_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_getfield(L, index, "place_steps");
    read_place_steps(L, version);
    lua_settop(L, top);
    for (int hook = 0; hook < FH_HOOK_COUNT; hook++) {
        lua_getfield(L, index, fhi_hook_contracts[hook].name);
        read_hook(L, version, level, (fh_hook)hook);
        lua_settop(L, top);
    }
}

/* ---- a text ---- */

/* version, level, table */
static int read_protected(lua_State *L)
{
    fhi_level_read(L, lua_touserdata(L, 1), (uint32_t)lua_tointeger(L, 2), 3);
    return 0;
}

bool fhi_level_load(lua_State *L, fhi_version *version, uint32_t level, fhi_report *out_report)
{
    fhi_box *box = &version->box;
    const fhi_level *at = &version->levels[level];
    if (!fhi_box_compile(box, at->text, at->size, at->path, out_report)) {
        return false;
    }
    uint32_t outer = version->loading;
    version->loading = level + 1;
    int run = LUA_OK;
    if (level == 0) {
        fhi_box_call(L, 0, 1);
    } else {
        run = lua_pcall(L, 0, 1, 0); /* or a script that catches it would go on at this level */
    }
    version->loading = outer;
    if (run != LUA_OK) {
        lua_error(L);
    }
    lua_pushcfunction(L, read_protected);
    lua_pushlightuserdata(L, version);
    lua_pushinteger(L, level);
    lua_pushvalue(L, -4);
    int status = lua_pcall(L, 3, 0, 0);
    if (status == LUA_OK) {
        return true;
    }
    if (status != LUA_ERRRUN || box->meter.stop != FHI_STOP_NONE) {
        lua_error(L);
    }
    const char *message = lua_tostring(L, -1);
    fhi_report_print(out_report, "%s:%u: %s", at->path,
                     (unsigned int)fhi_blame_line(at->text, at->size, message), message);
    lua_pop(L, 2);
    return false;
}

/* ---- ready to run ---- */

/* A hook of self.base: called with whatever, it gets the `self` of its own level. Upvalues: the
 * hook, its self. */
static int call_base(lua_State *L)
{
    int count = lua_gettop(L);
    luaL_checkstack(L, 4, "self.base");
    if (count == 0) {
        return luaL_error(L, "hooks of self.base are called with self first");
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_replace(L, 2);
    lua_call(L, count, LUA_MULTRET);
    return lua_gettop(L);
}

/* Set the field `base` of the table on top. */
static void set_base(lua_State *L, const fhi_version *version, uint32_t at)
{
    const fhi_level *base = &version->levels[at + 1];
    lua_newtable(L);
    for (int hook = 0; hook < FH_HOOK_COUNT; hook++) {
        if (base->hook_refs[hook] != LUA_NOREF) {
            uint32_t where = base->hook_levels[hook];
            lua_rawgeti(L, LUA_REGISTRYINDEX, base->hook_refs[hook]);
            lua_rawgeti(L, LUA_REGISTRYINDEX, version->levels[where].self_ref);
            lua_pushcclosure(L, call_base, 2);
            lua_setfield(L, -2, fhi_hook_contracts[hook].name);
        }
    }
    fhi_proxy_wrap(L, "self.base");
    lua_setfield(L, -2, "base");
}

static void make_ready(lua_State *L, fhi_version *version, int hook)
{
    const fhi_level *level = &version->levels[0];
    const fhi_hook_contract *contract = &fhi_hook_contracts[hook];
    lua_Debug info;
    if (level->hook_refs[hook] == LUA_NOREF) {
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, level->hook_refs[hook]);
    lua_getinfo(L, ">u", &info);
    int inputs = contract->input != NULL ? 1 : 0;
    const fhi_shape *decision = contract->decision;
    version->hooks |= 1u << hook;
    version->ready[hook] = (fhi_ready_hook){
        .function_ref = level->hook_refs[hook],
        .self_ref = version->levels[level->hook_levels[hook]].self_ref,
        .input = inputs > 0 ? fhi_names_of(L, contract->input) : NULL,
        .decision = decision != NULL ? fhi_names_of(L, decision) : NULL,
        .takes_input = inputs > 0 && (info.isvararg || info.nparams > 1),
        .takes_facts = info.isvararg || info.nparams > 1 + inputs,
    };
}

void fhi_levels_finish(lua_State *L, fhi_version *version)
{
    for (uint32_t at = version->level_count; at-- > 0;) {
        fhi_level *level = &version->levels[at];
        lua_createtable(L, 0, 4);
        lua_pushstring(L, version->name);
        lua_setfield(L, -2, "name");
        lua_rawgeti(L, LUA_REGISTRYINDEX, version->options_ref);
        lua_setfield(L, -2, "options");
        fhi_state_push(L, &version->state);
        lua_setfield(L, -2, "state");
        if (level->extended) {
            set_base(L, version, at);
        }
        fhi_proxy_wrap(L, "self");
        level->self_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    version->facts = fhi_names_of(L, &fhi_shape_facts);
    for (int hook = 0; hook < FH_HOOK_COUNT; hook++) {
        make_ready(L, version, hook);
    }
    if (version->orders_by_columns) {
        version->hooks |= 1u << FH_HOOK_EVICT;
    }
}
