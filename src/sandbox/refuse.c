#include "sandbox/refuse.h"

#include "sandbox/box.h"
#include "sandbox/contract.h"

#include <math.h>
#include <stdarg.h>

enum {
    SHOWN_MAX = 40,  /* bytes of a text of a script's */
    WORDS_SHOWN = 14 /* a list of more words is not spelt out */
};

const char *fhi_describe(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
        return lua_pushliteral(L, "nil");
    case LUA_TBOOLEAN:
        return lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            return lua_pushfstring(L, "%I", (LUAI_UACINT)lua_tointeger(L, index));
        }
        if (isnan(lua_tonumber(L, index))) {
            return lua_pushliteral(L, "not a number");
        }
        if (isinf(lua_tonumber(L, index))) {
            return lua_pushstring(L, lua_tonumber(L, index) > 0 ? "infinity" : "-infinity");
        }
        return lua_pushfstring(L, "%f", (LUAI_UACNUMBER)lua_tonumber(L, index));
    case LUA_TSTRING: {
        char clean[SHOWN_MAX + 1];
        size_t size;
        const char *text = lua_tolstring(L, index, &size);
        fhi_clean_text(clean, sizeof clean, text, size, false);
        return lua_pushfstring(L, size > SHOWN_MAX ? "'%s...'" : "'%s'", clean);
    }
    default:
        if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING) {
            return lua_tostring(L, -1);
        }
        return lua_pushfstring(L, "a %s", luaL_typename(L, index));
    }
}

/* Push "<path>: ". */
static void push_path(lua_State *L, const fhi_path *path)
{
    lua_pushfstring(L, "%s%s", path->where != NULL ? path->where : "", path->root);
    if (path->item != 0) {
        lua_pushfstring(L, ": %s %d", path->list, (int)path->item);
        lua_concat(L, 2);
    }
    if (path->field != NULL) {
        lua_pushfstring(L, ": %s", path->field);
        lua_concat(L, 2);
    }
    if (path->key != NULL) {
        lua_pushfstring(L, ": %s", path->key);
        lua_concat(L, 2);
    }
    lua_pushliteral(L, ": ");
    lua_concat(L, 2);
}

int fhi_refuse(lua_State *L, const fhi_path *path, const char *format, ...)
{
    va_list args;
    luaL_checkstack(L, 8, NULL);
    push_path(L, path);
    va_start(args, format);
    lua_pushvfstring(L, format, args);
    va_end(args);
    lua_concat(L, 2);
    return lua_error(L);
}

int fhi_refuse_value(lua_State *L, int index, const fhi_path *path, const char *expected)
{
    luaL_checkstack(L, 8, NULL);
    return fhi_refuse(L, path, "%s expected, got %s", expected, fhi_describe(L, index));
}

int fhi_refuse_word(lua_State *L, int index, const fhi_path *path, const char *what,
                    const char *const *words)
{
    luaL_checkstack(L, 8, NULL);
    const char *shown = fhi_describe(L, index);
    const char *nearest =
        lua_type(L, index) == LUA_TSTRING ? fhi_nearest_word(lua_tostring(L, index), words) : NULL;
    if (nearest != NULL) {
        return fhi_refuse(L, path, "unknown %s %s; did you mean '%s'?", what, shown, nearest);
    }
    lua_pushliteral(L, "");
    for (int i = 0; words[i] != NULL; i++) {
        if (i == WORDS_SHOWN) {
            return fhi_refuse(L, path, "unknown %s %s", what, shown);
        }
        lua_pushfstring(L, "%s '%s'", i == 0 ? "" : ",", words[i]);
        lua_concat(L, 2);
    }
    return fhi_refuse(L, path, "unknown %s %s; known:%s", what, shown, lua_tostring(L, -1));
}
