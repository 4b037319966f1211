/* An adapter is shown as a table of plain values. Lists are Lua's, from 1; what a number *names*
 * counts from 0, as in C, in JSON and on the command line: so each heap and each type has its
 * `index`. */

#include "binding/adapter.h"

#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/profile.h"
#include "binding/result.h"

#include <string.h>

enum {
    BATCH = 8,
    BACKENDS_MAX = 16
};

/* Backends that some build of Freehold has. */
static const char *const elsewhere[] = {"vulkan", "d3d12", "metal"};

int fhi_read_backend(lua_State *L, int index, int arg, const char *name, const char **out)
{
    const char *word = fhi_check_text(L, index, arg, name);
    const fh_backend_ops *ops = fh_backend_find(word);
    if (ops != NULL) {
        *out = ops->name;
        return 0;
    }
    const char *known[BACKENDS_MAX + sizeof elsewhere / sizeof elsewhere[0] + 1];
    size_t count = 0;
    for (uint32_t i = 0; i < BACKENDS_MAX && fh_backend_at(i) != NULL; i++) {
        known[count++] = fh_backend_at(i)->name;
    }
    size_t here = count;
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        known[count++] = elsewhere[i];
    }
    known[count] = NULL;
    for (size_t i = here; i < count; i++) {
        if (strcmp(known[i], word) == 0) {
            return fhi_push_failure_of(L, FH_ERR_UNSUPPORTED,
                                       "backend: this build of Freehold has no '%s'", word);
        }
    }
    known[here] = NULL;
    fhi_push_nearest(L, word, known);
    return luaL_argerror(
        L, arg, lua_pushfstring(L, "%s: unknown name '%s'%s", name, word, lua_tostring(L, -1)));
}

int fhi_backends(lua_State *L)
{
    lua_newtable(L);
    for (uint32_t i = 0; fh_backend_at(i) != NULL; i++) {
        lua_pushstring(L, fh_backend_at(i)->name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

void fhi_push_adapter(lua_State *L, const fh_adapter_info *info)
{
    luaL_checkstack(L, 6, NULL);
    lua_newtable(L);
    fhi_set_text(L, "name", info->name);
    fhi_set_text(L, "backend", info->backend);
    fhi_set_text(L, "kind", fhi_adapter_kind_names[info->kind]);
    fhi_set_flags(L, "caps", info->caps, fhi_cap_names);
    fhi_set_integer(L, "queue_count", info->queue_count);
    fhi_set_integer(L, "granularity", info->granularity);
    fhi_set_integer(L, "atom", info->atom);
    fhi_set_integer(L, "allocation_size_max", info->allocation_size_max);
    fhi_set_integer(L, "allocation_count_max", info->allocation_count_max);
    lua_createtable(L, (int)info->heap_count, 0);
    for (uint32_t i = 0; i < info->heap_count; i++) {
        lua_createtable(L, 0, 3);
        fhi_set_integer(L, "index", i);
        fhi_set_integer(L, "size", info->heaps[i].size);
        fhi_set_boolean(L, "device_local", info->heaps[i].device_local);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "heaps");
    lua_createtable(L, (int)info->type_count, 0);
    for (uint32_t i = 0; i < info->type_count; i++) {
        lua_createtable(L, 0, 3);
        fhi_set_integer(L, "index", i);
        fhi_set_integer(L, "heap", info->types[i].heap);
        fhi_set_flags(L, "flags", info->types[i].flags, fhi_memory_flag_names);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "types");
}

int fhi_adapters(lua_State *L)
{
    enum {
        SLOT_BACKEND,
        SLOT_PROFILE
    };
    static const fhi_field fields[] = {
        {"backend", FHI_FIELD_VALUE, 0, SLOT_BACKEND, NULL},
        {"profile", FHI_FIELD_VALUE, 0, SLOT_PROFILE, NULL},
        FHI_FIELDS_END,
    };
    const char *backend = NULL;
    fhi_lua_profile profile;
    fh_simulated_desc simulated = {0};
    lua_settop(L, 1);
    lua_pushnil(L);   /* 2: backend */
    lua_pushnil(L);   /* 3: profile */
    char nothing = 0; /* the fields are all kept in slots */
    int failed = lua_isnil(L, 1) ? 0 : fhi_read_fields(L, 1, 1, fields, 2, &nothing);
    if (failed == 0 && !lua_isnil(L, 2)) {
        failed = fhi_read_backend(L, 2, 1, "field 'backend'", &backend);
    }
    if (failed == 0 && !lua_isnil(L, 3)) {
        failed = fhi_read_profile(L, 3, 1, "field 'profile'", &profile);
        simulated.profile = &profile.profile;
    }
    if (failed != 0) {
        return failed;
    }
    if (simulated.profile != NULL && backend != NULL && strcmp(backend, "host") != 0) {
        return fhi_push_failure_of(L, FH_ERR_INVALID,
                                   "profile: the backend '%s' has none; 'host' has", backend);
    }
    lua_newtable(L);
    uint32_t count = 1;
    for (uint32_t first = 0; first < count; first += BATCH) {
        fh_adapter_info infos[BATCH];
        fh_result result = fh_adapter_list(backend, simulated.profile != NULL ? &simulated : NULL,
                                           first, BATCH, infos, &count);
        if (result != FH_OK) {
            return fhi_push_failure(L, result);
        }
        for (uint32_t i = first; i < count && i - first < BATCH; i++) {
            fhi_push_adapter(L, &infos[i - first]);
            fhi_set_integer(L, "index", i);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    }
    return 1;
}

int fhi_device_adapter(lua_State *L)
{
    fhi_lua_device *self = fhi_check_device(L, 1);
    fhi_lua_call call;
    fh_device *device = fhi_device_begin(&call, L, self, 1);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_adapter_info info = *fh_device_adapter(device);
    fhi_call_end(&call);
    fhi_push_adapter(L, &info);
    return 1;
}
