/* The bytes are those of sandbox/state_node.h. What a script may keep is what is taken here, and
 * the engine checks it once more when it is given a state. */

#include "binding/policy_state.h"

#include "binding/check.h"
#include "sandbox/state_node.h"

#include <string.h>

typedef struct writing {
    lua_State *L;
    int arg;
    const char *name;
    fhi_state *state;
    uint32_t count;
} writing;

static void put(writing *self, const void *bytes, size_t size)
{
    if (size > FHI_STATE_MAX - self->state->size) {
        luaL_argerror(
            self->L, self->arg,
            lua_pushfstring(self->L, "%s: more than %d bytes", self->name, FHI_STATE_MAX));
    }
    memcpy(self->state->bytes + self->state->size, bytes, size);
    self->state->size += size;
}

static void put_tag(writing *self, int tag)
{
    unsigned char byte = (unsigned char)tag;
    put(self, &byte, 1);
}

static void put_string(writing *self, int index)
{
    size_t length;
    const char *text = lua_tolstring(self->L, index, &length);
    uint32_t size = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
    put_tag(self, FHI_STATE_STRING);
    put(self, &size, sizeof size);
    put(self, text, length);
}

static void put_number(writing *self, int index)
{
    if (lua_isinteger(self->L, index)) {
        lua_Integer integer = lua_tointeger(self->L, index);
        put_tag(self, FHI_STATE_INTEGER);
        put(self, &integer, sizeof integer);
    } else {
        lua_Number number = lua_tonumber(self->L, index);
        put_tag(self, FHI_STATE_FLOAT);
        put(self, &number, sizeof number);
    }
}

static void put_key(writing *self, int index)
{
    if (lua_type(self->L, index) == LUA_TSTRING) {
        put_string(self, index);
    } else if (lua_isinteger(self->L, index)) {
        put_number(self, index);
    } else {
        luaL_argerror(self->L, self->arg,
                      lua_pushfstring(self->L, "%s: keys are strings or integers", self->name));
    }
}

static void put_entries(writing *self, int index, int depth)
{
    lua_State *L = self->L;
    luaL_checkstack(L, 6, NULL);
    if (depth > FHI_STATE_DEPTH) {
        luaL_argerror(L, self->arg,
                      lua_pushfstring(L, "%s: tables in tables, deeper than %d", self->name,
                                      FHI_STATE_DEPTH));
    }
    lua_pushnil(L);
    while (lua_next(L, index)) {
        int key = lua_gettop(L) - 1, value = key + 1;
        if (++self->count > FHI_STATE_VALUES) {
            luaL_argerror(
                L, self->arg,
                lua_pushfstring(L, "%s: more than %d values", self->name, FHI_STATE_VALUES));
        }
        put_key(self, key);
        switch (lua_type(L, value)) {
        case LUA_TBOOLEAN:
            put_tag(self, lua_toboolean(L, value) ? FHI_STATE_TRUE : FHI_STATE_FALSE);
            break;
        case LUA_TNUMBER:
            put_number(self, value);
            break;
        case LUA_TSTRING:
            put_string(self, value);
            break;
        case LUA_TTABLE:
            put_tag(self, FHI_STATE_TABLE);
            put_entries(self, value, depth + 1);
            put_tag(self, FHI_STATE_END);
            break;
        default:
            luaL_argerror(
                L, self->arg,
                lua_pushfstring(L, "%s: a %s cannot be kept", self->name, luaL_typename(L, value)));
        }
        lua_settop(L, key);
    }
}

void fhi_read_state(lua_State *L, int index, int arg, const char *name, fhi_state *out_state)
{
    writing self = {L, arg, name, out_state, 0};
    out_state->size = 0;
    if (lua_isnil(L, index)) {
        return;
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, name, "table");
    }
    put_entries(&self, index, 0);
}
