/* A code is the C constant without its prefix, in small letters: FH_ERR_OUT_OF_MEMORY is
 * "out_of_memory". Strings and not numbers: a script that prints one, or compares with one, reads
 * well, and Lua compares interned strings by address.
 *
 * fh.result.stale is "stale". That looks idle, but the table raises for a name that it lacks, where
 * a misspelt string would just never be equal. It is a proxy before the table that has the codes:
 * so it also raises when one of them is set. */

#include "binding/result.h"

#include "binding/check.h"

#include <string.h>

enum {
    CODE_SIZE = 32
};

/* "ERR_OUT_OF_MEMORY" to "out_of_memory". */
static void code_of(const char *name, char code[CODE_SIZE])
{
    static const char prefix[] = "ERR_";
    if (strncmp(name, prefix, sizeof prefix - 1) == 0) {
        name += sizeof prefix - 1;
    }
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < CODE_SIZE; i++) {
        char c = name[i];
        code[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    code[i] = '\0';
}

/* The constant's name without FH_. */
static const char *bare_name(fh_result result)
{
    return fh_result_name(result) + sizeof "FH_" - 1;
}

static int push_failure(lua_State *L, fh_result result, const char *message)
{
    char code[CODE_SIZE];
    code_of(bare_name(result), code);
    lua_pushnil(L);
    lua_pushstring(L, message);
    lua_pushstring(L, code);
    return 3;
}

int fhi_push_failure(lua_State *L, fh_result result)
{
    const char *detail = fh_error_detail();
    return push_failure(L, result, detail[0] != '\0' ? detail : fh_result_message(result));
}

int fhi_push_failure_of(lua_State *L, fh_result result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *message = lua_pushvfstring(L, format, arguments);
    va_end(arguments);
    return push_failure(L, result, message);
}

/* __index of the codes, for names that are not among them. */
static int result_unknown(lua_State *L)
{
#define RESULT_NAME(name, value, message) #name,
    static const char *const names[] = {FH_RESULTS(RESULT_NAME) NULL};
#undef RESULT_NAME
    enum {
        COUNT = sizeof names / sizeof names[0]
    };
    char codes[COUNT][CODE_SIZE];
    const char *list[COUNT];
    for (int i = 0; i < COUNT; i++) {
        list[i] = NULL;
        if (names[i] != NULL) {
            code_of(names[i], codes[i]);
            list[i] = codes[i];
        }
    }
    const char *wrong = luaL_tolstring(L, 2, NULL);
    fhi_push_nearest(L, wrong, list);
    return luaL_error(L, "fh.result has no code '%s'%s", wrong, lua_tostring(L, -1));
}

/* __newindex of fh.result */
static int result_set(lua_State *L)
{
    return luaL_error(L, "fh.result is read-only: '%s' cannot be set", luaL_tolstring(L, 2, NULL));
}

/* What pairs() calls, in place of next(): the codes are its upvalue. */
static int result_next(lua_State *L)
{
    lua_settop(L, 2);
    return lua_next(L, lua_upvalueindex(1)) != 0 ? 2 : 0;
}

/* __pairs of fh.result */
static int result_pairs(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, result_next, 1);
    lua_pushvalue(L, 1);
    return 2;
}

void fhi_push_result_table(lua_State *L)
{
    luaL_checkstack(L, 5, NULL);
    lua_newtable(L);          /* result */
    lua_createtable(L, 0, 4); /* result meta */
    lua_newtable(L);          /* result meta codes */
#define RESULT_FIELD(name, value, message)                                                         \
    {                                                                                              \
        char code[CODE_SIZE];                                                                      \
        code_of(#name, code);                                                                      \
        lua_pushstring(L, code);                                                                   \
        lua_setfield(L, -2, code);                                                                 \
    }
    FH_RESULTS(RESULT_FIELD)
#undef RESULT_FIELD
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, result_unknown);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);

    lua_pushvalue(L, -1);
    lua_pushcclosure(L, result_pairs, 1);
    lua_setfield(L, -3, "__pairs");
    lua_setfield(L, -2, "__index"); /* result meta */
    lua_pushcfunction(L, result_set);
    lua_setfield(L, -2, "__newindex");
    lua_pushliteral(L, "freehold.result");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}
