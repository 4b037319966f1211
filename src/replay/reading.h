/* Reading a trace: events become ops, one after the other. What makes no sense where it stands is
 * left out and counted: unknown objects, bindings past a memory's end, a second binding, a second
 * end. */

#ifndef FREEHOLD_REPLAY_READING_H
#define FREEHOLD_REPLAY_READING_H

#include "replay/extents.h"
#include "replay/recording.h"

typedef struct fhi_reading {
    fh_recording *recording;
    const fh_host_memory *memory; /* the recording's */
    uint64_t time_ns;             /* never runs backwards */
    fhi_ids tapes, queues, memories, tags;
    struct fhi_read_queue {
        uint32_t tape, index;
    } * queue;
    uint32_t queue_capacity;
    fhi_extents extents[FHI_TAPES_MAX];  /* of each tape's pieces */
    uint32_t *marks[FHI_TAPES_MAX];      /* where FRAME events stand: ops before them */
    uint64_t *mark_times[FHI_TAPES_MAX]; /* and when that was */
    uint32_t mark_count[FHI_TAPES_MAX], mark_capacity[FHI_TAPES_MAX],
        mark_time_capacity[FHI_TAPES_MAX];
    bool has_work[FHI_TAPES_MAX]; /* submits */
} fhi_reading;

void fhi_reading_init(fhi_reading *reading, fh_recording *recording);
void fhi_reading_finish(fhi_reading *reading);

/* HOST_MEMORY. */
fh_result fhi_reading_take(fhi_reading *reading, const fh_trace_event *event);

/* Bindings, ends and maps, which need to know what lies where: a resource is bound, or has memory
 * that the trace does not know; a piece of a tape is let go, or gone; a memory is gone, or mapped.
 * (placing.c) */
fh_result fhi_reading_bind(fhi_reading *reading, uint32_t index, const fh_trace_bound *bound);
fh_result fhi_reading_imply(fhi_reading *reading, uint32_t index);
fh_result fhi_reading_release(fhi_reading *reading, uint32_t tape, uint32_t index);
fh_result fhi_reading_end(fhi_reading *reading, uint32_t tape, uint32_t index);
fh_result fhi_reading_free(fhi_reading *reading, uint32_t index);
void fhi_reading_map(fhi_reading *reading, uint32_t index, uint64_t offset, uint64_t size);

/* Events of work, and of what the program was told. (reading_work.c) */
fh_result fhi_reading_submit(fhi_reading *reading, const fh_trace_event *event);
fh_result fhi_reading_used(fhi_reading *reading, const fh_trace_used *used);
fh_result fhi_reading_frame(fhi_reading *reading, uint64_t device);
fh_result fhi_reading_budget(fhi_reading *reading, const fh_trace_budget *budget);
fh_result fhi_reading_refused(fhi_reading *reading, const fh_trace_refused *refused);
fh_result fhi_reading_eviction(fhi_reading *reading, const fh_trace_eviction *eviction);
fh_result fhi_reading_decision(fhi_reading *reading, const fh_trace_event *event);

/* The tape of a device; 0 is the one there is, if there is one. FHI_NONE. */
uint32_t fhi_reading_tape(const fhi_reading *reading, uint64_t device);

/* An op at the present time. */
fh_result fhi_reading_op(fhi_reading *reading, uint32_t tape_index, fhi_op_kind kind,
                         uint32_t index);

void fhi_reading_ignore(fhi_reading *reading);

/* Room for one more item: `items` itself, or a larger array; NULL: no host memory. */
void *fhi_reading_room(const fhi_reading *reading, void *items, uint32_t count, uint32_t *capacity,
                       size_t size);

fh_result fhi_reading_no_memory(void);

/* ---- after the last event (scan.c) ---- */

/* What was mapped, groups, bare memories, frames, peaks. */
fh_result fhi_recording_scan(fhi_reading *reading);

#endif
