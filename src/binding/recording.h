/* Recordings in Lua: traces in memory, for replays. */

#ifndef BINDING_RECORDING_H
#define BINDING_RECORDING_H

#include "binding/class.h"

#include <freehold/replay.h>

/* The full userdata behind a recording. */
typedef struct fhi_lua_recording {
    fh_recording *recording; /* NULL: closed, and no replay of it is left */
    uint32_t replays;        /* open ones */
    bool closed;             /* by the program */
} fhi_lua_recording;

extern const fhi_class fhi_recording_class;

/* The recording at index 1; raises when there is something else. */
fhi_lua_recording *fhi_check_recording(lua_State *L);

/* Push nil, message and "stale", of one that is closed. Returns 3. */
int fhi_push_recording_gone(lua_State *L);

/* A replay is gone. Raises nothing. */
void fhi_lua_recording_leave(fhi_lua_recording *self);

/* fh.recording(path, options) */
int fhi_open_recording(lua_State *L);

#endif
