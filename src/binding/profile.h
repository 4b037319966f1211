/* Profiles of the host backend, as tables. */

#ifndef BINDING_PROFILE_H
#define BINDING_PROFILE_H

#include "sandbox/lua54.h"

#include <freehold/simulated.h>

/* With the memory that its name is in. */
typedef struct fhi_lua_profile {
    fh_profile profile;
    char name[64];
} fhi_lua_profile;

/* The profile at `index`: the name of a built-in one, or a table. Raises for what is spelt wrong;
 * returns 3 for a number that cannot be, else 0. */
int fhi_read_profile(lua_State *L, int index, int arg, const char *name, fhi_lua_profile *out);

/* Push it as a table. */
void fhi_push_profile(lua_State *L, const fh_profile *profile);

/* fh.profile(name), fh.profiles() */
int fhi_profile(lua_State *L);
int fhi_profiles(lua_State *L);

#endif
