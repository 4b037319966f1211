/* Traces of programs made by hand: a card, memories, resources, bindings, submits, frames; and what
 * was recorded, played. Ids are the caller's. Knows nothing of cmocka, so that the fuzz target can
 * use it too. */

#ifndef FREEHOLD_TESTS_TAPING_H
#define FREEHOLD_TESTS_TAPING_H

#include "trace_rig.h"

#include <freehold/replay.h>

/* At one address from begin to end. */
typedef struct taping {
    rig_disk disk;
    uint64_t time_ns;  /* of the next event; each takes a microsecond */
    uint64_t frames;   /* told */
    uint64_t submits;  /* of all queues */
    uint32_t device;   /* what events are of; 1 */
    const char *fault; /* what could not be written: a mistake of the test's */
} taping;

/* A card of two heaps: 0, the device's own, of `size` bytes; 1, host memory of 1 GiB. Types: 0 of
 * heap 0; 1 of heap 1, written by the host; 2 of heap 0, written by the host; 3 of heap 1, cached.
 */
void tape_begin(taping *t, fh_trace_api api, uint64_t size);

/* The same without a card. */
void tape_begin_bare(taping *t);
void tape_card(taping *t, uint32_t device, fh_trace_api api, uint64_t size);

void tape_add(taping *t, const fh_trace_event *event);

void tape_queue(taping *t, uint64_t queue);
void tape_memory(taping *t, uint64_t memory, uint32_t type, uint64_t size);
void tape_memory_freed(taping *t, uint64_t memory);
/* A buffer of type mask 0xf, alignment 256. */
void tape_buffer(taping *t, uint64_t resource, uint64_t size, fh_usage usage);
/* rgba8, 2D, optimal: width * height * 4 bytes, alignment 4096. */
void tape_texture(taping *t, uint64_t resource, uint32_t width, uint32_t height);
void tape_resource(taping *t, const fh_trace_resource *resource);
void tape_bound(taping *t, uint64_t resource, uint64_t memory, uint64_t offset, uint64_t size);
void tape_released(taping *t, uint64_t resource);
void tape_destroyed(taping *t, uint64_t resource);
void tape_mapped(taping *t, uint64_t memory, uint64_t resource, uint64_t offset, uint64_t size);
void tape_unmapped(taping *t, uint64_t memory);
void tape_submit(taping *t, uint64_t queue, const uint64_t *resources, uint32_t count);
void tape_use(taping *t, uint64_t queue, uint64_t resource); /* a submit of one */
void tape_used(taping *t, uint64_t queue, uint64_t resource, uint64_t value);
void tape_frame(taping *t);
void tape_budget(taping *t, uint32_t heap, uint64_t budget, uint64_t usage);
void tape_named(taping *t, fh_trace_noun noun, uint64_t id, const char *name);

/* A buffer in a memory of its own, of type 0; both have the id. */
void tape_own(taping *t, uint64_t id, uint64_t size);

/* Read what was written. The taping is over in any case; `memory` may be NULL. */
fh_result tape_end(taping *t, const fh_host_memory *memory, fh_recording **out_recording);

/* All of it, to the last byte that is the same at every run: timings are zero. NULL: they are the
 * same; else a sentence that the next call overwrites. */
const char *tape_difference(const fh_replay *a, const fh_replay *b);

#endif
