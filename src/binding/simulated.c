/* Scripted trouble. fh_simulated_resume() is not here: who could call it is the thread that a stall
 * holds. So a stall needs its time. */

#include "binding/simulated.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/queue.h"
#include "binding/result.h"

#include <freehold/simulated.h>

#include <string.h>

/* The backend's device, in a call; NULL when the device is of another backend. */
static fh_backend_device *simulated(const fh_device *device)
{
    return strcmp(fh_device_adapter(device)->backend, "host") == 0 ? fh_device_backend(device)
                                                                   : NULL;
}

static int push_not_simulated(lua_State *L)
{
    return fhi_push_failure_of(L, FH_ERR_UNSUPPORTED,
                               "device: only devices of the backend 'host' can do that");
}

enum {
    SLOT_RESULT,
    SLOT_COUNT
};

static const fhi_field fault_fields[] = {
    {"kind", FHI_FIELD_CHOICE, offsetof(fh_fault, kind), 0, fhi_fault_kind_names},
    {"call", FHI_FIELD_CHOICE, offsetof(fh_fault, call), 0, fhi_backend_call_names},
    {"nth", FHI_FIELD_INTEGER, offsetof(fh_fault, nth), 0, NULL},
    {"above", FHI_FIELD_BYTES, offsetof(fh_fault, above), 0, NULL},
    {"result", FHI_FIELD_VALUE, 0, SLOT_RESULT, NULL},
    {"stall_ns", FHI_FIELD_INTEGER, offsetof(fh_fault, stall_ns), 0, NULL},
    {"tick", FHI_FIELD_INTEGER, offsetof(fh_fault, tick), 0, NULL},
    {"heap", FHI_FIELD_COUNT, offsetof(fh_fault, heap), 0, NULL},
    {"bytes", FHI_FIELD_BYTES, offsetof(fh_fault, bytes), 0, NULL},
    FHI_FIELDS_END,
};

int fhi_device_fault(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fh_fault fault = {.nth = 1};
    fhi_check_table(L, 2, "options");
    lua_settop(L, 2 + SLOT_COUNT);
    int failed = fhi_read_fields(L, 2, 2, fault_fields, 3, &fault);
    if (failed != 0) {
        return failed;
    }
    if (!lua_isnil(L, 3 + SLOT_RESULT)) {
        fault.result = fhi_check_code(L, 3 + SLOT_RESULT, 2, "field 'result'");
    }
    if (fault.kind == FH_FAULT_STALL && fault.stall_ns == 0) {
        return fhi_push_failure_of(L, FH_ERR_INVALID,
                                   "stall_ns: a stall must say how long it takes");
    }
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_backend_device *backend = simulated(device);
    fh_result result = backend != NULL ? fh_simulated_fault(backend, &fault) : FH_OK;
    fhi_call_end(&call);
    return backend == NULL ? push_not_simulated(L) : fhi_push_done(L, result);
}

int fhi_device_clear_faults(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_backend_device *backend = simulated(device);
    if (backend != NULL) {
        fh_simulated_clear(backend);
    }
    fhi_call_end(&call);
    return backend == NULL ? push_not_simulated(L) : fhi_push_done(L, FH_OK);
}

int fhi_device_calls(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fh_backend_call kind = FH_BACKEND_CALL_ANY;
    if (!lua_isnoneornil(L, 2)) {
        kind = (fh_backend_call)fhi_check_choice(L, 2, 2, "call", fhi_backend_call_names);
    }
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_backend_device *backend = simulated(device);
    uint64_t count = backend != NULL ? fh_simulated_calls(backend, kind) : 0;
    fhi_call_end(&call);
    if (backend == NULL) {
        return push_not_simulated(L);
    }
    lua_pushinteger(L, (lua_Integer)count);
    return 1;
}

int fhi_device_advance(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    uint32_t queue = 0, count = 1;
    int failed = lua_isnoneornil(L, 2) ? 0 : fhi_read_queue(L, 2, 2, "queue", &queue);
    if (failed == 0 && !lua_isnoneornil(L, 3)) {
        failed = fhi_read_count(L, 3, 3, "count", &count);
    }
    if (failed != 0) {
        return failed;
    }
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_backend_device *backend = simulated(device);
    uint32_t done = backend != NULL ? fh_simulated_advance(backend, queue, count) : 0;
    fhi_call_end(&call);
    if (backend == NULL) {
        return push_not_simulated(L);
    }
    lua_pushinteger(L, (lua_Integer)done);
    return 1;
}

int fhi_device_live(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    uint64_t memories = 0, bytes = 0, objects = 0;
    fh_backend_device *backend = simulated(device);
    if (backend != NULL) {
        fh_simulated_live(backend, &memories, &bytes, &objects);
    }
    fhi_call_end(&call);
    if (backend == NULL) {
        return push_not_simulated(L);
    }
    lua_createtable(L, 0, 3);
    fhi_set_integer(L, "memories", memories);
    fhi_set_integer(L, "bytes", bytes);
    fhi_set_integer(L, "objects", objects);
    return 1;
}
