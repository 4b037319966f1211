/* The fields of each kind come from fh_trace_kind_describe(), so that one list, that of the header,
 * says what there is. Two of their names are taken in a table, by the event's own kind and thread:
 * those have other ones here (`names_in_lua`).
 *
 * Numbers have 64 bits there and here, so what has the highest bit set is a negative integer: it
 * comes back as it was when the table is written again. */

#include "binding/trace_event.h"

#include "binding/check.h"
#include "binding/fields.h"
#include "binding/result.h"

#include <freehold/trace.h>

#include <string.h>

static const struct {
    const char *name, *in_lua;
} names_in_lua[] = {
    {"kind", "parcel_kind"},
    {"thread", "named_thread"},
};

/* What every event may have, before the fields of its kind. */
enum {
    OWN_KIND,
    OWN_THREAD,
    OWN_TIME,
    OWN_TEXT,
    OWN_LIST,
    OWN_COUNT
};

static const char *const own_names[OWN_COUNT] = {"kind", "thread", "time_ns", "text", "list"};

static const char *name_in_lua(const char *name)
{
    for (size_t i = 0; i < sizeof names_in_lua / sizeof names_in_lua[0]; i++) {
        if (strcmp(name, names_in_lua[i].name) == 0) {
            return names_in_lua[i].in_lua;
        }
    }
    return name;
}

/* ---- out ---- */

bool fhi_push_trace_event(lua_State *L, const fh_trace_event *event,
                          bool (*is_there)(const void *object), const void *object)
{
    const fh_trace_field *fields = NULL;
    uint32_t count = 0;
    const char *name = fh_trace_kind_describe(event->kind, &fields, &count);
    int top = lua_gettop(L);
    luaL_checkstack(L, 5, NULL);
    /* The text is copied before anything that may run finalizers. */
    lua_pushlstring(L, event->text, event->text_size);
    bool has_list =
        event->list_count > 0 || event->kind == FH_TRACE_SUBMIT || event->kind == FH_TRACE_DEVICE;
    if (has_list) {
        lua_createtable(L, (int)event->list_count, 0);
    } else {
        lua_pushnil(L);
    }
    if (!is_there(object)) {
        lua_settop(L, top);
        return false;
    }
    for (uint32_t i = 0; i < event->list_count; i++) { /* there is room: nothing is allocated */
        lua_pushinteger(L, (lua_Integer)event->list[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_createtable(L, 0, (int)count + OWN_COUNT);
    fhi_set_text(L, own_names[OWN_KIND], name);
    lua_pushinteger(L, (lua_Integer)event->thread);
    lua_setfield(L, -2, own_names[OWN_THREAD]);
    lua_pushinteger(L, (lua_Integer)event->time_ns);
    lua_setfield(L, -2, own_names[OWN_TIME]);
    for (uint32_t i = 0; i < count; i++) {
        lua_pushinteger(L, (lua_Integer)event->values[i]);
        lua_setfield(L, -2, name_in_lua(fields[i].name));
    }
    lua_insert(L, top + 1); /* event text list */
    if (has_list) {
        lua_setfield(L, top + 1, own_names[OWN_LIST]);
    } else {
        lua_pop(L, 1);
    }
    lua_setfield(L, top + 1, own_names[OWN_TEXT]);
    return true;
}

/* ---- in ---- */

/* The kind whose name is at `index`. */
static fh_trace_kind check_kind(lua_State *L, int index, int arg)
{
    const char *names[FH_TRACE_KIND_MAX + 1];
    for (int i = 0; i < FH_TRACE_KIND_MAX; i++) {
        names[i] = fh_trace_kind_describe((fh_trace_kind)(i + 1), NULL, NULL);
    }
    names[FH_TRACE_KIND_MAX] = NULL;
    return (fh_trace_kind)(fhi_check_choice(L, index, arg, "field 'kind'", names) + 1);
}

/* The list at `index`, into a userdata that is put at `anchor`. Returns 0, or 3. */
static int read_list(lua_State *L, int index, int arg, int anchor, fh_trace_event *out_event)
{
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, "field 'list'", "table");
    }
    lua_Unsigned count = lua_rawlen(L, index);
    if (count > FH_TRACE_LIST_MAX) {
        return fhi_push_failure_of(L, FH_ERR_INVALID, "list: %I numbers are more than %d",
                                   (LUAI_UACINT)count, FH_TRACE_LIST_MAX);
    }
    if (count == 0) {
        return 0;
    }
    uint64_t *list = lua_newuserdatauv(L, (size_t)count * sizeof *list, 0);
    lua_replace(L, anchor);
    for (lua_Unsigned i = 0; i < count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        list[i] = (uint64_t)fhi_check_integer(L, lua_gettop(L), arg, "a number in field 'list'");
        lua_pop(L, 1);
    }
    out_event->list = list;
    out_event->list_count = (uint32_t)count;
    return 0;
}

/* The field that is called names[which], whose value is at `index`. Returns 0, or 3. */
static int read_field(lua_State *L, int index, int arg, int anchors, int which,
                      const char *const *names, fh_trace_event *out_event)
{
    uint32_t thread;
    int failed;
    switch (which) {
    case OWN_KIND:
        return 0; /* read first */
    case OWN_THREAD:
        failed = fhi_read_count(L, index, arg, "field 'thread'", &thread);
        out_event->thread = failed == 0 ? thread : 0;
        return failed;
    case OWN_TIME:
        return fhi_read_integer(L, index, arg, "field 'time_ns'", &out_event->time_ns);
    case OWN_TEXT: {
        size_t size;
        if (lua_type(L, index) != LUA_TSTRING) {
            fhi_type_error(L, index, arg, "field 'text'", "string");
        }
        out_event->text = lua_tolstring(L, index, &size);
        if (size > FH_TRACE_TEXT_MAX) {
            return fhi_push_failure_of(L, FH_ERR_INVALID, "text: %I bytes are more than %d",
                                       (LUAI_UACINT)size, FH_TRACE_TEXT_MAX);
        }
        out_event->text_size = (uint32_t)size;
        lua_copy(L, index, anchors);
        return 0;
    }
    case OWN_LIST:
        return read_list(L, index, arg, anchors + 1, out_event);
    default:
        out_event->values[which - OWN_COUNT] =
            (uint64_t)fhi_check_integer(L, index, arg, names[which]);
        return 0;
    }
}

int fhi_read_trace_event(lua_State *L, int index, fh_trace_event *out_event)
{
    *out_event = (fh_trace_event){.text = ""};
    fhi_check_table(L, index, "event");
    luaL_checkstack(L, 10, NULL);
    lua_settop(L, index);
    lua_pushnil(L); /* index + 1: the text */
    lua_pushnil(L); /* index + 2: the list */
    lua_pushstring(L, own_names[OWN_KIND]);
    if (lua_rawget(L, index) == LUA_TNIL) {
        return luaL_argerror(L, index, "field 'kind': is missing");
    }
    out_event->kind = check_kind(L, index + 3, index);
    const fh_trace_field *fields = NULL;
    uint32_t count = 0;
    fh_trace_kind_describe(out_event->kind, &fields, &count);
    const char *names[OWN_COUNT + FH_TRACE_VALUES_MAX + 1];
    memcpy(names, own_names, sizeof own_names);
    for (uint32_t i = 0; i < count; i++) {
        names[OWN_COUNT + i] = name_in_lua(fields[i].name);
    }
    names[OWN_COUNT + count] = NULL;
    lua_pushnil(L); /* index + 4 */
    while (lua_next(L, index)) {
        int which = fhi_check_field(L, index + 4, index, names);
        int failed = read_field(L, index + 5, index, index + 1, which, names, out_event);
        if (failed != 0) {
            return failed;
        }
        lua_settop(L, index + 4);
    }
    lua_settop(L, index + 2);
    return 0;
}

/* ---- the description ---- */

int fhi_trace_kinds(lua_State *L)
{
    static const char *const units[] = {
#define UNIT_NAME(name, text) text,
        FH_TRACE_UNITS(UNIT_NAME)
#undef UNIT_NAME
    };
    lua_createtable(L, 0, FH_TRACE_KIND_MAX);
    for (int kind = 1; kind <= FH_TRACE_KIND_MAX; kind++) {
        const fh_trace_field *fields = NULL;
        uint32_t count = 0;
        const char *name = fh_trace_kind_describe((fh_trace_kind)kind, &fields, &count);
        lua_createtable(L, 0, 2);
        fhi_set_integer(L, "number", (uint64_t)kind);
        lua_createtable(L, (int)count, 0);
        for (uint32_t i = 0; i < count; i++) {
            lua_createtable(L, 0, 2);
            fhi_set_text(L, "name", name_in_lua(fields[i].name));
            fhi_set_text(L, "unit", units[fields[i].unit]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_setfield(L, -2, "fields");
        lua_setfield(L, -2, name);
    }
    return 1;
}
