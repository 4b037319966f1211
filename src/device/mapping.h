/* Mapping, flushing, and direct access to host-visible memory. A memory is mapped whole when the
 * first parcel in it is, and stays mapped until it is freed: mapping again and again is what
 * costs. */

#ifndef FREEHOLD_DEVICE_MAPPING_H
#define FREEHOLD_DEVICE_MAPPING_H

#include "device/hold.h"
#include "device/memory.h"

/* What these return is as the backend gave it: it goes through fhi_backend_result() when nothing is
 * held any more (hold.h). */

/* The memory's pointer, mapping it if nobody has. No lock held. */
fh_result fhi_memory_map(fhi_core *core, fhi_memory *memory, void **out_pointer);

/* Flush or invalidate bytes of a mapped memory, rounded to the atom and clamped to its end. No-op
 * when it is coherent. No lock held. */
fh_result fhi_memory_sync(fhi_core *core, fhi_memory *memory, uint64_t offset, uint64_t size,
                          bool invalidate);

/* The CPU's access to bytes of a parcel that is held, and lies in host-visible memory; no queue is
 * at them. `offset` is into the parcel. Zeroes are written where `data` is NULL. No lock held. */
fh_result fhi_direct_write(fhi_core *core, const fhi_hold *hold, uint64_t offset, const void *data,
                           uint64_t size);
fh_result fhi_direct_read(fhi_core *core, const fhi_hold *hold, uint64_t offset, void *out_data,
                          uint64_t size);

/* The same bytes where they lie, to be read as long as it is held. */
fh_result fhi_direct_look(fhi_core *core, const fhi_hold *hold, uint64_t offset, uint64_t size,
                          const void **out_data);

/* Canaries behind a parcel (core->margin bytes from `offset` on): write them, or see whether they
 * are whole. Host-visible memory only. (margin.c) */
fh_result fhi_margin_write(fhi_core *core, fhi_memory *memory, uint64_t offset);
fh_result fhi_margin_check(fhi_core *core, fhi_memory *memory, uint64_t offset, bool *out_whole);

/* Tell the log that a parcel's margin was written to. No lock held. (margin.c) */
void fhi_margin_report(fhi_core *core, const fhi_record *record, uint64_t committed);

#endif
