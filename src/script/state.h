/* A script's state as the engine's bytes, for who has an engine in reach that can read them. */

#ifndef FREEHOLD_SCRIPT_STATE_H
#define FREEHOLD_SCRIPT_STATE_H

#include "script/engine.h"

/* Errors:  INVALID (no such script, or this is a hook), BUSY (it is running, and did not stop in
 *          time), HOST_MEMORY; *out_state is then empty.
 * Threads: any, but not from a hook. */
fh_result fhi_policy_save_state(fh_policy *policy, uint32_t script, fhi_state *out_state);

#endif
