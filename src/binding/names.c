/* The lists are made from the headers' X-macros where those have one. Flags come as "a|b" or as a
 * list when they are written down, and go as sets, because a program asks a set in one word:
 * `info.flags.host_visible`. What goes out may come in again. */

#include "binding/names.h"

#include "binding/check.h"

#include <freehold/freehold.h>
#include <freehold/script.h>

#include <stdbool.h>
#include <string.h>

#define TEXT(name, text)          text,
#define BIT_TEXT(name, bit, text) [(bit)] = (text),

const char *const fhi_access_names[] = {
    [FH_ACCESS_BY_LOCATION] = "by_location",
    [FH_ACCESS_SEQUENTIAL] = "sequential",
    [FH_ACCESS_RANDOM] = "random",
    NULL,
};

const char *const fhi_adapter_kind_names[] = {
    [FH_ADAPTER_DISCRETE] = "discrete",
    [FH_ADAPTER_INTEGRATED] = "integrated",
    [FH_ADAPTER_SOFTWARE] = "software",
    NULL,
};

const char *const fhi_algorithm_names[] = {
    [FH_BLOCK_TLSF] = "tlsf",
    [FH_BLOCK_LINEAR] = "linear",
    NULL,
};

const char *const fhi_backend_call_names[] = {FH_BACKEND_CALLS(TEXT) NULL};
const char *const fhi_cap_names[] = {FH_CAPS(BIT_TEXT) NULL};

const char *const fhi_dedicated_names[] = {
    [FH_DEDICATED_AUTO] = "auto",
    [FH_DEDICATED_PREFER] = "prefer",
    [FH_DEDICATED_REQUIRE] = "require",
    [FH_DEDICATED_NEVER] = "never",
    NULL,
};

const char *const fhi_event_names[] = {FH_EVENTS(BIT_TEXT) NULL};

const char *const fhi_evictable_names[] = {
    [FH_EVICTABLE_NO] = "no",
    [FH_EVICTABLE_AT_TICK] = "at_tick",
    [FH_EVICTABLE_ANY_THREAD] = "any_thread",
    NULL,
};

const char *const fhi_fault_kind_names[] = {
    [FH_FAULT_FAIL] = "fail",
    [FH_FAULT_STALL] = "stall",
    [FH_FAULT_BUDGET] = "budget",
    [FH_FAULT_LOSE] = "lose",
    NULL,
};

#define FORMAT_TEXT(name, text, width, height, bytes, traits) text,
const char *const fhi_format_names[] = {"none", FH_FORMATS(FORMAT_TEXT) NULL};

const char *const fhi_hook_names[] = {FH_HOOKS(TEXT) NULL};

const char *const fhi_kind_names[] = {FH_KINDS(TEXT) NULL};

const char *const fhi_location_names[] = {
    [FH_LOCATION_DEVICE] = "device",
    [FH_LOCATION_UPLOAD] = "upload",
    [FH_LOCATION_READBACK] = "readback",
    [FH_LOCATION_DEVICE_UPLOAD] = "device_upload",
    NULL,
};

const char *const fhi_memory_flag_names[] = {FH_MEMORY_FLAGS(BIT_TEXT) NULL};

const char *const fhi_option_type_names[] = {FH_OPTION_TYPES(TEXT) NULL};

const char *const fhi_outcome_names[] = {
    [FH_OUTCOME_DECIDED] = "decided",
    [FH_OUTCOME_NOTHING] = "nothing",
    [FH_OUTCOME_FAILED] = "failed",
    [FH_OUTCOME_STOPPED] = "stopped",
    [FH_OUTCOME_BUSY] = "busy",
    [FH_OUTCOME_QUARANTINED] = "quarantined",
    NULL,
};

const char *const fhi_relief_names[] = {FH_RELIEF_ACTIONS(TEXT) NULL};

const char *const fhi_scope_names[] = {
    [FH_ACCOUNT_TOTAL] = "total",
    [FH_ACCOUNT_HEAP] = "heap",
    [FH_ACCOUNT_KIND] = "kind",
    [FH_ACCOUNT_TAG] = "tag",
    NULL,
};

const char *const fhi_script_state_names[] = {
    [FH_SCRIPT_LOADED] = "loaded",
    [FH_SCRIPT_RELOADED] = "reloaded",
    [FH_SCRIPT_REJECTED] = "rejected",
    [FH_SCRIPT_QUARANTINED] = "quarantined",
    NULL,
};

const char *const fhi_strategy_names[] = {
    [FH_STRATEGY_BALANCED] = "balanced",
    [FH_STRATEGY_MIN_TIME] = "min_time",
    [FH_STRATEGY_MIN_MEMORY] = "min_memory",
    [FH_STRATEGY_MIN_OFFSET] = "min_offset",
    NULL,
};

const char *const fhi_texture_kind_names[] = {
    [FH_TEXTURE_2D] = "2d",
    [FH_TEXTURE_1D] = "1d",
    [FH_TEXTURE_3D] = "3d",
    [FH_TEXTURE_CUBE] = "cube",
    NULL,
};

const char *const fhi_usage_names[] = {FH_USAGES(BIT_TEXT) NULL};

void fhi_push_flags(lua_State *L, uint32_t bits, const char *const *names)
{
    lua_newtable(L);
    for (int i = 0; names[i] != NULL; i++) {
        if ((bits >> i & 1) != 0) {
            lua_pushboolean(L, 1);
            lua_setfield(L, -2, names[i]);
        }
    }
}

static int unknown_flag(lua_State *L, int arg, const char *name, const char *word, size_t length,
                        const char *const *names)
{
    const char *wrong = lua_pushlstring(L, word, length);
    fhi_push_nearest(L, wrong, names);
    return luaL_argerror(
        L, arg, lua_pushfstring(L, "%s: unknown name '%s'%s", name, wrong, lua_tostring(L, -1)));
}

static uint32_t bit_of(lua_State *L, int arg, const char *name, const char *word, size_t length,
                       const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], word, length) == 0) {
            return UINT32_C(1) << i;
        }
    }
    return (uint32_t)unknown_flag(L, arg, name, word, length, names);
}

/* "a|b", with blanks around the names. "" is none. */
static uint32_t bits_of_text(lua_State *L, int index, int arg, const char *name,
                             const char *const *names)
{
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    const char *end = text + length;
    uint32_t bits = 0;
    while (length > 0) {
        const char *stop = memchr(text, '|', (size_t)(end - text));
        const char *next = stop != NULL ? stop : end;
        const char *first = text, *last = next;
        while (first < last && *first == ' ') {
            first++;
        }
        while (last > first && last[-1] == ' ') {
            last--;
        }
        bits |= bit_of(L, arg, name, first, (size_t)(last - first), names);
        if (stop == NULL) {
            break;
        }
        text = stop + 1;
    }
    return bits;
}

uint32_t fhi_check_flags(lua_State *L, int index, int arg, const char *name,
                         const char *const *names)
{
    if (lua_type(L, index) == LUA_TSTRING) {
        return bits_of_text(L, index, arg, name, names);
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, name, "string or table");
    }
    uint32_t bits = 0;
    luaL_checkstack(L, 6, NULL);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        /* In a list the word is the value, in a set it is the key. */
        int word = lua_type(L, -2) == LUA_TNUMBER ? -1 : -2;
        if (lua_type(L, word) != LUA_TSTRING) {
            fhi_type_error(L, lua_absindex(L, word), arg, name, "names");
        }
        size_t length;
        const char *text = lua_tolstring(L, word, &length);
        uint32_t bit = bit_of(L, arg, name, text, length, names);
        if (word == -1 || fhi_check_boolean(L, lua_absindex(L, -1), arg, name)) {
            bits |= bit;
        }
        lua_pop(L, 1);
    }
    return bits;
}
