/* A view is weak: it keeps its device, and not its parent, so a lost handle of the parent is
 * collected all the same, and the view is stale then. */

#include "binding/view.h"

#include "binding/device.h"
#include "binding/fields.h"
#include "binding/parcel.h"
#include "binding/result.h"

typedef struct fhi_lua_view {
    fhi_lua_world *world;
    fh_view view;
} fhi_lua_view;

/* User value 1 is the device. */

int fhi_parcel_view_method(lua_State *L)
{
    fhi_lua_parcel *parcel = fhi_check_parcel(L, 1, 1, "parcel");
    uint64_t offset = 0, size = 0;
    lua_settop(L, 3);
    int failed = lua_isnil(L, 2) ? 0 : fhi_read_bytes(L, 2, 2, "offset", &offset);
    if (failed == 0 && !lua_isnil(L, 3)) {
        failed = fhi_read_bytes(L, 3, 3, "size", &size);
    }
    if (failed != 0) {
        return failed;
    }
    fhi_lua_view *self = fhi_object_new(L, &fhi_view_class, sizeof *self, 1);
    self->world = parcel->world;
    lua_getiuservalue(L, 1, FHI_PARCEL_DEVICE);
    lua_setiuservalue(L, 4, 1);
    if (parcel->parcel.id == 0) {
        return fhi_push_failure_of(L, FH_ERR_STALE, "parcel: has been released");
    }
    fhi_lua_call call;
    fh_device *device = fhi_parcel_begin(&call, L, parcel);
    if (device == NULL) {
        return fhi_push_closed(L);
    }
    fh_result result = fh_view_make(device, parcel->parcel, offset, size, &self->view);
    fhi_call_end(&call);
    if (result != FH_OK) {
        return fhi_push_failure(L, result);
    }
    lua_settop(L, 4);
    return 1;
}

static bool is_valid(lua_State *L, fhi_lua_view *self)
{
    fhi_lua_call call;
    lua_getiuservalue(L, 1, 1);
    fh_device *device = fhi_call_begin(&call, L, self->world->root, lua_gettop(L));
    if (device == NULL) {
        return false;
    }
    bool valid = fh_view_check(device, &self->view) == FH_OK;
    fhi_call_end(&call);
    return valid;
}

static int view_valid(lua_State *L)
{
    fhi_lua_view *self = fhi_check_object(L, 1, 1, "view", &fhi_view_class);
    lua_pushboolean(L, is_valid(L, self));
    return 1;
}

static int view_tostring(lua_State *L)
{
    fhi_lua_view *self = fhi_check_object(L, 1, 1, "view", &fhi_view_class);
    lua_pushfstring(L, "freehold.view (%I bytes at %I%s)", (LUAI_UACINT)self->view.size,
                    (LUAI_UACINT)self->view.offset, is_valid(L, self) ? "" : ", stale");
    return 1;
}

enum {
    FIELD_OFFSET,
    FIELD_SIZE,
    FIELD_PARENT
};

static const char *const fields[] = {
    [FIELD_OFFSET] = "offset", [FIELD_SIZE] = "size", [FIELD_PARENT] = "parent", NULL};

static void push_field(lua_State *L, void *object, int field)
{
    const fhi_lua_view *self = object;
    switch (field) {
    case FIELD_OFFSET:
        lua_pushinteger(L, (lua_Integer)self->view.offset);
        break;
    case FIELD_SIZE:
        lua_pushinteger(L, (lua_Integer)self->view.size);
        break;
    default:
        lua_getiuservalue(L, 1, 1);
        fhi_world_push_from(L, lua_gettop(L), FHI_WORLD_PARCELS);
        fhi_parcel_push(L, lua_gettop(L), self->view.parent);
        break;
    }
}

static const luaL_Reg methods[] = {{"valid", view_valid}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__tostring", view_tostring}, {NULL, NULL}};

const fhi_class fhi_view_class = {"freehold.view", methods, metamethods, fields, push_field};
