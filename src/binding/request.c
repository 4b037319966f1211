/* One list of fields per kind, all with the same tail: where the memory should come from. The core
 * validates; what is checked here is what only Lua can get wrong. */

#include "binding/request.h"

#include "base/error.h"
#include "binding/check.h"
#include "binding/device.h"
#include "binding/fields.h"
#include "binding/names.h"
#include "binding/parcel.h"
#include "binding/result.h"

#include <string.h>

#define MEMORY_FIELDS(type)                                                                        \
    {"location", FHI_FIELD_CHOICE, offsetof(type, memory.location), 0, fhi_location_names},        \
        {"access", FHI_FIELD_CHOICE, offsetof(type, memory.access), 0, fhi_access_names},          \
        {"required", FHI_FIELD_FLAGS, offsetof(type, memory.required), 0, fhi_memory_flag_names},  \
        {"preferred", FHI_FIELD_FLAGS, offsetof(type, memory.preferred), 0,                        \
         fhi_memory_flag_names},                                                                   \
        {"types", FHI_FIELD_INDICES, offsetof(type, memory.type_mask), 0, NULL},                   \
        {"dedicated", FHI_FIELD_CHOICE, offsetof(type, memory.dedicated), 0, fhi_dedicated_names}, \
        {"strategy", FHI_FIELD_CHOICE, offsetof(type, memory.strategy), 0, fhi_strategy_names},    \
        {"upper", FHI_FIELD_BOOLEAN, offsetof(type, memory.upper), 0, NULL},                       \
        {"evictable", FHI_FIELD_CHOICE, offsetof(type, memory.evictable), 0, fhi_evictable_names}, \
        {"pool", FHI_FIELD_VALUE, 0, FHI_SLOT_POOL, NULL},                                         \
        {"backing", FHI_FIELD_VALUE, 0, FHI_SLOT_BACKING, NULL},                                   \
        {"backing_offset", FHI_FIELD_BYTES, offsetof(type, memory.backing_offset), 0, NULL},       \
        {"priority", FHI_FIELD_NUMBER, offsetof(type, memory.priority), 0, NULL},                  \
        {"tag", FHI_FIELD_VALUE, 0, FHI_SLOT_TAG, NULL},                                           \
        {"mapped", FHI_FIELD_BOOLEAN, offsetof(type, memory.mapped), 0, NULL},                     \
        {"within_budget", FHI_FIELD_BOOLEAN, offsetof(type, memory.within_budget), 0, NULL},       \
        {"movable", FHI_FIELD_BOOLEAN, offsetof(type, memory.movable), 0, NULL},                   \
        {"name", FHI_FIELD_TEXT, offsetof(type, memory.name), FHI_SLOT_NAME, NULL},                \
        {"user", FHI_FIELD_VALUE, 0, FHI_SLOT_USER, NULL}, FHI_FIELDS_END

static const fhi_field buffer_fields[] = {
    {"size", FHI_FIELD_BYTES, offsetof(fh_buffer_desc, size), 0, NULL},
    {"usage", FHI_FIELD_FLAGS, offsetof(fh_buffer_desc, usage), 0, fhi_usage_names},
    {"stride", FHI_FIELD_COUNT, offsetof(fh_buffer_desc, stride), 0, NULL},
    {"capacity", FHI_FIELD_BYTES, offsetof(fh_buffer_desc, capacity), 0, NULL},
    MEMORY_FIELDS(fh_buffer_desc),
};

static const fhi_field texture_fields[] = {
    {"kind", FHI_FIELD_CHOICE, offsetof(fh_texture_desc, kind), 0, fhi_texture_kind_names},
    {"format", FHI_FIELD_CHOICE, offsetof(fh_texture_desc, format), 0, fhi_format_names},
    {"width", FHI_FIELD_COUNT, offsetof(fh_texture_desc, width), 0, NULL},
    {"height", FHI_FIELD_COUNT, offsetof(fh_texture_desc, height), 0, NULL},
    {"depth", FHI_FIELD_COUNT, offsetof(fh_texture_desc, depth), 0, NULL},
    {"layers", FHI_FIELD_COUNT, offsetof(fh_texture_desc, layers), 0, NULL},
    {"mips", FHI_FIELD_COUNT, offsetof(fh_texture_desc, mips), 0, NULL},
    {"samples", FHI_FIELD_COUNT, offsetof(fh_texture_desc, samples), 0, NULL},
    {"usage", FHI_FIELD_FLAGS, offsetof(fh_texture_desc, usage), 0, fhi_usage_names},
    {"linear", FHI_FIELD_BOOLEAN, offsetof(fh_texture_desc, linear), 0, NULL},
    MEMORY_FIELDS(fh_texture_desc),
};

static const fhi_field raw_fields[] = {
    {"size", FHI_FIELD_BYTES, offsetof(fh_raw_desc, size), 0, NULL},
    {"alignment", FHI_FIELD_BYTES, offsetof(fh_raw_desc, alignment), 0, NULL},
    {"address", FHI_FIELD_BOOLEAN, offsetof(fh_raw_desc, address), 0, NULL},
    MEMORY_FIELDS(fh_raw_desc),
};

static const fhi_field external_fields[] = {
    {"size", FHI_FIELD_BYTES, offsetof(fh_external_desc, size), 0, NULL},
    {"heap", FHI_FIELD_COUNT, offsetof(fh_external_desc, heap), 0, NULL},
    {"tag", FHI_FIELD_VALUE, 0, FHI_SLOT_TAG, NULL},
    {"priority", FHI_FIELD_NUMBER, offsetof(fh_external_desc, priority), 0, NULL},
    {"evictable", FHI_FIELD_CHOICE, offsetof(fh_external_desc, evictable), 0, fhi_evictable_names},
    {"name", FHI_FIELD_TEXT, offsetof(fh_external_desc, name), FHI_SLOT_NAME, NULL},
    {"user", FHI_FIELD_VALUE, 0, FHI_SLOT_USER, NULL},
    {"destroy", FHI_FIELD_VALUE, 0, FHI_SLOT_DESTROY, NULL},
    FHI_FIELDS_END,
};

/* What each kind cannot do without; a field that is not there is a mistake in the program's
 * text. */
static void check_required(lua_State *L, fh_kind kind, int index, int arg)
{
    static const char *const required[][2] = {
        [FH_KIND_BUFFER] = {"size", "usage"},
        [FH_KIND_TEXTURE] = {"width", "format"},
        [FH_KIND_RAW] = {"size", NULL},
        [FH_KIND_EXTERNAL] = {"size", NULL},
    };
    for (int i = 0; i < 2 && required[kind][i] != NULL; i++) {
        lua_pushstring(L, required[kind][i]);
        if (lua_rawget(L, index) == LUA_TNIL) {
            luaL_argerror(L, arg, lua_pushfstring(L, "field '%s': is missing", required[kind][i]));
        }
        lua_pop(L, 1);
    }
}

/* The objects in the slots, into the description. */
static int read_objects(lua_State *L, int arg, int slots, fhi_lua_device *device,
                        fh_memory_desc *memory, fhi_lua_pool **out_pool)
{
    int pool = slots + FHI_SLOT_POOL, backing = slots + FHI_SLOT_BACKING;
    if (!lua_isnil(L, pool)) {
        fhi_lua_pool *object = fhi_check_pool(L, pool, arg, "field 'pool'");
        if (!fhi_pool_is_live(object)) {
            return fhi_push_pool_gone(L);
        }
        if (object->world != device->world) {
            return fhi_push_failure_of(L, FH_ERR_INVALID, "pool: belongs to another device");
        }
        *out_pool = object;
        memory->pool = object->pool;
    }
    if (!lua_isnil(L, backing)) {
        const fhi_lua_parcel *object = fhi_check_parcel(L, backing, arg, "field 'backing'");
        if (object->parcel.id == 0) {
            return fhi_push_failure_of(L, FH_ERR_STALE, "backing: has been released");
        }
        if (object->world != device->world) {
            return fhi_push_failure_of(L, FH_ERR_STALE, "backing: belongs to another device");
        }
        memory->backing = object->parcel;
    }
    return 0;
}

int fhi_read_request(lua_State *L, fh_kind kind, int index, int arg, fhi_lua_device *device,
                     int device_index, fhi_lua_request *out, int *out_slots)
{
    static const fhi_field *const fields[] = {
        [FH_KIND_BUFFER] = buffer_fields,
        [FH_KIND_TEXTURE] = texture_fields,
        [FH_KIND_RAW] = raw_fields,
        [FH_KIND_EXTERNAL] = external_fields,
    };
    memset(out, 0, sizeof *out);
    out->kind = kind;
    fhi_check_table(L, index, "options");
    luaL_checkstack(L, FHI_SLOT_COUNT + LUA_MINSTACK, NULL);
    int slots = lua_gettop(L) + 1;
    *out_slots = slots;
    lua_settop(L, slots + FHI_SLOT_COUNT - 1);
    int failed = fhi_read_fields(L, index, arg, fields[kind], slots, (void *)&out->buffer);
    if (failed == 0) {
        check_required(L, kind, index, arg);
    }
    fh_memory_desc *memory = kind == FH_KIND_BUFFER    ? &out->buffer.memory
                             : kind == FH_KIND_TEXTURE ? &out->texture.memory
                             : kind == FH_KIND_RAW     ? &out->raw.memory
                                                       : NULL;
    if (failed == 0 && memory != NULL) {
        failed = read_objects(L, arg, slots, device, memory, &out->pool);
    }
    if (failed == 0 && !lua_isnil(L, slots + FHI_SLOT_TAG)) {
        failed = fhi_read_tag(L, slots + FHI_SLOT_TAG, arg, "field 'tag'", device, device_index,
                              memory != NULL ? &memory->tag : &out->external.tag);
    }
    return failed;
}

fh_result fhi_request_begin(const fhi_lua_request *request)
{
    if (request->pool == NULL) {
        return FH_OK;
    }
    if (!fhi_pool_is_live(request->pool)) {
        return fhi_fail(FH_ERR_STALE, "pool: has been destroyed");
    }
    request->pool->rest->uses++;
    return FH_OK;
}

void fhi_request_end(const fhi_lua_request *request)
{
    if (request->pool != NULL) {
        request->pool->rest->uses--;
    }
}

fh_result fhi_request_make(fh_device *device, const fhi_lua_request *request, fh_parcel *out_parcel)
{
    fh_result result = fhi_request_begin(request);
    if (result != FH_OK) {
        return result;
    }
    switch (request->kind) {
    case FH_KIND_BUFFER:
        result = fh_buffer_create(device, &request->buffer, out_parcel);
        break;
    case FH_KIND_TEXTURE:
        result = fh_texture_create(device, &request->texture, out_parcel);
        break;
    default:
        result = fh_raw_create(device, &request->raw, out_parcel);
        break;
    }
    fhi_request_end(request);
    return result;
}

/* ---- the other way ---- */

static void set_if(lua_State *L, const char *name, uint64_t value)
{
    if (value != 0) {
        fhi_set_integer(L, name, value);
    }
}

static void set_flags_if(lua_State *L, const char *name, uint32_t bits, const char *const *names)
{
    if (bits != 0) {
        fhi_set_flags(L, name, bits, names);
    }
}

static void set_true_if(lua_State *L, const char *name, bool value)
{
    if (value) {
        fhi_set_boolean(L, name, 1);
    }
}

/* Into the table on top: all that differs from the default, so that the table reads as it was
 * written. */
static void set_memory(lua_State *L, const fhi_lua_world *world, const fh_memory_desc *memory,
                       const char *tag)
{
    fhi_set_text(L, "location", fhi_location_names[memory->location]);
    if (memory->access != FH_ACCESS_BY_LOCATION) {
        fhi_set_text(L, "access", fhi_access_names[memory->access]);
    }
    set_flags_if(L, "required", memory->required, fhi_memory_flag_names);
    set_flags_if(L, "preferred", memory->preferred, fhi_memory_flag_names);
    if (memory->type_mask != 0) {
        fhi_set_indices(L, "types", memory->type_mask);
    }
    if (memory->dedicated != FH_DEDICATED_AUTO) {
        fhi_set_text(L, "dedicated", fhi_dedicated_names[memory->dedicated]);
    }
    if (memory->strategy != FH_STRATEGY_BALANCED) {
        fhi_set_text(L, "strategy", fhi_strategy_names[memory->strategy]);
    }
    set_true_if(L, "upper", memory->upper);
    if (memory->evictable != FH_EVICTABLE_NO) {
        fhi_set_text(L, "evictable", fhi_evictable_names[memory->evictable]);
    }
    int table = lua_gettop(L);
    if (memory->pool != NULL) {
        fhi_world_push(L, world, FHI_WORLD_POOLS);
        lua_rawgetp(L, -1, memory->pool);
        lua_setfield(L, table, "pool");
        lua_pop(L, 1);
    }
    if (memory->backing.id != 0) {
        fhi_world_push(L, world, FHI_WORLD_PARCELS);
        fhi_parcel_push(L, table + 1, memory->backing);
        lua_setfield(L, table, "backing");
        lua_pop(L, 1);
        fhi_set_integer(L, "backing_offset", memory->backing_offset);
    }
    if (memory->priority != 0.0f) {
        fhi_set_number(L, "priority", (double)memory->priority);
    }
    if (tag[0] != '\0') {
        fhi_set_text(L, "tag", tag);
    }
    set_true_if(L, "mapped", memory->mapped);
    set_true_if(L, "within_budget", memory->within_budget);
    set_true_if(L, "movable", memory->movable);
    if (memory->name != NULL) {
        fhi_set_text(L, "name", memory->name);
    }
}

void fhi_push_buffer_desc(lua_State *L, const fhi_lua_world *world, const fh_buffer_desc *desc,
                          const char *tag)
{
    luaL_checkstack(L, 8, NULL);
    lua_newtable(L);
    fhi_set_integer(L, "size", desc->size);
    fhi_set_flags(L, "usage", desc->usage, fhi_usage_names);
    set_if(L, "stride", desc->stride);
    set_if(L, "capacity", desc->capacity);
    set_memory(L, world, &desc->memory, tag);
}

void fhi_push_texture_desc(lua_State *L, const fhi_lua_world *world, const fh_texture_desc *desc,
                           const char *tag)
{
    luaL_checkstack(L, 8, NULL);
    lua_newtable(L);
    fhi_set_text(L, "kind", fhi_texture_kind_names[desc->kind]);
    fhi_set_text(L, "format", fhi_format_names[desc->format]);
    fhi_set_integer(L, "width", desc->width);
    set_if(L, "height", desc->height);
    set_if(L, "depth", desc->depth);
    set_if(L, "layers", desc->layers);
    set_if(L, "mips", desc->mips);
    set_if(L, "samples", desc->samples);
    set_flags_if(L, "usage", desc->usage, fhi_usage_names);
    set_true_if(L, "linear", desc->linear);
    set_memory(L, world, &desc->memory, tag);
}

void fhi_push_raw_desc(lua_State *L, const fhi_lua_world *world, const fh_raw_desc *desc,
                       const char *tag)
{
    luaL_checkstack(L, 8, NULL);
    lua_newtable(L);
    fhi_set_integer(L, "size", desc->size);
    set_if(L, "alignment", desc->alignment);
    set_true_if(L, "address", desc->address);
    set_memory(L, world, &desc->memory, tag);
}

/* ---- regions ---- */

#define AT(field) offsetof(fh_texture_region, field)

static const fhi_field region_fields[] = {
    {"mip", FHI_FIELD_COUNT, AT(mip), 0, NULL},
    {"layer", FHI_FIELD_COUNT, AT(layer), 0, NULL},
    {"x", FHI_FIELD_COUNT, AT(x), 0, NULL},
    {"y", FHI_FIELD_COUNT, AT(y), 0, NULL},
    {"z", FHI_FIELD_COUNT, AT(z), 0, NULL},
    {"width", FHI_FIELD_COUNT, AT(width), 0, NULL},
    {"height", FHI_FIELD_COUNT, AT(height), 0, NULL},
    {"depth", FHI_FIELD_COUNT, AT(depth), 0, NULL},
    {"layers", FHI_FIELD_COUNT, AT(layers), 0, NULL},
    FHI_FIELDS_END,
};

#undef AT

int fhi_read_region(lua_State *L, int index, int arg, const char *name, fh_texture_region *out)
{
    *out = (fh_texture_region){0};
    if (lua_isnil(L, index)) {
        return 0;
    }
    if (lua_type(L, index) != LUA_TTABLE) {
        fhi_type_error(L, index, arg, name, "table");
    }
    return fhi_read_fields(L, index, arg, region_fields, 0, out);
}

/* Only what the texels depend on is looked at. */
int fhi_texture_bytes(lua_State *L)
{
    fh_texture_desc desc = {0};
    fhi_check_table(L, 1, "options");
    lua_settop(L, 1 + FHI_SLOT_COUNT);
    int failed = fhi_read_fields(L, 1, 1, texture_fields, 2, &desc);
    if (failed != 0) {
        return failed;
    }
    uint64_t bytes = fh_texture_bytes(&desc);
    if (bytes == 0 || bytes > (uint64_t)LUA_MAXINTEGER) {
        return fhi_push_failure_of(L, FH_ERR_INVALID,
                                   bytes == 0 ? "options: describe no texture that can be"
                                              : "options: that texture is too large to count");
    }
    lua_pushinteger(L, (lua_Integer)bytes);
    return 1;
}
