/* A profile as a table has the struct's fields by their names, but for its arrays: what is said of
 * one heap stands together. What is 0 is left out, and what is left out is 0: the default. */

#include "binding/profile.h"

#include "binding/check.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/result.h"

#include <stdio.h>
#include <string.h>

enum {
    SLOT_NAME,
    SLOT_HEAPS,
    SLOT_TYPES,
    SLOT_COUNT,
    PROFILES_MAX = 32
};

#define AT(field) offsetof(fh_profile, field)

static const fhi_field profile_fields[] = {
    {"name", FHI_FIELD_TEXT, AT(name), SLOT_NAME, NULL},
    {"kind", FHI_FIELD_CHOICE, AT(kind), 0, fhi_adapter_kind_names},
    {"heaps", FHI_FIELD_VALUE, 0, SLOT_HEAPS, NULL},
    {"types", FHI_FIELD_VALUE, 0, SLOT_TYPES, NULL},
    {"queue_count", FHI_FIELD_COUNT, AT(queue_count), 0, NULL},
    {"granularity", FHI_FIELD_BYTES, AT(granularity), 0, NULL},
    {"atom", FHI_FIELD_BYTES, AT(atom), 0, NULL},
    {"buffer_alignment", FHI_FIELD_BYTES, AT(buffer_alignment), 0, NULL},
    {"uniform_alignment", FHI_FIELD_BYTES, AT(uniform_alignment), 0, NULL},
    {"texture_alignment", FHI_FIELD_BYTES, AT(texture_alignment), 0, NULL},
    {"target_alignment", FHI_FIELD_BYTES, AT(target_alignment), 0, NULL},
    {"buffer_types", FHI_FIELD_INDICES, AT(buffer_types), 0, NULL},
    {"texture_types", FHI_FIELD_INDICES, AT(texture_types), 0, NULL},
    {"dedicated_texture_size", FHI_FIELD_BYTES, AT(dedicated_texture_size), 0, NULL},
    {"allocation_size_max", FHI_FIELD_BYTES, AT(allocation_size_max), 0, NULL},
    {"allocation_count_max", FHI_FIELD_COUNT, AT(allocation_count_max), 0, NULL},
    {"allocation_latency_ns", FHI_FIELD_INTEGER, AT(allocation_latency_ns), 0, NULL},
    {"copy_latency_ns", FHI_FIELD_INTEGER, AT(copy_latency_ns), 0, NULL},
    {"manual", FHI_FIELD_BOOLEAN, AT(manual), 0, NULL},
    FHI_FIELDS_END,
};

#undef AT

typedef struct heap {
    uint64_t size, os_budget, os_unaccounted;
    bool device_local;
} heap;

static const fhi_field heap_fields[] = {
    {"size", FHI_FIELD_BYTES, offsetof(heap, size), 0, NULL},
    {"device_local", FHI_FIELD_BOOLEAN, offsetof(heap, device_local), 0, NULL},
    {"os_budget", FHI_FIELD_BYTES, offsetof(heap, os_budget), 0, NULL},
    {"os_unaccounted", FHI_FIELD_BYTES, offsetof(heap, os_unaccounted), 0, NULL},
    FHI_FIELDS_END,
};

static const fhi_field type_fields[] = {
    {"heap", FHI_FIELD_COUNT, offsetof(fh_memory_type_info, heap), 0, NULL},
    {"flags", FHI_FIELD_FLAGS, offsetof(fh_memory_type_info, flags), 0, fhi_memory_flag_names},
    FHI_FIELDS_END,
};

/* Reads entry after entry of the list at `index`: at most `max` of them. Returns 0, or 3. */
static int read_list(lua_State *L, int index, int arg, const char *field, uint32_t max,
                     int (*read_entry)(lua_State *L, int entry, int arg, uint32_t i, void *out),
                     void *out, uint32_t *out_count)
{
    *out_count = 0;
    if (lua_isnil(L, index)) {
        return 0;
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, field, "table");
    }
    for (uint32_t i = 0; lua_rawgeti(L, index, (lua_Integer)i + 1) != LUA_TNIL; i++) {
        int entry = lua_gettop(L);
        if (i == max) {
            return fhi_push_failure_of(L, FH_ERR_INVALID, "%s: there can be %d of them", field,
                                       (int)max);
        }
        if (lua_type(L, entry) != LUA_TTABLE) {
            fhi_type_error(L, entry, arg, lua_pushfstring(L, "%s [%d]", field, (int)i + 1),
                           "table");
        }
        int failed = read_entry(L, entry, arg, i, out);
        if (failed != 0) {
            return failed;
        }
        *out_count = i + 1;
        lua_settop(L, entry - 1);
    }
    lua_pop(L, 1);
    return 0;
}

static int read_heap(lua_State *L, int entry, int arg, uint32_t i, void *out)
{
    fh_profile *profile = out;
    heap one = {0};
    int failed = fhi_read_fields(L, entry, arg, heap_fields, 0, &one);
    profile->heaps[i] = (fh_heap_info){one.size, one.device_local};
    profile->os_budget[i] = one.os_budget;
    profile->os_unaccounted[i] = one.os_unaccounted;
    return failed;
}

static int read_type(lua_State *L, int entry, int arg, uint32_t i, void *out)
{
    fh_profile *profile = out;
    return fhi_read_fields(L, entry, arg, type_fields, 0, &profile->types[i]);
}

static int unknown_profile(lua_State *L, int arg, const char *name, const char *word)
{
    const char *known[PROFILES_MAX + 1];
    uint32_t count = 0;
    for (; count < PROFILES_MAX && fh_profile_at(count) != NULL; count++) {
        known[count] = fh_profile_at(count)->name;
    }
    known[count] = NULL;
    fhi_push_nearest(L, word, known);
    return luaL_argerror(
        L, arg, lua_pushfstring(L, "%s: unknown name '%s'%s", name, word, lua_tostring(L, -1)));
}

int fhi_read_profile(lua_State *L, int index, int arg, const char *name, fhi_lua_profile *out)
{
    memset(out, 0, sizeof *out);
    fh_profile *profile = &out->profile;
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *word = fhi_check_text(L, index, arg, name);
        const fh_profile *found = fh_profile_find(word);
        if (found == NULL) {
            return unknown_profile(L, arg, name, word);
        }
        *profile = *found;
        return 0;
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, name, "name or table");
    }
    luaL_checkstack(L, 20, NULL);
    int top = lua_gettop(L), slots = top + 1;
    lua_settop(L, top + SLOT_COUNT);
    int failed = fhi_read_fields(L, index, arg, profile_fields, slots, profile);
    if (failed == 0) {
        failed = read_list(L, slots + SLOT_HEAPS, arg, "field 'heaps'", FH_HEAP_MAX, read_heap,
                           profile, &profile->heap_count);
    }
    if (failed == 0) {
        failed = read_list(L, slots + SLOT_TYPES, arg, "field 'types'", FH_MEMORY_TYPE_MAX,
                           read_type, profile, &profile->type_count);
    }
    if (failed == 0) {
        if (profile->name != NULL) {
            snprintf(out->name, sizeof out->name, "%s", profile->name);
            profile->name = out->name;
        }
        lua_settop(L, top);
    }
    return failed;
}

/* ---- the other way ---- */

static void set_if(lua_State *L, const char *name, uint64_t value)
{
    if (value != 0) {
        fhi_set_integer(L, name, value);
    }
}

void fhi_push_profile(lua_State *L, const fh_profile *profile)
{
    luaL_checkstack(L, 6, NULL);
    lua_newtable(L);
    fhi_set_text(L, "name", profile->name);
    fhi_set_text(L, "kind", fhi_adapter_kind_names[profile->kind]);
    lua_createtable(L, (int)profile->heap_count, 0);
    for (uint32_t i = 0; i < profile->heap_count; i++) {
        lua_createtable(L, 0, 4);
        fhi_set_integer(L, "size", profile->heaps[i].size);
        fhi_set_boolean(L, "device_local", profile->heaps[i].device_local);
        set_if(L, "os_budget", profile->os_budget[i]);
        set_if(L, "os_unaccounted", profile->os_unaccounted[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "heaps");
    lua_createtable(L, (int)profile->type_count, 0);
    for (uint32_t i = 0; i < profile->type_count; i++) {
        lua_createtable(L, 0, 2);
        fhi_set_integer(L, "heap", profile->types[i].heap);
        fhi_set_flags(L, "flags", profile->types[i].flags, fhi_memory_flag_names);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "types");
    for (const fhi_field *field = profile_fields; field->name != NULL; field++) {
        const char *at = (const char *)profile + field->offset;
        uint64_t wide;
        uint32_t narrow;
        switch (field->type) {
        case FHI_FIELD_BYTES:
        case FHI_FIELD_INTEGER:
            memcpy(&wide, at, sizeof wide);
            set_if(L, field->name, wide);
            break;
        case FHI_FIELD_COUNT:
            memcpy(&narrow, at, sizeof narrow);
            set_if(L, field->name, narrow);
            break;
        case FHI_FIELD_INDICES:
            memcpy(&narrow, at, sizeof narrow);
            if (narrow != 0) {
                fhi_set_indices(L, field->name, narrow);
            }
            break;
        default: /* above, or after */
            break;
        }
    }
    if (profile->manual) {
        fhi_set_boolean(L, "manual", 1);
    }
}

int fhi_profile(lua_State *L)
{
    const char *word = fhi_check_text(L, 1, 1, "name");
    const fh_profile *profile = fh_profile_find(word);
    if (profile == NULL) {
        return unknown_profile(L, 1, "name", word);
    }
    fhi_push_profile(L, profile);
    return 1;
}

int fhi_profiles(lua_State *L)
{
    lua_newtable(L);
    for (uint32_t i = 0; fh_profile_at(i) != NULL; i++) {
        lua_pushstring(L, fh_profile_at(i)->name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}
