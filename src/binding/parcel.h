/* Parcels in Lua: handles, each with a reference of its own. */

#ifndef BINDING_PARCEL_H
#define BINDING_PARCEL_H

#include "binding/class.h"
#include "binding/world.h"

#include <freehold/parcel.h>

extern const fhi_class fhi_parcel_class;

/* The full userdata behind a handle. */
typedef struct fhi_lua_parcel {
    fhi_lua_world *world;
    fh_parcel parcel; /* {0}: released, or not made yet */
} fhi_lua_parcel;

/* Its user values. */
enum {
    FHI_PARCEL_DEVICE = 1, /* the device by which it was made */
    FHI_PARCEL_USER,       /* the program's value */
    FHI_PARCEL_SIBLINGS,   /* nil, or a weak list of all handles of the parcel */
    FHI_PARCEL_VALUES = FHI_PARCEL_SIBLINGS
};

/* A parcel at one moment. */
typedef struct fhi_parcel_facts {
    fh_parcel parcel;
    fh_parcel_info info;
    char tag[64]; /* "" = untagged */
} fhi_parcel_facts;

/* Push a handle of nothing yet, for the device at `index`. */
fhi_lua_parcel *fhi_parcel_new(lua_State *L, fhi_lua_world *world, int index);

/* The handle at `handle`, of the device at `index`, has got its parcel: callbacks can find it. */
void fhi_parcel_enlist(lua_State *L, int index, int handle);

/* Push the handle of that parcel that callbacks find, or nil. `parcels` is the index of the world's
 * table of them. */
void fhi_parcel_push(lua_State *L, int parcels, fh_parcel parcel);

/* The handle at `index`, released or not; raises when there is something else. */
fhi_lua_parcel *fhi_check_parcel(lua_State *L, int index, int arg, const char *name);

/* Take the handle's reference away from it: the caller has it now. With a device of the world at
 * `index`, and the handle at `handle`. */
fh_parcel fhi_parcel_take(lua_State *L, int index, int handle);

/* Begin a call on the device of the parcel that is at index 1 of a method, whose user value 1 is
 * left on the stack. NULL: the device is closed. */
fh_device *fhi_parcel_begin(fhi_lua_call *call, lua_State *L, fhi_lua_parcel *self);

/* Fill in everything about a live parcel. In a call. */
fh_result fhi_parcel_look(fh_device *device, fh_parcel parcel, fhi_parcel_facts *out);
void fhi_parcel_name_tag(fh_device *device, fhi_parcel_facts *facts);

/* Push it as a table; `parcels` as above. */
void fhi_push_facts(lua_State *L, const fhi_parcel_facts *facts, int parcels);

/* Methods of a device (parcel_make.c). */
int fhi_device_buffer(lua_State *L);
int fhi_device_texture(lua_State *L);
int fhi_device_raw(lua_State *L);
int fhi_device_raws(lua_State *L);
int fhi_device_external(lua_State *L);

/* Methods of a parcel, and of a device, that move bytes (transfer.c). */
int fhi_parcel_write_method(lua_State *L);
int fhi_parcel_read_method(lua_State *L);
int fhi_parcel_fill_method(lua_State *L);
int fhi_parcel_map_method(lua_State *L);
int fhi_device_copy(lua_State *L);

#endif
