/* Arguments are read with lua_type() first and converted after: lua_tointegerx() alone takes the
 * string "64" for a number, and a size that came out of a text file unnoticed is a mistake waiting
 * for its day.
 *
 * "Nearest" is the edit distance in which a swap of neighbours counts as one step, as typing errors
 * go. It runs on the way to an error only, and needs no memory: longer names than NAME_MAX_LENGTH
 * are not compared. */

#include "binding/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_LENGTH = 31
};

int fhi_type_error(lua_State *L, int index, int arg, const char *name, const char *expected)
{
    const char *got = luaL_typename(L, index);
    if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING) {
        got = lua_tostring(L, -1);
    }
    return luaL_argerror(L, arg,
                         lua_pushfstring(L, "%s: %s expected, got %s", name, expected, got));
}

lua_Integer fhi_check_integer(lua_State *L, int index, int arg, const char *name)
{
    if (lua_type(L, index) != LUA_TNUMBER) {
        fhi_type_error(L, index, arg, name, "integer");
    }
    int exact = 0;
    lua_Integer value = lua_tointegerx(L, index, &exact);
    if (!exact) {
        luaL_argerror(L, arg,
                      lua_pushfstring(L, "%s: integer expected, got %f", name,
                                      (LUAI_UACNUMBER)lua_tonumber(L, index)));
    }
    return value;
}

bool fhi_check_boolean(lua_State *L, int index, int arg, const char *name)
{
    if (lua_type(L, index) != LUA_TBOOLEAN) {
        fhi_type_error(L, index, arg, name, "boolean");
    }
    return lua_toboolean(L, index) != 0;
}

int fhi_check_choice(lua_State *L, int index, int arg, const char *name, const char *const *choices)
{
    if (lua_type(L, index) != LUA_TSTRING) {
        fhi_type_error(L, index, arg, name, "string");
    }
    const char *word = lua_tostring(L, index);
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(word, choices[i]) == 0) {
            return i;
        }
    }
    fhi_push_nearest(L, word, choices);
    return luaL_argerror(
        L, arg, lua_pushfstring(L, "%s: unknown name '%s'%s", name, word, lua_tostring(L, -1)));
}

void fhi_check_table(lua_State *L, int arg, const char *name)
{
    if (lua_type(L, arg) != LUA_TTABLE) {
        fhi_type_error(L, arg, arg, name, "table");
    }
}

int fhi_check_field(lua_State *L, int index, int arg, const char *const *fields)
{
    if (lua_type(L, index) != LUA_TSTRING) {
        const char *key = luaL_tolstring(L, index, NULL);
        fhi_push_nearest(L, "", fields);
        return luaL_argerror(L, arg,
                             lua_pushfstring(L, "unknown field [%s]%s", key, lua_tostring(L, -1)));
    }
    const char *key = lua_tostring(L, index);
    for (int i = 0; fields[i] != NULL; i++) {
        if (strcmp(key, fields[i]) == 0) {
            return i;
        }
    }
    fhi_push_nearest(L, key, fields);
    return luaL_argerror(L, arg,
                         lua_pushfstring(L, "unknown field '%s'%s", key, lua_tostring(L, -1)));
}

static int min3(int a, int b, int c)
{
    int least = a < b ? a : b;
    return least < c ? least : c;
}

/* Edit distance with swaps (optimal string alignment); both names fit NAME_MAX_LENGTH. */
static int distance(const char *a, int a_length, const char *b, int b_length)
{
    int rows[3][NAME_MAX_LENGTH + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    for (int j = 0; j <= b_length; j++) {
        above[j] = j;
        before[j] = 0;
    }
    for (int i = 1; i <= a_length; i++) {
        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            int same = a[i - 1] == b[j - 1];
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < row[j]) {
                row[j] = before[j - 2] + 1;
            }
        }
        int *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b_length];
}

void fhi_push_nearest(lua_State *L, const char *wrong, const char *const *names)
{
    int best = -1, best_distance = 0;
    size_t wrong_length = strlen(wrong);
    if (wrong_length > 0 && wrong_length <= NAME_MAX_LENGTH) {
        for (int i = 0; names[i] != NULL; i++) {
            size_t length = strlen(names[i]);
            if (length > NAME_MAX_LENGTH) {
                continue;
            }
            int d = distance(wrong, (int)wrong_length, names[i], (int)length);
            /* More than a third of the word wrong is another word. */
            if (d <= 1 + (int)length / 3 && (best < 0 || d < best_distance)) {
                best = i;
                best_distance = d;
            }
        }
    }
    if (best >= 0) {
        lua_pushfstring(L, "; did you mean '%s'?", names[best]);
        return;
    }
    luaL_checkstack(L, 2, NULL);
    lua_pushliteral(L, "; known:");
    for (int i = 0; names[i] != NULL; i++) {
        lua_pushfstring(L, "%s '%s'", i == 0 ? "" : ",", names[i]);
        lua_concat(L, 2);
    }
}
