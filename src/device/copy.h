/* Submitting copies: the one place that hands work to the backend. */

#ifndef FREEHOLD_DEVICE_COPY_H
#define FREEHOLD_DEVICE_COPY_H

#include "device/hold.h"

#include <freehold/backend.h>

/* Queue copies on queue 0, after what is pending for the parcels on the backend's other queues, and
 * note the epoch as a use of all of them. The parcels are held; each object that a copy names is
 * one of theirs. On failure nothing is queued, and *out_epoch is {0}. The result goes through
 * fhi_backend_result() when nothing is held any more. No lock held. */
fh_result fhi_copy_submit(fhi_core *core, const fh_backend_copy *copies, uint32_t copy_count,
                          const fhi_hold *holds, uint32_t hold_count, fh_epoch *out_epoch);

/* Tell observers of it; nothing is held any more. */
void fhi_copy_observe(fhi_core *core, uint32_t copy_count, const fhi_hold *holds,
                      uint32_t hold_count, fh_epoch epoch);

#endif
