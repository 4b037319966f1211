/* The verdict of every day: a table with a few words, booleans and numbers, all of them right. In
 * which order they are read does not matter then, so they are read as Lua walks them; whatever is
 * not as simple is left to decision.c, which also knows how to say what is wrong. */

#include "sandbox/decision.h"

#include "base/compiler.h"
#include "sandbox/value.h"

#include <string.h>

/* The value on top, if it is right and of a simple type. */
FHI_HOT_INLINE bool read_simply(lua_State *L, const fhi_names *names, int index, fh_verdict *out)
{
    const fhi_member *member = &names->shape->members[index];
    void *at = (char *)out + member->offset;
    if (member->type == FHI_VALUE_CHOICE) {
        int word = fhi_names_word(names, index, lua_topointer(L, -1));
        *(int *)at = word;
        if (FHI_UNLIKELY(word < 0)) {
            return false;
        }
    } else if (member->type == FHI_VALUE_BOOLEAN && lua_type(L, -1) == LUA_TBOOLEAN) {
        *(bool *)at = lua_toboolean(L, -1) != 0;
    } else if (member->type == FHI_VALUE_FLOAT && lua_type(L, -1) == LUA_TNUMBER) {
        double number = lua_tonumber(L, -1);
        *(float *)at = (float)number;
        if (!(number >= member->min && number <= member->max)) {
            return false;
        }
    } else {
        return false;
    }
    if (member->given_offset != SIZE_MAX) {
        *(bool *)(void *)((char *)out + member->given_offset) = true;
    }
    return true;
}

bool fhi_decision_read_verdict(lua_State *L, int index, const fhi_names *names,
                               fhi_decision_reader *reader, bool *out_decided, fh_verdict *out)
{
    int type = lua_type(L, index);
    reader->keep_given = false;
    *out_decided = type != LUA_TNIL;
    if (type != LUA_TTABLE) {
        return type == LUA_TNIL;
    }
    index = lua_absindex(L, index);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int member = fhi_names_find(names, lua_topointer(L, -2));
        if (FHI_UNLIKELY(member < 0 || !read_simply(L, names, member, out))) {
            lua_settop(L, index);
            memset(out, 0, sizeof *out);
            return false;
        }
        reader->keep_given = reader->keep_given ||
                             names->shape->members[member].offset == offsetof(fh_verdict, keep);
        lua_pop(L, 1);
    }
    return true;
}
