#include "binding/contract.h"

#include <string.h>

/* The registry key is the address. */
static const char contract_key = 0;

fhi_contract *fhi_contract_open(lua_State *L)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &contract_key);
    fhi_contract *self = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (self == NULL) {
        self = lua_newuserdatauv(L, sizeof *self, 0);
        memset(self, 0, sizeof *self);
        fhi_facts_register(L, &self->scope);
        fhi_decision_register(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &contract_key);
    }
    return self;
}
