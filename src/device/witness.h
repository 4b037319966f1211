/* Witnesses: observers that write down what happens, in the order in which it happens: recorders.
 *
 * Other observers are told with no lock held, and so perhaps after somebody else was told of what
 * came of it: of a parcel in a memory, before the memory. A witness is told of what decides the
 * order under the lock that decides it: a memory before anybody can lie in it, a parcel's end
 * before its memory can be others'. So it takes no lock, calls nothing of the device's but what is
 * here, nothing of anybody else's, and is done in some hundred nanoseconds. That it runs under a
 * lock is also what spares it the counting in and out that other observers need (observe.c): to end
 * a witness is to pass by all these locks.
 *
 * What lived before it came it finds by the walks, which show things under the same locks: each
 * thing is told of, or shown, and by who was there first. */

#ifndef FREEHOLD_DEVICE_WITNESS_H
#define FREEHOLD_DEVICE_WITNESS_H

#include "device/core.h"

/* Beside the public events, each with the lock held that stands there; `event` of fh_observe_fn is
 * the first member of an fhi_witnessed. */
enum {
    FHI_WITNESS_MEMORY_MADE = 1 << 21,    /* memory_lock; memory */
    FHI_WITNESS_MEMORY_ENDS = 1 << 22,    /* memory_lock; memory */
    FHI_WITNESS_PARCEL_MADE = 1 << 23,    /* its lane's; as PARCEL_CREATED */
    FHI_WITNESS_PARCEL_USED = 1 << 24,    /* its lane's; parcel, epoch */
    FHI_WITNESS_PARCEL_RETIRES = 1 << 25, /* its lane's; parcel: it waits for the GPU */
    FHI_WITNESS_PARCEL_ENDS = 1 << 26,    /* its lane's; parcel */
    FHI_WITNESS_PARCEL_SHAPED = 1 << 27,  /* its lane's; parcel, record, bytes, bytes_before (both
                                             committed): resized, and perhaps moved */
    FHI_WITNESS_TAG_MADE = 1 << 28,       /* tags.lock; tag, name */
    FHI_WITNESS_QUEUE_MADE = 1 << 29,     /* retire.lock; epoch.queue, name */
    FHI_WITNESS_ALL = 0x1ff << 21
};

_Static_assert((FHI_WITNESS_ALL & FH_EVENT_ALL) == 0, "a bit for each event");

typedef struct fhi_witnessed {
    fh_event event;
    fhi_memory *memory;
    const fhi_record *record;
} fhi_witnessed;

/* As fh_device_observe(), with those events, too. The place is *out_id % FHI_OBSERVERS. Ended by
 * fh_device_unobserve(). (observe.c) */
fh_result fhi_witness_begin(fhi_core *core, uint32_t events, fh_observe_fn observe, void *context,
                            uint32_t *out_id);

/* Tell witnesses, under the lock that belongs to the event. (observe.c) */
void fhi_witness(fhi_core *core, fhi_witnessed *witnessed);

/* The same with what is said of a memory, and of a parcel, if anybody wants it. */
void fhi_witness_memory(fhi_core *core, fhi_memory *memory, uint32_t event);
void fhi_witness_parcel(fhi_core *core, uint32_t slot, uint32_t event);
void fhi_witness_use(fhi_core *core, uint32_t slot, fh_epoch epoch);
void fhi_witness_shape(fhi_core *core, uint32_t slot, uint64_t bytes_before);

/* Who is told of something is told to the end, and who comes later sees what was stored before. */
void fhi_witnesses_pass(fhi_core *core);

/* ---- numbers of parcels ---- */

/* The parcel's number, counted from 1 in the order in which they were given, and never used twice;
 * 0: it has none, or is gone. No lock needed. */
uint64_t fhi_parcel_number(const fhi_core *core, fh_parcel parcel);

/* The same, given now if it has none. The caller keeps the parcel from going. */
uint64_t fhi_parcel_give_number(fhi_core *core, fh_parcel parcel);

/* Of a dedicated memory, the number that the parcel will be given that has it alone, if it has none
 * by then; of others 0. */
uint64_t fhi_memory_number(fhi_core *core, fhi_memory *memory);

/* Whether the witness in that place knows of the parcel: a note of the witness's own, for the time
 * of its walk. It is changed under the lane's lock, and all are to be cleared first, since one may
 * be of a witness that had the place before. */
bool fhi_parcel_is_told(const fhi_core *core, fh_parcel parcel, uint32_t place);
void fhi_parcel_set_told(fhi_core *core, fh_parcel parcel, uint32_t place);
void fhi_parcels_clear_told(fhi_core *core, uint32_t place);

/* The lane that it is at home in. */
fhi_lane *fhi_parcel_lane(fhi_core *core, fh_parcel parcel);

/* ---- walks; parcels have fhi_records_walk() ---- */

enum {
    FHI_WITNESS_BATCH = 256 /* memories */
};

/* Under memory_lock; NULL: that were all. `provide` comes before each FHI_WITNESS_BATCH of them,
 * with no lock held. */
void fhi_memories_walk(fhi_core *core, void (*provide)(void *context),
                       void (*show)(void *context, fhi_memory *memory), void *context);

/* Under tags.lock; tag 0: that were all. */
void fhi_tags_walk(fhi_core *core, void (*show)(void *context, fh_tag tag, const char *name),
                   void *context);

/* Under retire.lock; NULL: that were all. */
void fhi_queues_walk(fhi_core *core, void (*show)(void *context, uint32_t queue, const char *name),
                     void *context);

/* Once, under policies.lock: the name of the policy in charge; NULL: there is none. */
void fhi_policy_show(fhi_core *core, void (*show)(void *context, const char *name), void *context);

#endif
