/* The card of a recording: the profile that its device is simulated by. */

#ifndef FREEHOLD_REPLAY_CARD_H
#define FREEHOLD_REPLAY_CARD_H

#include <freehold/simulated.h>
#include <freehold/trace_event.h>

/* The profile of what a DEVICE event describes, without its name. What no device can be is mended,
 * so that the host backend takes it: false. */
bool fhi_card_read(const fh_trace_event *event, fh_profile *out_profile);

#endif
