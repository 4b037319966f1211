/* A writer that is collected, or whose <close> variable ends, writes the file's end, too; but only
 * close() can say that it could not. */

#include "binding/trace_writer.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/result.h"
#include "binding/trace_event.h"

#include <freehold/trace.h>

typedef struct fhi_lua_trace_writer {
    fh_trace_writer *writer; /* NULL: closed */
} fhi_lua_trace_writer;

static fhi_lua_trace_writer *check_writer(lua_State *L)
{
    return fhi_check_object(L, 1, 1, "writer", &fhi_trace_writer_class);
}

static int push_gone(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_STALE, "writer: is closed");
}

int fhi_open_trace_writer(lua_State *L)
{
    const char *path = fhi_check_text(L, 1, 1, "path");
    lua_settop(L, 1);
    fhi_lua_trace_writer *self = fhi_object_new(L, &fhi_trace_writer_class, sizeof *self, 0);
    fh_result result = fh_trace_writer_open(path, &self->writer);
    return result == FH_OK ? 1 : fhi_push_failure(L, result);
}

static int writer_add(lua_State *L)
{
    fhi_lua_trace_writer *self = check_writer(L);
    fh_trace_event event;
    int failed = fhi_read_trace_event(L, 2, &event);
    if (failed != 0) {
        return failed;
    }
    if (self->writer == NULL) { /* asked last: reading may run finalizers */
        return push_gone(L);
    }
    return fhi_push_done(L, fh_trace_writer_add(self->writer, &event));
}

static int writer_close(lua_State *L)
{
    fhi_lua_trace_writer *self = check_writer(L);
    fh_trace_writer *writer = self->writer;
    if (writer == NULL) {
        return push_gone(L);
    }
    self->writer = NULL;
    return fhi_push_done(L, fh_trace_writer_close(writer));
}

static int writer_finish(lua_State *L)
{
    fhi_lua_trace_writer *self = check_writer(L);
    fh_trace_writer *writer = self->writer;
    self->writer = NULL;
    fh_trace_writer_close(writer);
    return 0;
}

static int writer_tostring(lua_State *L)
{
    const fhi_lua_trace_writer *self = check_writer(L);
    lua_pushstring(L, self->writer != NULL ? "freehold.trace_writer"
                                           : "freehold.trace_writer (closed)");
    return 1;
}

static const luaL_Reg methods[] = {
    {"add", writer_add},
    {"close", writer_close},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__close", writer_finish},
    {"__gc", writer_finish},
    {"__tostring", writer_tostring},
    {NULL, NULL},
};

const fhi_class fhi_trace_writer_class = {"freehold.trace_writer", methods, metamethods, NULL,
                                          NULL};
