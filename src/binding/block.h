/* Virtual blocks in Lua. */

#ifndef BINDING_BLOCK_H
#define BINDING_BLOCK_H

#include "sandbox/lua54.h"

#include <freehold/block.h>

/* The full userdata behind a block. Its user value 1 is nil, or the table of the ranges' user
 * values, by the ranges' ids. */
typedef struct fhi_lua_block {
    fh_block *block; /* NULL: destroyed */
} fhi_lua_block;

/* The upvalues of every function here: comparing a metatable with one of them costs no look-up. */
enum {
    FHI_UPVALUE_BLOCK = 1,
    FHI_UPVALUE_RANGE,
    FHI_UPVALUE_COUNT = FHI_UPVALUE_RANGE
};

/* Whether the value at `index` is a userdata whose metatable is that upvalue. */
int fhi_is_object(lua_State *L, int index, int upvalue);

/* What the first argument of a method is: a block, destroyed or not; raises otherwise. */
fhi_lua_block *fhi_check_block(lua_State *L);

/* Push nil, message and "stale", of a block that was destroyed. Returns 3. */
int fhi_push_destroyed(lua_State *L);

/* Free `range` and forget its user value, in the live block `self` whose userdata is at `index`. */
fh_result fhi_block_free(lua_State *L, fhi_lua_block *self, int index, fh_range range);

/* Set the user value of the live `range` to the value on top, and pop that. nil removes it. */
void fhi_block_keep_user(lua_State *L, int index, fh_range range);

/* Push the user value of `range`, or nil. */
void fhi_block_push_user(lua_State *L, int index, fh_range range);

/* With the two metatables on top: fill in the block's. */
void fhi_block_register(lua_State *L);

/* fh.block(options) */
int fhi_block_create(lua_State *L);

#endif
