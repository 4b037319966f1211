/* Policies in Lua: putting one in charge of a device, and living with it. A policy is one of three
 * objects: of scripts (policy.c), a table of hooks in trusted mode (trusted.c), or a budget
 * (budget.c). */

#ifndef BINDING_POLICY_H
#define BINDING_POLICY_H

#include "binding/class.h"
#include "binding/hook.h"
#include "binding/world.h"

#include <freehold/script.h>

/* The full userdata behind a policy of scripts. User value 1 is the device. */
typedef struct fhi_lua_policy {
    fhi_lua_world *world;
    fh_policy *policy;           /* the handle; NULL: not loaded, given back, or no device */
    struct fhi_lua_policy *next; /* in the world's list, while there is a handle */
    uint32_t uses;               /* calls under way */
    bool closed;                 /* by the program */
    bool kept; /* the world's FHI_WORLD_POLICY: it keeps the handle though closed */
} fhi_lua_policy;

/* A call on a policy, as fhi_lua_call. */
typedef struct fhi_policy_call {
    fhi_lua_call call;
    fhi_lua_policy *self;
} fhi_policy_call;

extern const fhi_class fhi_policy_class;

/* The policy at index 1; raises when there is something else. */
fhi_lua_policy *fhi_check_policy(lua_State *L);

/* Begin a call on the policy at index 1; its device is left on the stack. NULL: it was released, or
 * its device is gone, and there is nothing to end. */
fh_policy *fhi_policy_begin(fhi_policy_call *call, lua_State *L, fhi_lua_policy *self);
void fhi_policy_end(fhi_policy_call *call);

/* Push nil, message and "stale", of a policy without a handle. Returns 3. */
int fhi_push_policy_gone(lua_State *L);

/* The device is about to go: give all handles back. In a call. */
void fhi_policies_forget(fhi_lua_world *world);

/* The policy of that object, at `object`, is in charge of the device at `index`; 0 = none is.
 * Raises nothing. */
void fhi_policy_put(lua_State *L, int index, int object);

/* For objects whose hook is the policy: back to the native rules, if it is in charge. Pushes
 * whether it was, and returns how many. The object is at index 1; the device is its user value
 * 2. */
int fhi_policy_remove(lua_State *L, const fhi_hook *hook, bool in_charge);

/* Push the option's value at `index` as the text that fh_policy_set_option() takes. Errors as in
 * check.h. */
const char *fhi_push_setting(lua_State *L, int index, int arg, const char *name);

/* Push the settings in the table at `index`, or nil, as a list in a userdata, whose texts are in
 * the table at `anchors`. The order does not depend on that of the table. */
fh_policy_setting *fhi_push_settings(lua_State *L, int index, int arg, int anchors,
                                     uint32_t *out_count);

/* Read the script at `index`, a path or { text = …, name = … }; its texts go to the table at
 * `anchors`. `name` is what messages call it. */
void fhi_read_source(lua_State *L, int index, int arg, const char *name, int anchors,
                     fh_policy_source *out_source);

/* Methods of a device. */
int fhi_device_policy(lua_State *L);
int fhi_device_policy_name_method(lua_State *L);
int fhi_device_set_policy_method(lua_State *L);

#endif
