/* Parcels, inside: what buffer.c, texture.c and raw.c share when they make one. */

#ifndef FREEHOLD_DEVICE_PARCEL_H
#define FREEHOLD_DEVICE_PARCEL_H

#include "device/core.h"
#include "device/lane.h"
#include "device/request.h"
#include "device/uses.h"

enum {
    FHI_OBJECT_MAX = 256, /* bytes a backend may keep of an object */
#define FHI_MEMORY_FLAG(name, bit, text) | (1 << (bit))
    FHI_MEMORY_FLAGS_ALL = 0 FH_MEMORY_FLAGS(FHI_MEMORY_FLAG)
#undef FHI_MEMORY_FLAG
};

/* What is wrong with a description's `memory`, with its sentence; FH_OK when nothing is. */
fh_result fhi_memory_desc_check(fhi_core *core, const fh_memory_desc *memory);

/* The whole of a buffer's description but its `memory`, and of raw memory's. (buffer.c, raw.c) */
fh_result fhi_buffer_desc_check(const fh_buffer_desc *desc);
fh_result fhi_raw_desc_check(fhi_core *core, const fh_raw_desc *desc);

/* Lay the parcel that is requested on its `backing`: INVALID where it cannot lie, STALE. A
 * reference to the backing is taken, for the parcel to hold. No lock held. */
fh_result fhi_parcel_lie_on(fhi_core *core, const fhi_request *request, fhi_backing *out_backing,
                            uint8_t *out_type);

/* What the event of a new parcel shows. */
typedef struct fhi_made {
    fh_kind kind;
    bool margin; /* is in `needs.size` */
    const fh_buffer_desc *buffer;
    const fh_texture_desc *texture;
    const fh_memory_desc *memory;
    const fh_requirements *needs;
} fhi_made;

/* Tell who wants to know. No lock held. */
void fhi_parcel_observe_made(fhi_core *core, const fhi_made *made, fh_parcel parcel);
void fhi_parcel_observe_request(fhi_core *core, const fhi_request *request, fh_parcel parcel);

/* The inner part of fhi_parcel_make(), in the lane `request->lane`: the slot's record is whole
 * but for its name, in state MAKING, and counted; nobody knows of it. fhi_parcel_free() undoes
 * it. */
fh_result fhi_parcel_prepare(fhi_core *core, fhi_request *request, uint32_t *out_slot);

/* The request is resolved and its object made, in memory of the caller's: find memory, take a
 * slot, move the object there, bind it, and hand the parcel out. On failure the object is
 * destroyed, and nothing has changed. No lock held. */
fh_result fhi_parcel_make(fhi_core *core, fhi_request *request, fh_parcel *out_parcel);

/* Name a parcel that is not published yet, and its object. HOST_MEMORY. No lock held. */
fh_result fhi_parcel_name(fhi_core *core, uint32_t slot, const char *name);

/* Fill in a record in state MAKING. */
void fhi_parcel_fill(fhi_core *core, const fhi_request *request, const fhi_backing *backing,
                     uint8_t type, fhi_record *record);

/* Count a parcel in its lane's statistics, and back; under the lane's lock. */
FHI_HOT_INLINE void fhi_parcel_count(fhi_lane *lane, const fhi_record *record)
{
    uint64_t reserved = record->backing.reserved;
    lane->parcel_count++;
    lane->committed_bytes += record->committed;
    lane->created_bytes += reserved;
    if (FHI_UNLIKELY(record->type == FHI_NO_TYPE)) {
        lane->external_bytes += reserved;
    } else if (FHI_LIKELY(!(record->flags & FHI_RECORD_BACKED))) {
        lane->types[record->type].range_count++;
        lane->types[record->type].range_bytes += reserved;
    }
}

void fhi_parcel_uncount_retiring(fhi_lane *lane, const fhi_record *record);

FHI_HOT_INLINE void fhi_parcel_uncount(fhi_lane *lane, const fhi_record *record)
{
    uint64_t reserved = record->backing.reserved;
    lane->parcel_count--;
    lane->committed_bytes -= record->committed;
    lane->freed_bytes += reserved;
    if (FHI_UNLIKELY(record->type == FHI_NO_TYPE)) {
        lane->external_bytes -= reserved;
    } else if (FHI_LIKELY(!(record->flags & FHI_RECORD_BACKED))) {
        lane->types[record->type].range_count--;
        lane->types[record->type].range_bytes -= reserved;
    }
    if (FHI_UNLIKELY(record->state == FHI_STATE_RETIRING)) {
        fhi_parcel_uncount_retiring(lane, record);
    }
}

/* The first reference: from now on the handle is valid, which is returned. */
FHI_HOT_INLINE fh_parcel fhi_parcel_publish(fhi_record *record, uint32_t slot)
{
    uint64_t generation =
        atomic_load_explicit(&record->word, memory_order_relaxed) & FHI_WORD_GENERATION;
    atomic_store_explicit(&record->word, generation | FHI_WORD_REFERENCE, memory_order_release);
    return (fh_parcel){generation | slot};
}

/* Return a slot to its lane, under the lane's lock: the handle's generation ends. */
FHI_HOT_INLINE void fhi_slot_free(fhi_lane *lane, fhi_record *record, uint32_t slot)
{
    uint64_t word = atomic_load_explicit(&record->word, memory_order_relaxed);
    record->state = FHI_STATE_FREE;
    record->used = 0;
    record->flags = 0;
    record->next = lane->free_slots;
    lane->free_slots = slot;
    atomic_store_explicit(&record->word, (word & FHI_WORD_GENERATION) + (UINT64_C(1) << 32),
                          memory_order_release);
}

#endif
