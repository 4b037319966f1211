/* What policies need besides Lua's own: sizes in words, a log, and two small tools for numbers that
 * move: a smoothed value and a switch that does not flutter. */

#include "sandbox/arg.h"
#include "sandbox/box.h"
#include "sandbox/decision.h"
#include "sandbox/env.h"
#include "sandbox/format.h"

#include <math.h>

enum {
    LOG_BYTES = 256, /* of a line, with the zero */
    LOG_COST = 400
};

/* log(format, …) */
static int policy_log(lua_State *L)
{
    fhi_box *box = fhi_box_of(L);
    fhi_charge(L, LOG_COST);
    fhi_format_push(L, 1);
    if (box->dry || box->log_left == 0) {
        return 0;
    }
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    char line[LOG_BYTES];
    fhi_clean_text(line, sizeof line, text, size, false);
    fhi_box_log(L, FH_LOG_INFO, line);
    box->log_left--;
    if (box->log_left == 0) {
        fhi_box_log(L, FH_LOG_INFO, "more lines of this call are left out");
    }
    return 0;
}

/* bytes(value) */
static int policy_bytes(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    luaL_checkany(L, 1);
    uint64_t size;
    const char *why = NULL;
    if (lua_type(L, 1) == LUA_TSTRING) {
        fhi_charge_bytes(L, lua_rawlen(L, 1));
    }
    if (!fhi_value_bytes(L, 1, &size, &why)) {
        luaL_argerror(L, 1, why);
    }
    lua_pushinteger(L, (lua_Integer)size);
    return 1;
}

/* A number, and no NaN: one would stay for ever in what is smoothed. */
static lua_Number finite(lua_State *L, int arg)
{
    lua_Number number = fhi_arg_number(L, arg);
    luaL_argcheck(L, isfinite(number), arg, "a finite number expected");
    return number;
}

/* ema(previous, value, alpha): the first time, with nil, it is the value. */
static int policy_ema(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    lua_Number value = finite(L, 2);
    lua_Number alpha = finite(L, 3);
    luaL_argcheck(L, alpha >= 0 && alpha <= 1, 3, "0 to 1 expected");
    lua_Number before = lua_isnil(L, 1) ? value : finite(L, 1);
    lua_pushnumber(L, before + alpha * (value - before));
    return 1;
}

/* hysteresis(is_on, value, on_at, off_at): on from `on_at` on, until `off_at`; with `on_at` below
 * `off_at` it is small values that turn it on. */
static int policy_hysteresis(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    bool is_on = lua_toboolean(L, 1) != 0;
    lua_Number value = finite(L, 2);
    lua_Number on_at = finite(L, 3);
    lua_Number off_at = finite(L, 4);
    bool upwards = on_at >= off_at;
    bool turns_on = upwards ? value >= on_at : value <= on_at;
    bool turns_off = upwards ? value < off_at : value > off_at;
    lua_pushboolean(L, turns_on || (is_on && !turns_off));
    return 1;
}

void fhi_env_policy(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"bytes", policy_bytes},
        {"contains", fhi_env_contains},
        {"log", policy_log},
        {"starts_with", fhi_env_starts_with},
        {NULL, NULL},
    };
    static const luaL_Reg tools[] = {
        {"ema", policy_ema},
        {"hysteresis", policy_hysteresis},
        {NULL, NULL},
    };
    static const struct {
        const char *name;
        lua_Integer bytes;
    } units[] = {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    luaL_setfuncs(L, functions, 0);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        lua_pushinteger(L, units[i].bytes);
        lua_setfield(L, -2, units[i].name);
    }
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 2);
    luaL_setfuncs(L, tools, 0);
    fhi_proxy_wrap(L, "freehold.policy");
    lua_setfield(L, -2, "policy");
    fhi_proxy_wrap(L, "freehold");
    lua_setfield(L, -2, "freehold");
}
