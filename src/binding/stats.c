/* Counters as tables. The struct's arrays become lists with an `index` in each row, since heaps and
 * types are counted from 0 wherever they are named. */

#include "binding/stats.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/parcel.h"
#include "binding/request.h"
#include "binding/result.h"
#include "binding/text.h"

#include <stdint.h>
#include <string.h>

/* ---- counters ---- */

static void set_stats(lua_State *L, const fh_stats *stats)
{
    fhi_set_integer(L, "block_count", stats->block_count);
    fhi_set_integer(L, "block_bytes", stats->block_bytes);
    fhi_set_integer(L, "range_count", stats->range_count);
    fhi_set_integer(L, "range_bytes", stats->range_bytes);
}

static void push_row(lua_State *L, const fh_memory_stats *row)
{
    lua_createtable(L, 0, 10);
    set_stats(L, &row->stats);
    fhi_set_integer(L, "reserved", row->stats.range_bytes);
    fhi_set_integer(L, "dedicated_count", row->dedicated_count);
    fhi_set_integer(L, "retiring_bytes", row->retiring_bytes);
}

/* What a device is made of. */
typedef struct shape {
    uint32_t heap_count, type_count;
    uint32_t type_heaps[FH_MEMORY_TYPE_MAX];
} shape;

static void get_shape(const fh_device *device, shape *out)
{
    const fh_adapter_info *info = fh_device_adapter(device);
    out->heap_count = info->heap_count;
    out->type_count = info->type_count;
    for (uint32_t i = 0; i < info->type_count; i++) {
        out->type_heaps[i] = info->types[i].heap;
    }
}

int fhi_device_stats(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fh_device_stats *stats = lua_newuserdatauv(L, sizeof *stats, 0);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    shape of;
    get_shape(device, &of);
    fh_result result = fh_device_get_stats(device, stats);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_createtable(L, 0, 18);
    push_row(L, &stats->total);
    fhi_set_integer(L, "committed", stats->committed_bytes);
    lua_setfield(L, -2, "total");
    lua_createtable(L, (int)of.heap_count, 0);
    for (uint32_t i = 0; i < of.heap_count; i++) {
        push_row(L, &stats->heaps[i]);
        fhi_set_integer(L, "index", i);
        fhi_set_integer(L, "budget", stats->budgets[i].budget);
        fhi_set_integer(L, "usage", stats->budgets[i].usage);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "heaps");
    lua_createtable(L, (int)of.type_count, 0);
    for (uint32_t i = 0; i < of.type_count; i++) {
        push_row(L, &stats->types[i]);
        fhi_set_integer(L, "index", i);
        fhi_set_integer(L, "heap", of.type_heaps[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "types");
    fhi_set_integer(L, "committed_bytes", stats->committed_bytes);
    fhi_set_integer(L, "parcel_count", stats->parcel_count);
    fhi_set_integer(L, "retiring_count", stats->retiring_count);
    fhi_set_integer(L, "external_bytes", stats->external_bytes);
    fhi_set_integer(L, "tick_count", stats->tick_count);
    fhi_set_integer(L, "driver_alloc_count", stats->driver_alloc_count);
    fhi_set_integer(L, "driver_free_count", stats->driver_free_count);
    fhi_set_integer(L, "refused_count", stats->refused_count);
    fhi_set_integer(L, "relieved_count", stats->relieved_count);
    fhi_set_integer(L, "evict_asked_count", stats->evict_asked_count);
    fhi_set_integer(L, "evict_ignored_count", stats->evict_ignored_count);
    fhi_set_integer(L, "place_count", stats->place_count);
    fhi_set_integer(L, "policy_busy_count", stats->policy_busy_count);
    return 1;
}

static void push_detail_row(lua_State *L, const fh_stats_detail *row)
{
    lua_createtable(L, 0, 8);
    lua_createtable(L, 0, 4);
    set_stats(L, &row->stats);
    lua_setfield(L, -2, "stats");
    fhi_set_integer(L, "free_count", row->free_count);
    fhi_set_integer(L, "range_min", row->range_min);
    fhi_set_integer(L, "range_max", row->range_max);
    fhi_set_integer(L, "free_min", row->free_min);
    fhi_set_integer(L, "free_max", row->free_max);
}

int fhi_device_detail(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fh_device_detail *detail = lua_newuserdatauv(L, sizeof *detail, 0);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    shape of;
    get_shape(device, &of);
    fh_result result = fh_device_get_detail(device, detail);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_createtable(L, 0, 3);
    push_detail_row(L, &detail->total);
    lua_setfield(L, -2, "total");
    lua_createtable(L, (int)of.heap_count, 0);
    for (uint32_t i = 0; i < of.heap_count; i++) {
        push_detail_row(L, &detail->heaps[i]);
        fhi_set_integer(L, "index", i);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "heaps");
    lua_createtable(L, (int)of.type_count, 0);
    for (uint32_t i = 0; i < of.type_count; i++) {
        push_detail_row(L, &detail->types[i]);
        fhi_set_integer(L, "index", i);
        fhi_set_integer(L, "heap", of.type_heaps[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "types");
    return 1;
}

/* ---- text ---- */

/* What writes a text. */
typedef struct writing {
    bool detailed;           /* json */
    fhi_lua_request request; /* explain */
    bool explains;
} writing;

static fh_result write_text(fh_device *device, const writing *self, fhi_text *out)
{
    if (!self->explains) {
        return fh_device_json(device, self->detailed, fhi_text_add, out);
    }
    const fhi_lua_request *request = &self->request;
    fh_result result = fhi_request_begin(request);
    if (result == FH_OK) {
        result = fh_device_explain(
            device, request->kind == FH_KIND_BUFFER ? &request->buffer : NULL,
            request->kind == FH_KIND_TEXTURE ? &request->texture : NULL,
            request->kind == FH_KIND_RAW ? &request->raw : NULL, fhi_text_add, out);
        fhi_request_end(request);
    }
    return result;
}

/* Push the text, of the device at index 1. */
static int push_text(lua_State *L, fhi_lua_device *self, const writing *what)
{
    fhi_text out = {0};
    int top = lua_gettop(L);
    for (;;) {
        lua_settop(L, top);
        /* With room from the last round; in the first one there is none, and this measures. */
        out.data = out.capacity > 0 ? lua_newuserdatauv(L, out.capacity, 0) : NULL;
        fhi_lua_call call;
        fh_device *device = fhi_device_begin(&call, L, self, 1);
        if (device == NULL) {
            return fhi_push_closed(L);
        }
        out.length = 0;
        fh_result result = write_text(device, what, &out);
        fhi_call_end(&call);
        if (result != FH_OK) {
            return fhi_push_failure(L, result);
        }
        if (out.length <= out.capacity) {
            lua_pushlstring(L, out.data, out.length);
            return 1;
        }
        /* Counters may have more digits next time. */
        out.capacity = out.length + out.length / 16 + 64;
    }
}

/* device:json(detailed), device:json { detailed = true } */
int fhi_device_json(lua_State *L)
{
    static const fhi_field fields[] = {
        {"detailed", FHI_FIELD_BOOLEAN, offsetof(writing, detailed), 0, NULL},
        FHI_FIELDS_END,
    };
    fhi_lua_device *self = fhi_check_device(L, 1);
    writing what = {.explains = false};
    lua_settop(L, 2);
    if (lua_type(L, 2) == LUA_TTABLE) {
        int failed = fhi_read_fields(L, 2, 2, fields, 0, &what);
        if (failed != 0) {
            return failed;
        }
    } else if (!lua_isnil(L, 2)) {
        what.detailed = fhi_check_boolean(L, 2, 2, "detailed");
    }
    return push_text(L, self, &what);
}

/* device:explain { buffer = { ... } } */
int fhi_device_explain_method(lua_State *L)
{
    static const char *const kinds[] = {"buffer", "texture", "raw", NULL};
    fhi_lua_device *self = fhi_check_device(L, 1);
    writing what = {.explains = true};
    fhi_check_table(L, 2, "request");
    lua_settop(L, 2);
    lua_pushnil(L);
    if (!lua_next(L, 2)) { /* 3: kind, 4: description */
        luaL_argerror(L, 2, "request: one of 'buffer', 'texture' and 'raw' expected, got none");
    }
    fh_kind kind = (fh_kind)fhi_check_field(L, 3, 2, kinds);
    lua_pushvalue(L, 3);
    if (lua_next(L, 2)) {
        luaL_argerror(L, 2, "request: one of 'buffer', 'texture' and 'raw' expected, got more");
    }
    if (lua_type(L, 4) != LUA_TTABLE) {
        fhi_type_error(L, 4, 2, lua_pushfstring(L, "field '%s'", kinds[kind]), "table");
    }
    int slots;
    int failed = fhi_read_request(L, kind, 4, 2, self, 1, &what.request, &slots);
    return failed != 0 ? failed : push_text(L, self, &what);
}

int fhi_device_check_margins(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    uint32_t damaged;
    fh_result result = fh_device_check(device, &damaged);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_pushinteger(L, (lua_Integer)damaged);
    return 1;
}

/* ---- the parcels ---- */

/* All of them at one moment. */
typedef struct snapshot {
    size_t count, capacity;
    fhi_parcel_facts *facts;
} snapshot;

static bool snapshot_add(void *context, fh_parcel parcel, const fh_parcel_info *info)
{
    snapshot *self = context;
    if (self->count < self->capacity) {
        fhi_parcel_facts *facts = &self->facts[self->count];
        facts->parcel = parcel;
        facts->info = *info;
    }
    self->count++;
    return true;
}

int fhi_device_parcels(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    snapshot shot = {0};
    for (;;) {
        lua_settop(L, 1);
        shot.facts = lua_newuserdatauv(L, shot.capacity * sizeof *shot.facts + 1, 0); /* 2 */
        fhi_lua_call call;
        fh_device *device = fhi_device_begin(&call, L, self, 1);
        if (device == NULL) {
            return fhi_push_closed(L);
        }
        shot.count = 0;
        fh_result result = fh_device_visit(device, snapshot_add, &shot);
        bool complete = shot.count <= shot.capacity;
        for (size_t i = 0; complete && i < shot.count; i++) {
            fhi_parcel_name_tag(device, &shot.facts[i]);
        }
        fhi_call_end(&call);
        if (result != FH_OK) {
            return fhi_push_failure(L, result);
        }
        if (complete) {
            break;
        }
        shot.capacity = shot.count + shot.count / 8 + 8;
    }
    fhi_world_push_from(L, 1, FHI_WORLD_PARCELS); /* 3 */
    lua_createtable(L, shot.count < INT16_MAX ? (int)shot.count : 0, 0);
    for (size_t i = 0; i < shot.count; i++) {
        fhi_push_facts(L, &shot.facts[i], 3);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}
