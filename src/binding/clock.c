#include "binding/clock.h"

#include "base/clock.h"

int fhi_clock_now_ns(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)fhi_now_ns());
    return 1;
}
