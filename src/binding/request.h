/* Descriptions of buffers, textures, raw and external memory: option tables in, and out again for
 * those who look on or decide. */

#ifndef BINDING_REQUEST_H
#define BINDING_REQUEST_H

#include "binding/pool.h"
#include "binding/world.h"

#include <freehold/parcel.h>

/* What of the table stays on the stack, from `slots` on. */
enum {
    FHI_SLOT_NAME,
    FHI_SLOT_TAG,
    FHI_SLOT_POOL,
    FHI_SLOT_BACKING,
    FHI_SLOT_USER,
    FHI_SLOT_DESTROY,
    FHI_SLOT_COUNT
};

typedef struct fhi_lua_request {
    fh_kind kind;
    union {
        fh_buffer_desc buffer;
        fh_texture_desc texture;
        fh_raw_desc raw;
        fh_external_desc external;
    };
    fhi_lua_pool *pool; /* or NULL; the object is in its slot */
} fhi_lua_request;

/* Read the table at `index` as a description of that kind, for the device at `device_index`. Pushes
 * FHI_SLOT_COUNT slots, from *out_slots on, which must stay as long as `out` is used. Returns 0, or
 * 3 when it failed. */
int fhi_read_request(lua_State *L, fh_kind kind, int index, int arg, fhi_lua_device *device,
                     int device_index, fhi_lua_request *out, int *out_slots);

/* Around a call of the core that gets the description: its pool stays. STALE: it is gone
 * already. */
fh_result fhi_request_begin(const fhi_lua_request *request);
void fhi_request_end(const fhi_lua_request *request);

/* Make what is described; not for external memory. In a call. */
fh_result fhi_request_make(fh_device *device, const fhi_lua_request *request,
                           fh_parcel *out_parcel);

/* Push a description as a table that fhi_read_request() takes. In a body of fhi_world_call(); `tag`
 * is the tag's name, "" = none. */
void fhi_push_buffer_desc(lua_State *L, const fhi_lua_world *world, const fh_buffer_desc *desc,
                          const char *tag);
void fhi_push_texture_desc(lua_State *L, const fhi_lua_world *world, const fh_texture_desc *desc,
                           const char *tag);
void fhi_push_raw_desc(lua_State *L, const fhi_lua_world *world, const fh_raw_desc *desc,
                       const char *tag);

/* A region of a texture, from the table at `index`; nil is all of mip 0. Returns 0, or 3. */
int fhi_read_region(lua_State *L, int index, int arg, const char *name, fh_texture_region *out);

/* fh.texture_bytes(options) */
int fhi_texture_bytes(lua_State *L);

#endif
