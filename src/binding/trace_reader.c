/* A reader's text and list are gone when it reads on, and so may be the reader: any allocation of
 * Lua's may run a finalizer that does that. So each read has a number, and what is pushed is taken
 * only while that is the last one. */

#include "binding/trace_reader.h"

#include "binding/check.h"
#include "binding/fields.h"
#include "binding/result.h"
#include "binding/trace_event.h"

typedef struct fhi_lua_trace_reader {
    fh_trace_reader *reader; /* NULL: closed */
    uint64_t reads;          /* closing counts as one */
} fhi_lua_trace_reader;

typedef struct reading {
    const fhi_lua_trace_reader *reader;
    uint64_t number;
} reading;

static fhi_lua_trace_reader *check_reader(lua_State *L, int index)
{
    return fhi_check_object(L, index, 1, "reader", &fhi_trace_reader_class);
}

static int push_gone(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_STALE, "reader: is closed");
}

int fhi_open_trace_reader(lua_State *L)
{
    const char *path = fhi_check_text(L, 1, 1, "path");
    lua_settop(L, 1);
    fhi_lua_trace_reader *self = fhi_object_new(L, &fhi_trace_reader_class, sizeof *self, 0);
    fh_result result = fh_trace_reader_open(path, &self->reader);
    return result == FH_OK ? 1 : fhi_push_failure(L, result);
}

static bool close_reader(fhi_lua_trace_reader *self)
{
    fh_trace_reader *reader = self->reader;
    self->reader = NULL;
    self->reads++;
    fh_trace_reader_close(reader);
    return reader != NULL;
}

static int reader_close(lua_State *L)
{
    lua_pushboolean(L, close_reader(check_reader(L, 1)));
    return 1;
}

static int reader_finish(lua_State *L)
{
    close_reader(check_reader(L, 1));
    return 0;
}

static bool is_last(const void *object)
{
    const reading *self = object;
    return self->reader->reads == self->number;
}

static int read_next(lua_State *L, fhi_lua_trace_reader *self)
{
    if (self->reader == NULL) {
        return push_gone(L);
    }
    fh_trace_event event;
    fh_result result = fh_trace_reader_next(self->reader, &event);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    if (event.kind == FH_TRACE_NONE) {
        lua_pushnil(L);
        return 1;
    }
    reading now = {self, ++self->reads};
    if (!fhi_push_trace_event(L, &event, is_last, &now)) {
        return fhi_push_failure_of(L, FH_ERR_BUSY, "reader: a finalizer has read on meanwhile");
    }
    return 1;
}

static int reader_next(lua_State *L)
{
    return read_next(L, check_reader(L, 1));
}

/* The iterator. Its state is the reader. */
static int next_event(lua_State *L)
{
    if (read_next(L, check_reader(L, 1)) == 3) {
        return luaL_error(L, "%s", lua_tostring(L, -2));
    }
    return 1;
}

static int reader_events(lua_State *L)
{
    check_reader(L, 1);
    lua_settop(L, 1);
    lua_pushcfunction(L, next_event);
    lua_insert(L, 1);
    return 2;
}

void fhi_push_trace_file(lua_State *L, const fh_trace_reader_info *info)
{
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, 0, 7);
    fhi_set_integer(L, "version", info->version);
    fhi_set_integer(L, "file_bytes", info->file_bytes);
    fhi_set_integer(L, "read_bytes", info->read_bytes);
    fhi_set_integer(L, "event_count", info->event_count);
    fhi_set_integer(L, "dropped_count", info->dropped_count);
    fhi_set_boolean(L, "complete", info->complete);
    fhi_set_text(L, "damage", info->damage);
}

static int reader_info(lua_State *L)
{
    fhi_lua_trace_reader *self = check_reader(L, 1);
    if (self->reader == NULL) {
        return push_gone(L);
    }
    fh_trace_reader_info info;
    fh_result result = fh_trace_reader_get_info(self->reader, &info);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    fhi_push_trace_file(L, &info);
    return 1;
}

static int reader_tostring(lua_State *L)
{
    const fhi_lua_trace_reader *self = check_reader(L, 1);
    lua_pushstring(L, self->reader != NULL ? "freehold.trace_reader"
                                           : "freehold.trace_reader (closed)");
    return 1;
}

static const luaL_Reg methods[] = {
    {"close", reader_close},
    {"events", reader_events},
    {"info", reader_info},
    {"next", reader_next},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__close", reader_finish},
    {"__gc", reader_finish},
    {"__tostring", reader_tostring},
    {NULL, NULL},
};

const fhi_class fhi_trace_reader_class = {"freehold.trace_reader", methods, metamethods, NULL,
                                          NULL};
