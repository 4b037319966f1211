/* math: all of Lua's but randomseed. random() is a generator of the box's own that begins with the
 * same constants in every box, so that what it gives is a matter of which calls were made, not of
 * the run. Using it makes a verdict uncached, and rightly so: it is not the same each time.
 *
 * Source: Blackman, Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018
 *         (xoshiro256**). */

#include "sandbox/arg.h"
#include "sandbox/box.h"
#include "sandbox/env.h"
#include "sandbox/lua54.h"

#include <math.h>

enum {
    COST_RANDOM = 30,
    COST_FUNCTION = 40, /* sin() and so on; large arguments take longest */
    COST_FMOD = 400     /* grows with the distance of the exponents */
};

static void push_floored(lua_State *L, lua_Number value)
{
    lua_Integer integer;
    if (lua_numbertointeger(value, &integer)) {
        lua_pushinteger(L, integer);
    } else {
        lua_pushnumber(L, value);
    }
}

static int math_abs(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    if (lua_isinteger(L, 1)) {
        lua_Integer value = lua_tointeger(L, 1);
        lua_pushinteger(L, value < 0 ? (lua_Integer)(0U - (lua_Unsigned)value) : value);
    } else {
        lua_pushnumber(L, fabs(fhi_arg_number(L, 1)));
    }
    return 1;
}

static int math_floor(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    if (lua_isinteger(L, 1)) {
        lua_settop(L, 1);
    } else {
        push_floored(L, floor(fhi_arg_number(L, 1)));
    }
    return 1;
}

static int math_ceil(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    if (lua_isinteger(L, 1)) {
        lua_settop(L, 1);
    } else {
        push_floored(L, ceil(fhi_arg_number(L, 1)));
    }
    return 1;
}

static int math_fmod(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    if (!lua_isinteger(L, 1) || !lua_isinteger(L, 2)) {
        lua_Number a = fhi_arg_number(L, 1);
        lua_Number b = fhi_arg_number(L, 2);
        fhi_charge(L, COST_FMOD);
        lua_pushnumber(L, fmod(a, b));
        return 1;
    }
    lua_Integer divisor = lua_tointeger(L, 2);
    luaL_argcheck(L, divisor != 0, 2, "zero");
    /* The smallest integer divided by -1 overflows. */
    lua_pushinteger(L, divisor == -1 ? 0 : lua_tointeger(L, 1) % divisor);
    return 1;
}

static int math_modf(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    if (lua_isinteger(L, 1)) {
        lua_settop(L, 1);
        lua_pushnumber(L, 0.0);
        return 2;
    }
    lua_Number value = fhi_arg_number(L, 1);
    lua_Number whole = value < 0 ? ceil(value) : floor(value);
    push_floored(L, whole);
    lua_pushnumber(L, value == whole ? 0.0 : value - whole);
    return 2;
}

static int math_tointeger(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    luaL_checkany(L, 1);
    int is_one = 0;
    lua_Integer value = lua_type(L, 1) == LUA_TNUMBER ? lua_tointegerx(L, 1, &is_one) : 0;
    if (is_one) {
        lua_pushinteger(L, value);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static int math_type(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TNUMBER) {
        lua_pushstring(L, lua_isinteger(L, 1) ? "integer" : "float");
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static int math_ult(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    lua_Unsigned a = (lua_Unsigned)fhi_arg_integer(L, 1);
    lua_Unsigned b = (lua_Unsigned)fhi_arg_integer(L, 2);
    lua_pushboolean(L, a < b);
    return 1;
}

/* The argument that comes before all others in `order`. */
static int best(lua_State *L, bool largest)
{
    int count = lua_gettop(L);
    fhi_charge(L, FHI_COST_CALL + (uint64_t)count * 2);
    fhi_arg_number(L, 1);
    int found = 1;
    for (int i = 2; i <= count; i++) {
        fhi_arg_number(L, i);
        if (largest ? lua_compare(L, found, i, LUA_OPLT) : lua_compare(L, i, found, LUA_OPLT)) {
            found = i;
        }
    }
    lua_pushvalue(L, found);
    return 1;
}

static int math_max(lua_State *L)
{
    return best(L, true);
}

static int math_min(lua_State *L)
{
    return best(L, false);
}

/* ---- functions of one number ---- */

static int apply(lua_State *L, lua_Number (*function)(lua_Number))
{
    fhi_charge(L, FHI_COST_CALL + COST_FUNCTION);
    lua_pushnumber(L, function(fhi_arg_number(L, 1)));
    return 1;
}

static int math_sqrt(lua_State *L)
{
    return apply(L, sqrt);
}

static int math_sin(lua_State *L)
{
    return apply(L, sin);
}

static int math_cos(lua_State *L)
{
    return apply(L, cos);
}

static int math_tan(lua_State *L)
{
    return apply(L, tan);
}

static int math_asin(lua_State *L)
{
    return apply(L, asin);
}

static int math_acos(lua_State *L)
{
    return apply(L, acos);
}

static int math_exp(lua_State *L)
{
    return apply(L, exp);
}

static int math_deg(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    lua_pushnumber(L, fhi_arg_number(L, 1) * (180.0 / 3.141592653589793));
    return 1;
}

static int math_rad(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL);
    lua_pushnumber(L, fhi_arg_number(L, 1) * (3.141592653589793 / 180.0));
    return 1;
}

static int math_atan(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL + COST_FUNCTION);
    lua_Number y = fhi_arg_number(L, 1);
    lua_pushnumber(L, atan2(y, lua_isnoneornil(L, 2) ? 1.0 : fhi_arg_number(L, 2)));
    return 1;
}

static int math_log(lua_State *L)
{
    fhi_charge(L, FHI_COST_CALL + 2 * COST_FUNCTION);
    lua_Number value = fhi_arg_number(L, 1);
    lua_Number base = lua_isnoneornil(L, 2) ? 0.0 : fhi_arg_number(L, 2);
    if (lua_isnoneornil(L, 2)) {
        value = log(value);
    } else if (base == 2.0) {
        value = log2(value);
    } else if (base == 10.0) {
        value = log10(value);
    } else {
        value = log(value) / log(base);
    }
    lua_pushnumber(L, value);
    return 1;
}

/* ---- random ---- */

static uint64_t rotated(uint64_t word, int by)
{
    return word << by | word >> (64 - by);
}

static uint64_t next_random(uint64_t s[4])
{
    uint64_t result = rotated(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotated(s[3], 45);
    return result;
}

/* 0 to `most`, all alike. Each round succeeds with a chance of more than a half. */
static uint64_t random_below(uint64_t s[4], uint64_t most)
{
    uint64_t mask = most;
    for (int shift = 1; shift < 64; shift *= 2) {
        mask |= mask >> shift;
    }
    uint64_t value = next_random(s) & mask;
    while (value > most) {
        value = next_random(s) & mask;
    }
    return value;
}

/* random(): a float in [0, 1). random(0): any integer. random([from,] to): an integer in there. */
static int math_random(lua_State *L)
{
    fhi_charge(L, COST_RANDOM);
    fhi_box_impure(L, "math.random");
    uint64_t *state = fhi_box_of(L)->random;
    lua_Integer from = 1;
    lua_Integer to = 0;
    switch (lua_gettop(L)) {
    case 0:
        lua_pushnumber(L, (lua_Number)(next_random(state) >> 11) * (0.5 / (UINT64_C(1) << 52)));
        return 1;
    case 1:
        to = fhi_arg_integer(L, 1);
        if (to == 0) {
            lua_pushinteger(L, (lua_Integer)next_random(state));
            return 1;
        }
        break;
    case 2:
        from = fhi_arg_integer(L, 1);
        to = fhi_arg_integer(L, 2);
        break;
    default:
        return luaL_error(L, "wrong number of arguments");
    }
    luaL_argcheck(L, from <= to, lua_gettop(L), "interval is empty");
    uint64_t span = (lua_Unsigned)to - (lua_Unsigned)from;
    lua_pushinteger(L, (lua_Integer)(random_below(state, span) + (lua_Unsigned)from));
    return 1;
}

void fhi_env_math(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"abs", math_abs},       {"acos", math_acos}, {"asin", math_asin},
        {"atan", math_atan},     {"ceil", math_ceil}, {"cos", math_cos},
        {"deg", math_deg},       {"exp", math_exp},   {"floor", math_floor},
        {"fmod", math_fmod},     {"log", math_log},   {"max", math_max},
        {"min", math_min},       {"modf", math_modf}, {"rad", math_rad},
        {"random", math_random}, {"sin", math_sin},   {"sqrt", math_sqrt},
        {"tan", math_tan},       {"ult", math_ult},   {"tointeger", math_tointeger},
        {"type", math_type},     {NULL, NULL},
    };
    luaL_newlib(L, functions);
    lua_pushnumber(L, 3.141592653589793);
    lua_setfield(L, -2, "pi");
    lua_pushnumber(L, HUGE_VAL);
    lua_setfield(L, -2, "huge");
    lua_pushinteger(L, LUA_MAXINTEGER);
    lua_setfield(L, -2, "maxinteger");
    lua_pushinteger(L, LUA_MININTEGER);
    lua_setfield(L, -2, "mininteger");
    uint64_t *state = fhi_box_of(L)->random;
    /* Digits of pi: nothing up anyone's sleeve. */
    state[0] = UINT64_C(0x243f6a8885a308d3);
    state[1] = UINT64_C(0x13198a2e03707344);
    state[2] = UINT64_C(0xa4093822299f31d0);
    state[3] = UINT64_C(0x082efa98ec4e6c89);
}
