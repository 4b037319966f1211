/* A value has three forms: what the script declares, the Lua value that self.options shows, and the
 * text of fh_option_info. All of them go through the Lua value: it is made of the script's value or
 * of a text, checked against the bounds, and then written as text. */

#include "sandbox/options.h"

#include "sandbox/blame.h"
#include "sandbox/contract.h"
#include "sandbox/decision.h"
#include "sandbox/env.h"
#include "sandbox/number.h"
#include "sandbox/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHOICES_MAX = 32,
    VALUE_MAX = sizeof((fh_option_info *)NULL)->value - 1
};

static const char *const type_names[] = {
#define TYPE_NAME(name, text) text,
    FH_OPTION_TYPES(TYPE_NAME)
#undef TYPE_NAME
        NULL,
};

/* What a value of the type must be, as sentences say it. */
static const char *expected(const fh_option_info *info)
{
    switch (info->type) {
    case FH_OPTION_BYTES:
        return "bytes (an integer from 0, or a text such as \"512MiB\")";
    case FH_OPTION_INTEGER:
        return "an integer";
    case FH_OPTION_NUMBER:
        return "a finite number";
    case FH_OPTION_BOOLEAN:
        return "true or false";
    case FH_OPTION_CHOICE:
        return "one of its choices";
    default:
        return "a text of at most 127 bytes without control characters";
    }
}

static bool is_numeric(const fh_option_info *info)
{
    return info->type == FH_OPTION_BYTES || info->type == FH_OPTION_INTEGER ||
           info->type == FH_OPTION_NUMBER;
}

/* ---- values ---- */

static bool is_choice(const fh_option_info *info, const char *word, size_t size)
{
    for (const char *at = info->choices; *at != '\0';) {
        size_t length = strcspn(at, "|");
        if (length == size && memcmp(at, word, size) == 0) {
            return true;
        }
        at += length + (at[length] == '|');
    }
    return false;
}

static bool is_clean(const char *text, size_t size, size_t max)
{
    char clean[256];
    return size <= max && size < sizeof clean &&
           fhi_clean_text(clean, sizeof clean, text, size, false) == size &&
           memcmp(clean, text, size) == 0;
}

static bool push_bytes(lua_State *L, bool valid, const uint64_t *bytes)
{
    if (!valid || *bytes > INT64_MAX) {
        return false;
    }
    lua_pushinteger(L, (lua_Integer)*bytes);
    return true;
}

/* Push what the Lua value at `index` is as a value of the option; false, and nothing: it is
 * none. */
static bool push_value(lua_State *L, const fh_option_info *info, int index)
{
    int type = lua_type(L, index);
    uint64_t bytes = 0;
    const char *why;
    const char *text;
    size_t size;
    int is_integer;
    switch (info->type) {
    case FH_OPTION_BYTES:
        return push_bytes(L, fhi_value_bytes(L, index, &bytes, &why), &bytes);
    case FH_OPTION_INTEGER:
        lua_tointegerx(L, index, &is_integer);
        if (type != LUA_TNUMBER || !is_integer) {
            return false;
        }
        lua_pushinteger(L, lua_tointeger(L, index));
        return true;
    case FH_OPTION_NUMBER:
        if (type != LUA_TNUMBER || !isfinite(lua_tonumber(L, index))) {
            return false;
        }
        lua_pushnumber(L, lua_tonumber(L, index));
        return true;
    case FH_OPTION_BOOLEAN:
        lua_pushvalue(L, index);
        return type == LUA_TBOOLEAN || (lua_pop(L, 1), false);
    default:
        text = type == LUA_TSTRING ? lua_tolstring(L, index, &size) : NULL;
        if (text == NULL || !is_clean(text, size, VALUE_MAX) ||
            (info->type == FH_OPTION_CHOICE && !is_choice(info, text, size))) {
            return false;
        }
        lua_pushvalue(L, index);
        return true;
    }
}

/* The same for a text. */
static bool push_text(lua_State *L, const fh_option_info *info, const char *text)
{
    size_t size = strlen(text);
    uint64_t bytes = 0;
    if (size > VALUE_MAX) {
        return false;
    }
    switch (info->type) {
    case FH_OPTION_BYTES:
        return push_bytes(L, fhi_parse_bytes(text, size, &bytes), &bytes);
    case FH_OPTION_BOOLEAN:
        lua_pushboolean(L, strcmp(text, "true") == 0);
        return lua_toboolean(L, -1) || strcmp(text, "false") == 0 || (lua_pop(L, 1), false);
    case FH_OPTION_INTEGER:
    case FH_OPTION_NUMBER:
        if (lua_stringtonumber(L, text) == 0) {
            return false;
        }
        break;
    default:
        lua_pushlstring(L, text, size);
        break;
    }
    bool valid = push_value(L, info, lua_absindex(L, -1));
    lua_remove(L, valid ? -2 : -1);
    return valid;
}

/* -1, 0, 1: below its minimum, within, above its maximum. */
static int compare_to_range(lua_State *L, const fh_option_info *info, const fhi_option_range *range,
                            int index)
{
    if (info->type == FH_OPTION_NUMBER) {
        lua_Number number = lua_tonumber(L, index);
        return info->has_min && number < info->min   ? -1
               : info->has_max && number > info->max ? 1
                                                     : 0;
    }
    if (!is_numeric(info)) {
        return 0;
    }
    lua_Integer integer = lua_tointeger(L, index);
    return info->has_min && integer < range->min   ? -1
           : info->has_max && integer > range->max ? 1
                                                   : 0;
}

static void bytes_text(char *out, size_t capacity, uint64_t bytes)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB"};
    size_t unit = 0;
    while (bytes != 0 && unit < 3 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(out, capacity, "%" PRIu64 "%s", bytes, units[unit]);
}

/* The value at `index`, of the option's type, as push_text() takes it. */
static void value_text(lua_State *L, const fh_option_info *info, int index, char *out,
                       size_t capacity)
{
    char number[FHI_NUMBER_TEXT];
    switch (info->type) {
    case FH_OPTION_BYTES:
        bytes_text(out, capacity, (uint64_t)lua_tointeger(L, index));
        break;
    case FH_OPTION_INTEGER:
        snprintf(out, capacity, "%" PRId64, (int64_t)lua_tointeger(L, index));
        break;
    case FH_OPTION_NUMBER:
        fhi_number_text(lua_tonumber(L, index), number);
        snprintf(out, capacity, "%s", number);
        break;
    case FH_OPTION_BOOLEAN:
        snprintf(out, capacity, "%s", lua_toboolean(L, index) ? "true" : "false");
        break;
    default:
        snprintf(out, capacity, "%s", lua_tostring(L, index));
        break;
    }
}

/* ---- declaring ---- */

static fhi_path path_of(const fh_option_info *info, const char *key)
{
    return (fhi_path){.root = "options", .field = info->name, .key = key};
}

/* The value on top, like those of the functions below. */
static void read_type(lua_State *L, fh_option_info *info)
{
    fhi_path path = path_of(info, "type");
    if (lua_type(L, -1) != LUA_TSTRING) {
        fhi_refuse_value(L, lua_gettop(L), &path,
                         "'bytes', 'integer', 'number', 'boolean', 'choice' or 'text'");
    }
    info->type = (fh_option_type)fhi_value_word(L, lua_gettop(L), type_names, &path);
}

static void append_choice(lua_State *L, fh_option_info *info, const fhi_path *path, size_t *length)
{
    size_t size = 0;
    const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &size) : NULL;
    if (word == NULL || size == 0 || !is_clean(word, size, 63) || strchr(word, '|') != NULL) {
        fhi_refuse_value(L, lua_gettop(L), path, "words of 1 to 63 bytes without '|'");
    }
    if (is_choice(info, word, size)) {
        fhi_refuse(L, path, "'%s' is there twice", word);
    }
    if (*length + size + 2 > sizeof info->choices) {
        fhi_refuse(L, path, "at most %d bytes in all expected, got more",
                   (int)sizeof info->choices - 1);
    }
    *length += (size_t)snprintf(info->choices + *length, sizeof info->choices - *length, "%s%s",
                                *length > 0 ? "|" : "", word);
}

static void read_choices(lua_State *L, fh_option_info *info)
{
    fhi_path path = path_of(info, "choices");
    int list = lua_gettop(L);
    if (info->type != FH_OPTION_CHOICE) {
        if (!lua_isnil(L, list)) {
            fhi_refuse(L, &path, "only an option of type 'choice' has them");
        }
        return;
    }
    size_t length = 0;
    uint32_t count = fhi_value_list(L, list, CHOICES_MAX, &path);
    if (count == 0) {
        fhi_refuse(L, &path, "at least one word expected");
    }
    for (uint32_t i = 1; i <= count; i++) {
        lua_rawgeti(L, list, (lua_Integer)i);
        append_choice(L, info, &path, &length);
        lua_pop(L, 1);
    }
}

static bool read_bound(lua_State *L, const fh_option_info *info, const char *key, double *out,
                       lua_Integer *out_integer)
{
    fhi_path path = path_of(info, key);
    if (lua_isnil(L, -1)) {
        return false;
    }
    if (!is_numeric(info)) {
        fhi_refuse(L, &path, "only an option of type 'bytes', 'integer' or 'number' has one");
    }
    if (!push_value(L, info, lua_gettop(L))) {
        fhi_refuse_value(L, lua_gettop(L), &path, expected(info));
    }
    *out = (double)lua_tonumber(L, -1);
    *out_integer = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return true;
}

static void read_doc(lua_State *L, fh_option_info *info)
{
    fhi_path path = path_of(info, "doc");
    size_t size;
    if (lua_isnil(L, -1)) {
        return;
    }
    if (lua_type(L, -1) != LUA_TSTRING) {
        fhi_refuse_value(L, lua_gettop(L), &path, "a text");
    }
    const char *doc = lua_tolstring(L, -1, &size);
    fhi_clean_text(info->doc, sizeof info->doc, doc, size, false);
}

static void read_default(lua_State *L, fh_option_info *info, const fhi_option_range *range)
{
    fhi_path path = path_of(info, "default");
    int given = lua_gettop(L);
    if (!push_value(L, info, given)) {
        fhi_refuse_value(L, given, &path, expected(info));
    }
    int order = compare_to_range(L, info, range, -1);
    if (order != 0) {
        fhi_refuse(L, &path, "%s is %s", fhi_describe(L, given),
                   order < 0 ? "below `min`" : "above `max`");
    }
    value_text(L, info, -1, info->initial, sizeof info->initial);
    memcpy(info->value, info->initial, sizeof info->value);
}

/* Stack: the table of values, the declaration. Leaves the table. */
static void declare(lua_State *L, fh_option_info *info, fhi_option_range *range)
{
    int declaration = lua_gettop(L);
    fhi_path path = path_of(info, NULL);
    if (lua_type(L, declaration) != LUA_TTABLE) {
        fhi_refuse_value(L, declaration, &path,
                         "a table such as { type = \"bytes\", default = \"512MiB\" }");
    }
    fhi_blame_unknown(L, declaration, &path, fhi_option_fields);
    lua_getfield(L, declaration, "type");
    read_type(L, info);
    lua_getfield(L, declaration, "choices");
    read_choices(L, info);
    lua_getfield(L, declaration, "min");
    info->has_min = read_bound(L, info, "min", &info->min, &range->min);
    lua_getfield(L, declaration, "max");
    info->has_max = read_bound(L, info, "max", &info->max, &range->max);
    if (info->has_min && info->has_max &&
        (info->type == FH_OPTION_NUMBER ? info->min > info->max : range->min > range->max)) {
        path.key = "min";
        fhi_refuse(L, &path, "it is above `max`");
    }
    lua_getfield(L, declaration, "doc");
    read_doc(L, info);
    lua_getfield(L, declaration, "default");
    read_default(L, info, range);
    lua_setfield(L, declaration - 1, info->name);
    lua_settop(L, declaration - 1);
}

static bool is_name(const char *name, size_t size)
{
    size_t letters = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                  "0123456789");
    return size > 0 && size < sizeof((fh_option_info *)NULL)->name && letters == size &&
           strchr("0123456789", name[0]) == NULL;
}

/* The names of the declarations at `index`, in order. */
static void collect_names(lua_State *L, int index, fhi_options *options)
{
    static const fhi_path path = {.root = "options"};
    lua_pushnil(L);
    while (lua_next(L, index)) {
        size_t size = 0;
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &size) : NULL;
        fhi_charge(L, 1);
        if (name == NULL || !is_name(name, size)) {
            fhi_refuse_value(L, lua_gettop(L) - 1, &path,
                             "names of 1 to 63 letters, digits and '_', and no digit first");
            return;
        }
        if (options->count == FHI_OPTIONS_MAX) {
            fhi_refuse(L, &path, "at most %d expected, got more", FHI_OPTIONS_MAX);
        }
        uint32_t at = options->count++;
        while (at > 0 && strcmp(name, options->options[at - 1].name) < 0) {
            memcpy(options->options[at].name, options->options[at - 1].name,
                   sizeof options->options[at].name);
            at--;
        }
        memcpy(options->options[at].name, name, size + 1);
        lua_pop(L, 1);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* __index(values, key) of what was not declared: nil would be "no limit", silently. */
static int refuse_unknown(lua_State *L)
{
    const char *names[FHI_OPTIONS_MAX + 1];
    uint32_t count = 0;
    char key[64];
    size_t size;
    lua_settop(L, 2);
    if (lua_type(L, 2) != LUA_TSTRING) {
        return luaL_error(L, "self.options: an option's name expected, got %s",
                          luaL_typename(L, 2));
    }
    const char *text = lua_tolstring(L, 2, &size);
    fhi_clean_text(key, sizeof key, text, size, false);
    lua_pushnil(L);
    while (count < FHI_OPTIONS_MAX && lua_next(L, 1) != 0) {
        names[count++] = lua_tostring(L, -2);
        lua_pop(L, 1);
    }
    names[count] = NULL;
    qsort(names, count, sizeof *names, compare_names);
    const char *nearest = fhi_nearest_word(key, names);
    if (nearest != NULL) {
        return luaL_error(L, "self.options has no '%s' (did you mean '%s'?)", key, nearest);
    }
    return luaL_error(L, "self.options has no '%s': declare it in options", key);
}

void fhi_options_declare(lua_State *L, int index, fhi_options *out_options)
{
    luaL_checkstack(L, 16, "options");
    memset(out_options, 0, sizeof *out_options);
    index = lua_absindex(L, index);
    bool declared = !lua_isnil(L, index);
    if (declared && lua_type(L, index) != LUA_TTABLE) {
        fhi_path path = {.root = "options"};
        fhi_refuse_value(L, index, &path, "a table");
    }
    if (declared) {
        collect_names(L, index, out_options);
    }
    lua_createtable(L, 0, (int)out_options->count);
    for (uint32_t i = 0; i < out_options->count; i++) {
        lua_getfield(L, index, out_options->options[i].name);
        declare(L, &out_options->options[i], &out_options->ranges[i]);
    }
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, refuse_unknown);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    out_options->values_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    fhi_proxy_wrap(L, "self.options");
}

/* ---- setting ---- */

enum {
    SHOWN_MAX = 64 /* bytes of a name or value in a sentence */
};

static const char *shown(const char *text, char out[SHOWN_MAX])
{
    fhi_clean_text(out, SHOWN_MAX, text, strlen(text), false);
    return out;
}

static bool refuse_name(const fhi_options *options, const char *name, fhi_report *report)
{
    char clean[SHOWN_MAX];
    const char *names[FHI_OPTIONS_MAX + 1] = {NULL};
    for (uint32_t i = 0; i < options->count; i++) {
        names[i] = options->options[i].name;
    }
    const char *nearest = fhi_nearest_word(name, names);
    if (nearest != NULL) {
        return fhi_report_print(report, "there is no option \"%s\"; did you mean \"%s\"?",
                                shown(name, clean), nearest);
    }
    return fhi_report_print(report, "there is no option \"%s\"", shown(name, clean));
}

static bool refuse_value(const fh_option_info *info, const char *value, fhi_report *report)
{
    char clean[SHOWN_MAX];
    if (info->type == FH_OPTION_CHOICE) {
        return fhi_report_print(report, "option \"%s\": \"%s\" is none of %s", info->name,
                                shown(value, clean), info->choices);
    }
    return fhi_report_print(report, "option \"%s\": \"%s\" is not %s", info->name,
                            shown(value, clean), expected(info));
}

static bool refuse_bound(const fh_option_info *info, const fhi_option_range *range, int order,
                         const char *value, fhi_report *report)
{
    char clean[SHOWN_MAX];
    char bound[FHI_NUMBER_TEXT];
    if (info->type == FH_OPTION_BYTES) {
        bytes_text(bound, sizeof bound, (uint64_t)(order < 0 ? range->min : range->max));
    } else if (info->type == FH_OPTION_INTEGER) {
        snprintf(bound, sizeof bound, "%" PRId64, (int64_t)(order < 0 ? range->min : range->max));
    } else {
        fhi_number_text(order < 0 ? info->min : info->max, bound);
    }
    return fhi_report_print(report, "option \"%s\": \"%s\" is %s, %s", info->name,
                            shown(value, clean),
                            order < 0 ? "below its minimum" : "above its maximum", bound);
}

bool fhi_options_set(lua_State *L, fhi_options *options, const char *name, const char *value,
                     fhi_report *out_report)
{
    uint32_t i = 0;
    while (i < options->count && strcmp(options->options[i].name, name) != 0) {
        i++;
    }
    if (i == options->count) {
        return refuse_name(options, name, out_report);
    }
    fh_option_info *info = &options->options[i];
    const char *text = value != NULL ? value : info->initial;
    luaL_checkstack(L, 8, "options");
    lua_rawgeti(L, LUA_REGISTRYINDEX, options->values_ref);
    if (!push_text(L, info, text)) {
        lua_pop(L, 1);
        return refuse_value(info, text, out_report);
    }
    int order = compare_to_range(L, info, &options->ranges[i], -1);
    if (order != 0) {
        lua_pop(L, 2);
        return refuse_bound(info, &options->ranges[i], order, text, out_report);
    }
    char written[sizeof info->value];
    value_text(L, info, -1, written, sizeof written);
    lua_setfield(L, -2, info->name); /* may raise, and has then changed nothing */
    memcpy(info->value, written, sizeof info->value);
    info->by_hand = value != NULL;
    lua_pop(L, 1);
    return true;
}
