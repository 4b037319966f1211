/* Where the engine comes from. There are two implementations, and an artefact has one of them:
 *
 *     open_library.c  in libfreehold: opens libfreehold_script.so.0 once, and keeps it open
 *     open_linked.c   in libfreehold_script.a and in freehold.so, which have the engine inside */

#ifndef FREEHOLD_SCRIPT_OPEN_H
#define FREEHOLD_SCRIPT_OPEN_H

#include "script/engine.h"

/* The engine; UNSUPPORTED when there is none, with a sentence that says where it was looked for.
 * Any thread. */
fh_result fhi_engine_open(const fhi_engine **out_engine);

#endif
