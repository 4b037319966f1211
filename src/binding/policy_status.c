/* The structs of script.h as tables. Scripts are counted from 1, since they come in a list: what
 * `script` says elsewhere is a position in status().scripts. */

#include "binding/policy_status.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/policy.h"
#include "binding/result.h"
#include "sandbox/decision.h"
#include "sandbox/state.h"
#include "script/state.h"

#include <string.h>

void fhi_push_lines(lua_State *L, const char *text)
{
    lua_Integer count = 0;
    lua_newtable(L);
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        lua_pushlstring(L, text, length);
        lua_rawseti(L, -2, ++count);
        text += length + (text[length] == '\n');
    }
}

/* ---- options ---- */

/* Push a value that fh_policy_set_option() would take as what it is. */
static void push_value(lua_State *L, fh_option_type type, const char *text)
{
    uint64_t bytes;
    switch (type) {
    case FH_OPTION_BYTES:
        if (fhi_parse_bytes(text, strlen(text), &bytes) && bytes <= (uint64_t)LUA_MAXINTEGER) {
            lua_pushinteger(L, (lua_Integer)bytes);
            return;
        }
        break;
    case FH_OPTION_INTEGER:
    case FH_OPTION_NUMBER:
        if (lua_stringtonumber(L, text) == strlen(text) + 1) {
            return;
        }
        break;
    case FH_OPTION_BOOLEAN:
        lua_pushboolean(L, strcmp(text, "true") == 0);
        return;
    default:
        break;
    }
    lua_pushstring(L, text);
}

/* A limit of a range, which is an integer where the option is one. */
static void set_bound(lua_State *L, const char *name, fh_option_type type, double bound)
{
    if (type != FH_OPTION_NUMBER && bound >= -9223372036854775808.0 &&
        bound < 9223372036854775808.0) {
        lua_pushinteger(L, (lua_Integer)bound);
    } else {
        lua_pushnumber(L, bound);
    }
    lua_setfield(L, -2, name);
}

/* "a|b|c" as a list. */
static void push_choices(lua_State *L, const char *text)
{
    lua_Integer count = 0;
    lua_newtable(L);
    while (*text != '\0') {
        size_t length = strcspn(text, "|");
        lua_pushlstring(L, text, length);
        lua_rawseti(L, -2, ++count);
        text += length + (text[length] == '|');
    }
}

void fhi_push_option(lua_State *L, const fh_option_info *option)
{
    lua_createtable(L, 0, 10);
    fhi_set_integer(L, "script", (uint64_t)option->script + 1);
    fhi_set_text(L, "name", option->name);
    fhi_set_text(L, "type", fhi_option_type_names[option->type]);
    fhi_set_boolean(L, "by_hand", option->by_hand);
    push_value(L, option->type, option->value);
    lua_setfield(L, -2, "value");
    push_value(L, option->type, option->initial);
    lua_setfield(L, -2, "initial");
    if (option->has_min) {
        set_bound(L, "min", option->type, option->min);
    }
    if (option->has_max) {
        set_bound(L, "max", option->type, option->max);
    }
    if (option->type == FH_OPTION_CHOICE) {
        push_choices(L, option->choices);
        lua_setfield(L, -2, "choices");
    }
    if (option->doc[0] != '\0') {
        fhi_set_text(L, "doc", option->doc);
    }
}

int fhi_policy_options_method(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    uint32_t capacity = 0, count = 0;
    fh_option_info *options;
    for (;;) {
        lua_settop(L, 1);
        options = lua_newuserdatauv(L, capacity * sizeof *options + 1, 0);
        fhi_policy_call call;
        fh_policy *policy = fhi_policy_begin(&call, L, self);
        if (policy == NULL) {
            return fhi_push_policy_gone(L);
        }
        fh_result result =
            fh_policy_options(policy, capacity > 0 ? options : NULL, capacity, &count);
        fhi_policy_end(&call);
        if (result != FH_OK) {
            return fhi_push_failure(L, result);
        }
        if (count <= capacity) {
            break;
        }
        capacity = count;
    }
    lua_createtable(L, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        fhi_push_option(L, &options[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- status ---- */

static void push_hook(lua_State *L, const fh_hook_status *hook)
{
    lua_createtable(L, 0, 8);
    fhi_set_boolean(L, "present", hook->present);
    fhi_set_boolean(L, "quarantined", hook->quarantined);
    fhi_set_integer(L, "calls", hook->calls);
    fhi_set_integer(L, "decided", hook->decided);
    fhi_set_integer(L, "failed", hook->failed);
    fhi_set_integer(L, "busy", hook->busy);
    fhi_set_integer(L, "charge", hook->charge);
    fhi_set_integer(L, "time_ns", hook->time_ns);
}

static void set_text_if_any(lua_State *L, const char *name, const char *text)
{
    if (text[0] != '\0') {
        fhi_set_text(L, name, text);
    }
}

static void push_script(lua_State *L, const fh_script_status *script)
{
    lua_createtable(L, 0, 14);
    fhi_set_text(L, "name", script->name);
    set_text_if_any(L, "path", script->path);
    fhi_set_text(L, "state", fhi_script_state_names[script->state]);
    fhi_set_integer(L, "version", script->version);
    fhi_set_boolean(L, "pending", script->pending);
    fhi_set_integer(L, "accepted", script->accepted);
    fhi_set_integer(L, "rejected", script->rejected);
    set_text_if_any(L, "error", script->error);
    fhi_push_lines(L, script->notes);
    lua_setfield(L, -2, "notes");
    fhi_set_integer(L, "memory", script->memory);
    fhi_set_integer(L, "state_bytes", script->state_bytes);
    fhi_set_integer(L, "state_count", script->state_count);
    lua_createtable(L, 0, FH_HOOK_COUNT);
    for (int i = 0; i < FH_HOOK_COUNT; i++) {
        push_hook(L, &script->hooks[i]);
        lua_setfield(L, -2, fhi_hook_names[i]);
    }
    lua_setfield(L, -2, "hooks");
}

int fhi_policy_status_method(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    fh_policy_status *status = lua_newuserdatauv(L, sizeof *status, 0);
    fhi_policy_call call;
    fh_policy *policy = fhi_policy_begin(&call, L, self);
    if (policy == NULL) {
        return fhi_push_policy_gone(L);
    }
    fh_result result = fh_policy_get_status(policy, status);
    fhi_policy_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_createtable(L, 0, 5);
    fhi_set_boolean(L, "in_charge", status->in_charge);
    fhi_set_boolean(L, "watching", status->watching);
    fhi_set_integer(L, "decision_count", status->decision_count);
    fhi_set_integer(L, "swap_ns", status->swap_ns);
    lua_createtable(L, (int)status->script_count, 0);
    for (uint32_t i = 0; i < status->script_count; i++) {
        push_script(L, &status->scripts[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "scripts");
    return 1;
}

/* ---- state ---- */

int fhi_policy_state_method(lua_State *L)
{
    fhi_lua_policy *self = fhi_check_policy(L);
    uint32_t script = 1;
    int failed = lua_isnoneornil(L, 2) ? 0 : fhi_read_count(L, 2, 2, "script", &script);
    if (failed != 0) {
        return failed;
    }
    fhi_state *state = lua_newuserdatauv(L, sizeof *state, 0);
    fhi_policy_call call;
    fh_policy *policy = fhi_policy_begin(&call, L, self);
    if (policy == NULL) {
        return fhi_push_policy_gone(L);
    }
    fh_result result = fhi_policy_save_state(policy, script - 1, state);
    fhi_policy_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    fhi_state_push_plain(L, state);
    return 1;
}
