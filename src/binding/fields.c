/* A description of fields instead of a reader per table: some twenty option tables, with about ten
 * fields each, would otherwise be as many switch statements that all spell the same errors.
 *
 * Two kinds of mistakes are told apart, as everywhere in the module: what is spelt wrong (a type, a
 * name) raises; a number that cannot be is returned as "invalid", because numbers are computed. */

#include "binding/fields.h"

#include "binding/check.h"
#include "binding/names.h"
#include "binding/result.h"

#include <stdbool.h>
#include <string.h>

enum {
    FIELD_COUNT_MAX = 40,
    INDEX_COUNT = 32
};

/* Bytes of a text such as "64MiB" or "1.5 GiB"; raises when it is none. */
static uint64_t bytes_of_text(lua_State *L, int index, int arg, const char *name)
{
    static const struct {
        const char *name;
        double scale;
    } units[] = {
        {"B", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {"TiB", 1099511627776},
    };
    const char *text = lua_tostring(L, index);
    const char *digits = text + strspn(text, " ");
    size_t digit_count = strspn(digits, "0123456789.");
    const char *unit = digits + digit_count + strspn(digits + digit_count, " ");
    double scale = 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].name) == 0) {
            scale = units[i].scale;
        }
    }
    double bytes = -1;
    lua_pushlstring(L, digits, digit_count);
    if (scale > 0 && lua_stringtonumber(L, lua_tostring(L, -1)) == digit_count + 1) {
        bytes = lua_tonumber(L, -1) * scale;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    if (!(bytes >= 0 && bytes < 9223372036854775808.0 && (double)(uint64_t)bytes == bytes)) {
        luaL_argerror(L, arg,
                      lua_pushfstring(L,
                                      "%s: '%s' is no size; give an integer, or a text with B, KiB,"
                                      " MiB, GiB or TiB, such as '64MiB'",
                                      name, text));
    }
    return (uint64_t)bytes;
}

/* The field's name alone, for messages about a number: "field 'size'" is "size" there. */
static const char *bare_name(lua_State *L, const char *name)
{
    const char *quote = strchr(name, '\'');
    if (quote == NULL) {
        return name;
    }
    return lua_pushlstring(L, quote + 1, strcspn(quote + 1, "'"));
}

int fhi_read_integer(lua_State *L, int index, int arg, const char *name, uint64_t *out)
{
    lua_Integer value = fhi_check_integer(L, index, arg, name);
    if (value < 0) {
        return fhi_push_failure_of(L, FH_ERR_INVALID, "%s: %I is negative", bare_name(L, name),
                                   (LUAI_UACINT)value);
    }
    *out = (uint64_t)value;
    return 0;
}

int fhi_read_bytes(lua_State *L, int index, int arg, const char *name, uint64_t *out)
{
    int type = lua_type(L, index);
    if (type == LUA_TSTRING) {
        *out = bytes_of_text(L, index, arg, name);
        return 0;
    }
    if (type != LUA_TNUMBER) {
        fhi_type_error(L, index, arg, name, "bytes");
    }
    return fhi_read_integer(L, index, arg, name, out);
}

int fhi_read_count(lua_State *L, int index, int arg, const char *name, uint32_t *out)
{
    lua_Integer value = fhi_check_integer(L, index, arg, name);
    if (value < 0 || value > (lua_Integer)UINT32_MAX) {
        return fhi_push_failure_of(L, FH_ERR_INVALID, "%s: %I is not from 0 to 4294967295",
                                   bare_name(L, name), (LUAI_UACINT)value);
    }
    *out = (uint32_t)value;
    return 0;
}

const char *fhi_check_text(lua_State *L, int index, int arg, const char *name)
{
    if (lua_type(L, index) != LUA_TSTRING) {
        fhi_type_error(L, index, arg, name, "string");
    }
    size_t length;
    const char *text = lua_tolstring(L, index, &length);
    if (strlen(text) != length) {
        luaL_argerror(L, arg, lua_pushfstring(L, "%s: a string without zeros expected", name));
    }
    return text;
}

/* A list of numbers, as a mask. */
static int read_indices(lua_State *L, int index, int arg, const char *name, uint32_t *out)
{
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, name, "table");
    }
    *out = 0;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_Integer value = fhi_check_integer(L, lua_gettop(L), arg, name);
        if (value < 0 || value >= INDEX_COUNT) {
            return fhi_push_failure_of(L, FH_ERR_INVALID, "%s: %I is not from 0 to 31",
                                       bare_name(L, name), (LUAI_UACINT)value);
        }
        *out |= UINT32_C(1) << value;
        lua_pop(L, 1);
    }
    return 0;
}

/* The field named by the key at `index`; raises when there is none. */
static const fhi_field *find_field(lua_State *L, int index, int arg, const fhi_field *fields)
{
    const char *names[FIELD_COUNT_MAX + 1];
    int count = 0;
    for (; fields[count].name != NULL && count < FIELD_COUNT_MAX; count++) {
        names[count] = fields[count].name;
    }
    names[count] = NULL;
    return &fields[fhi_check_field(L, index, arg, names)];
}

static int read_field(lua_State *L, int value, int arg, const fhi_field *field, int slots,
                      char *target)
{
    /* As the errors call it. It lies under what is pushed later, and is dropped with it. */
    const char *name = lua_pushfstring(L, "field '%s'", field->name);
    switch (field->type) {
    case FHI_FIELD_BYTES:
        return fhi_read_bytes(L, value, arg, name, (uint64_t *)(void *)target);
    case FHI_FIELD_INTEGER:
        return fhi_read_integer(L, value, arg, name, (uint64_t *)(void *)target);
    case FHI_FIELD_COUNT:
        return fhi_read_count(L, value, arg, name, (uint32_t *)(void *)target);
    case FHI_FIELD_BOOLEAN:
        *(bool *)target = fhi_check_boolean(L, value, arg, name);
        return 0;
    case FHI_FIELD_NUMBER:
        if (lua_type(L, value) != LUA_TNUMBER) {
            fhi_type_error(L, value, arg, name, "number");
        }
        *(float *)(void *)target = (float)lua_tonumber(L, value);
        return 0;
    case FHI_FIELD_CHOICE: {
        int choice = fhi_check_choice(L, value, arg, name, field->names);
        memcpy(target, &choice, sizeof choice);
        return 0;
    }
    case FHI_FIELD_FLAGS:
        *(uint32_t *)(void *)target = fhi_check_flags(L, value, arg, name, field->names);
        return 0;
    case FHI_FIELD_INDICES:
        return read_indices(L, value, arg, name, (uint32_t *)(void *)target);
    case FHI_FIELD_TEXT: {
        const char *text = fhi_check_text(L, value, arg, name);
        memcpy(target, &text, sizeof text);
        lua_copy(L, value, slots + field->slot);
        return 0;
    }
    case FHI_FIELD_VALUE:
        lua_copy(L, value, slots + field->slot);
        return 0;
    }
    return 0;
}

int fhi_read_fields(lua_State *L, int index, int arg, const fhi_field *fields, int slots, void *out)
{
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, "options", "table");
    }
    luaL_checkstack(L, 10, NULL);
    int top = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const fhi_field *field = find_field(L, top + 1, arg, fields);
        int failed = read_field(L, top + 2, arg, field, slots, (char *)out + field->offset);
        if (failed != 0) {
            return failed;
        }
        lua_settop(L, top + 1);
    }
    return 0;
}

void fhi_set_integer(lua_State *L, const char *name, uint64_t value)
{
    lua_pushinteger(L, value > (uint64_t)LUA_MAXINTEGER ? LUA_MAXINTEGER : (lua_Integer)value);
    lua_setfield(L, -2, name);
}

void fhi_set_boolean(lua_State *L, const char *name, int value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

void fhi_set_number(lua_State *L, const char *name, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

void fhi_set_text(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

void fhi_set_flags(lua_State *L, const char *name, uint32_t bits, const char *const *names)
{
    fhi_push_flags(L, bits, names);
    lua_setfield(L, -2, name);
}

void fhi_set_indices(lua_State *L, const char *name, uint32_t mask)
{
    lua_newtable(L);
    lua_Integer count = 0;
    for (int i = 0; i < INDEX_COUNT; i++) {
        if ((mask >> i & 1) != 0) {
            lua_pushinteger(L, i);
            lua_rawseti(L, -2, ++count);
        }
    }
    lua_setfield(L, -2, name);
}
