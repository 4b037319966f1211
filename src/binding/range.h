/* Ranges in Lua: the handle, as a value. */

#ifndef BINDING_RANGE_H
#define BINDING_RANGE_H

#include "binding/block.h"

/* The full userdata behind a range. Its user value 1 is the block's, so `owner` cannot dangle. */
typedef struct fhi_lua_range {
    fhi_lua_block *owner;
    fh_range range;
} fhi_lua_range;

/* Push a handle of `owner`, whose userdata is at `index`. The caller sets its range; till then it
 * is {0}. */
fhi_lua_range *fhi_push_range(lua_State *L, int index, fhi_lua_block *owner);

/* The range at argument `arg`; raises when there is something else. */
fhi_lua_range *fhi_check_range(lua_State *L, int arg);

/* With the two metatables on top: fill in the range's. */
void fhi_range_register(lua_State *L);

#endif
