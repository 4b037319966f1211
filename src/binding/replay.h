/* Replays in Lua. */

#ifndef BINDING_REPLAY_H
#define BINDING_REPLAY_H

#include "binding/class.h"
#include "binding/recording.h"
#include "binding/world.h"

#include <freehold/replay.h>

/* The full userdata behind a replay. User value 1 is the recording, 2 the device, or nil. */
typedef struct fhi_lua_replay {
    fh_replay *replay; /* NULL: not begun, or destroyed */
    fhi_lua_recording *recording;
    fhi_lua_device *device; /* NULL: as recorded */
    bool stepping;
    bool closed; /* by the program */
} fhi_lua_replay;

extern const fhi_class fhi_replay_class;

/* The replay at index 1; raises when there is something else. */
fhi_lua_replay *fhi_check_replay(lua_State *L);

/* Whether it can be asked now: 0, or 3 when nil, message and code were pushed. */
int fhi_lua_replay_refuses(lua_State *L, const fhi_lua_replay *self);

/* A method of a recording. */
int fhi_recording_replay(lua_State *L);

#endif
