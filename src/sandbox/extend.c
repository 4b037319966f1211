/* extend(base, overrides): a script that is another one with differences. The base is loaded at the
 * next level, in the same box; what comes back is one plain table with the fields of both, which
 * the script returns, or changes further. Which hooks are the base's is seen when that table is
 * read: they are the same functions.
 *
 * A script extends once. With two bases `self.base` would be two things, and scripts that decide
 * side by side are loaded as several. */

#include "sandbox/arg.h"
#include "sandbox/env.h"
#include "sandbox/report.h"
#include "sandbox/version.h"

#include <string.h>

/* Copy the fields of the table at `from` into the one at `to`. */
static void copy_fields(lua_State *L, int from, int to)
{
    lua_pushnil(L);
    while (lua_next(L, from)) {
        fhi_charge(L, FHI_COST_ENTRY);
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
    }
}

/* Replace the two declarations on top, the base's and the other, by one with the fields of both. */
static void merge_declarations(lua_State *L)
{
    int base = lua_gettop(L) - 1;
    if (lua_type(L, base) == LUA_TTABLE && lua_type(L, base + 1) == LUA_TTABLE) {
        lua_newtable(L);
        copy_fields(L, base, base + 2);
        copy_fields(L, base + 1, base + 2);
        lua_replace(L, base);
        lua_settop(L, base);
    } else {
        lua_remove(L, base);
    }
}

/* Replace the tables of options on top, the base's and the other, by one. An option that both
 * declare has the fields of both, so that a default can be changed alone. */
static void merge_options(lua_State *L)
{
    int base = lua_gettop(L) - 1;
    if (lua_type(L, base) != LUA_TTABLE || lua_type(L, base + 1) != LUA_TTABLE) {
        lua_remove(L, lua_isnil(L, base + 1) ? base + 1 : base);
        return;
    }
    lua_newtable(L);
    copy_fields(L, base, base + 2);
    lua_pushnil(L);
    while (lua_next(L, base + 1)) {
        fhi_charge(L, FHI_COST_ENTRY);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -1);
        lua_rawget(L, base);
        lua_pushvalue(L, -3);
        merge_declarations(L);
        lua_rawset(L, base + 2);
        lua_pop(L, 1);
    }
    lua_replace(L, base);
    lua_settop(L, base);
}

/* Take the text that `name` means into the level, whose `text` is then the arena's. */
static void read_text(lua_State *L, fhi_version *version, uint32_t at, const char *name)
{
    fhi_box *box = &version->box;
    fhi_level *level = &version->levels[at];
    const char *from = version->levels[at - 1].path;
    fhi_report report = {{0}};
    if (box->host.read == NULL) {
        luaL_error(L, "extend: nothing here can read \"%s\"", name);
    }
    char *text = fhi_arena_resize(&box->arena, NULL, 0, FHI_SOURCE_MAX);
    if (text == NULL) {
        luaL_error(L, "not enough memory");
    }
    level->text = text;
    if (box->host.read(box->host.context, from, name, text, &level->size, level->path, &report) !=
        FH_OK) {
        luaL_error(L, "extend: %s", report.text);
    }
    for (uint32_t i = 0; i < at; i++) {
        if (strcmp(version->levels[i].path, level->path) == 0) {
            luaL_error(L, "extend: \"%s\" extends itself", name);
        }
    }
}

/* The level that a call of extend() is to load. */
static uint32_t next_level(lua_State *L, const fhi_version *version)
{
    if (version->loading == 0) {
        luaL_error(L, "extend: only while a script is loaded, and not in a hook");
    }
    if (version->loading < version->level_count) {
        luaL_error(L, "extend: a script extends once");
    }
    if (version->level_count == FHI_LEVELS_MAX) {
        luaL_error(L, "extend: at most %d scripts in a row", FHI_LEVELS_MAX);
    }
    return version->level_count;
}

/* name, overrides */
static int extend(lua_State *L)
{
    fhi_version *version = fhi_box_of(L)->owner;
    fhi_report report = {{0}};
    fhi_charge(L, FHI_COST_CALL);
    const char *name = luaL_checkstring(L, 1);
    if (!lua_isnoneornil(L, 2)) {
        fhi_check_own_table(L, 2);
    }
    lua_settop(L, 2);
    uint32_t at = next_level(L, version);
    luaL_checkstack(L, 16, "extend");
    version->level_count++;
    read_text(L, version, at, name);
    if (!fhi_level_load(L, version, at, &report)) {
        luaL_error(L, "%s", report.text);
    }
    version->levels[at - 1].extended = true;

    /* Stack: name, overrides, the base's table. */
    lua_newtable(L);
    copy_fields(L, 3, 4);
    lua_pushnil(L);
    lua_setfield(L, 4, "name");
    if (lua_istable(L, 2)) {
        copy_fields(L, 2, 4);
        lua_getfield(L, 3, "options");
        lua_getfield(L, 2, "options");
        merge_options(L);
        lua_setfield(L, 4, "options");
    }
    fhi_arena_resize(&version->box.arena, (char *)version->levels[at].text, FHI_SOURCE_MAX, 0);
    version->levels[at].text = NULL;
    return 1;
}

void fhi_extend_push(lua_State *L)
{
    lua_pushcfunction(L, extend);
}
