/* What a device tells, in the words of traces. Fills in events; hands none to anybody. The memory
 * ids of the trace are the device's own, resources' ids are the numbers that parcels get when a
 * witness first hears of them; queues, tags and the device have their index, from 1 on. */

#ifndef FREEHOLD_TRACE_DEVICE_WORDS_H
#define FREEHOLD_TRACE_DEVICE_WORDS_H

#include "device/witness.h"

#include <freehold/trace_event.h>

enum {
    FHI_WORDS_DEVICE = 1, /* its id */
    FHI_WORDS_DEVICE_LIST = 2 * FH_HEAP_MAX + 2 * FH_MEMORY_TYPE_MAX
};

static inline uint64_t fhi_words_queue(uint32_t queue)
{
    return (uint64_t)queue + 1;
}

/* DEVICE, without its text; `list` has room for FHI_WORDS_DEVICE_LIST numbers, and is borrowed. */
void fhi_words_device(fh_trace_event *out, const fh_adapter_info *adapter, uint64_t *list);

/* MEMORY; `dedicated`: the resource that it is for, or 0. */
void fhi_words_memory(fh_trace_event *out, const fhi_memory *memory, uint64_t dedicated);

/* RESOURCE and BOUND of a parcel whose PARCEL_CREATED this is. */
void fhi_words_made(fh_trace_event *out, const fh_event *made, uint64_t number);
void fhi_words_made_bound(fh_trace_event *out, const fh_event *made, uint64_t number);

/* The same of one that lives already; under its lane's lock. */
void fhi_words_found(fh_trace_event *out, const fhi_core *core, const fhi_record *record,
                     uint64_t number);
void fhi_words_found_bound(fh_trace_event *out, const fhi_record *record, uint64_t number);

/* REFUSED, CROSSED, and DECISION without its text. */
void fhi_words_refused(fh_trace_event *out, const fh_event *told);
void fhi_words_crossed(fh_trace_event *out, const fh_event *told);
void fhi_words_decision(fh_trace_event *out, const fh_event *told);

#endif
