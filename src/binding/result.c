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

static const struct {
    const char *name;
    fh_result result;
} all[] = {
#define RESULT_ENTRY(name, value, message) {#name, FH_##name},
    FH_RESULTS(RESULT_ENTRY)
#undef RESULT_ENTRY
};

enum {
    CODE_SIZE = 32,
    RESULT_COUNT = sizeof all / sizeof all[0]
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
    lua_pushnil(L);
    lua_pushstring(L, message);
    fhi_push_code(L, result);
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

/* All codes, in memory of the caller's. */
typedef struct code_list {
    char codes[RESULT_COUNT][CODE_SIZE];
    const char *names[RESULT_COUNT + 1];
} code_list;

static void list_codes(code_list *list)
{
    for (int i = 0; i < RESULT_COUNT; i++) {
        code_of(all[i].name, list->codes[i]);
        list->names[i] = list->codes[i];
    }
    list->names[RESULT_COUNT] = NULL;
}

fh_result fhi_check_code(lua_State *L, int index, int arg, const char *name)
{
    code_list list;
    list_codes(&list);
    return all[fhi_check_choice(L, index, arg, name, list.names)].result;
}

fh_result fhi_result_of(const char *code, fh_result otherwise)
{
    for (int i = 0; i < RESULT_COUNT; i++) {
        char candidate[CODE_SIZE];
        code_of(all[i].name, candidate);
        if (strcmp(candidate, code) == 0) {
            return all[i].result;
        }
    }
    return otherwise;
}

void fhi_push_code(lua_State *L, fh_result result)
{
    char code[CODE_SIZE];
    code_of(bare_name(result), code);
    lua_pushstring(L, code);
}

/* __index of the codes, for names that are not among them. */
static int result_unknown(lua_State *L)
{
    code_list list;
    list_codes(&list);
    const char *wrong = luaL_tolstring(L, 2, NULL);
    fhi_push_nearest(L, wrong, list.names);
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
