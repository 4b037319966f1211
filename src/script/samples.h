/* What a fresh edition's hooks are tried on: inputs that the policy got lately, or, for a hook that
 * was never called, made-up ones. */

#ifndef FREEHOLD_SCRIPT_SAMPLES_H
#define FREEHOLD_SCRIPT_SAMPLES_H

#include "base/lock.h"

#include <freehold/script.h>

#include <stdatomic.h>

enum {
    FHI_SAMPLES = 4,     /* of one hook */
    FHI_SAMPLE_ROWS = 8, /* candidates of one input of `evict` */
    FHI_SAMPLE_TEXT = 64
};

/* One input. At one address, since it points into itself. */
typedef struct fhi_sample {
    fh_facts facts;
    union {
        fh_request request;
        fh_frame_facts frame;
        fh_pressure pressure;
        fh_block_facts block;
        fh_recycle_facts cache;
        fh_candidates candidates;
        fh_alias_facts graph;
        fh_defrag_facts gaps;
    } input;
    char tag_name[FHI_SAMPLE_TEXT], name[FHI_SAMPLE_TEXT];
    fh_parcel parcels[FHI_SAMPLE_ROWS];
    float priorities[FHI_SAMPLE_ROWS];
    uint64_t ages[FHI_SAMPLE_ROWS], sizes[FHI_SAMPLE_ROWS], made[FHI_SAMPLE_ROWS];
    fh_tag tags[FHI_SAMPLE_ROWS];
    fh_kind kinds[FHI_SAMPLE_ROWS];
} fhi_sample;

typedef struct fhi_samples_of_hook {
    _Atomic uint64_t frame; /* of the last one taken, and one: one a tick is enough */
    fhi_latch latch;        /* guards what follows */
    uint32_t count;         /* taken so far */
    fhi_sample list[FHI_SAMPLES];
} fhi_samples_of_hook;

typedef struct fhi_samples {
    fhi_samples_of_hook hooks[FH_HOOK_COUNT];
} fhi_samples;

void fhi_samples_init(fhi_samples *samples);

/* The slow half of fhi_samples_note(). */
void fhi_samples_keep(fhi_samples *samples, fh_hook hook, const void *input, const fh_facts *facts);

/* A hook is about to be asked this. Any thread. */
static inline void fhi_samples_note(fhi_samples *samples, fh_hook hook, const void *input,
                                    const fh_facts *facts)
{
    uint64_t frame = atomic_load_explicit(&samples->hooks[hook].frame, memory_order_relaxed);
    if (frame != facts->frame + 1) {
        fhi_samples_keep(samples, hook, input, facts);
    }
}

/* The `index`th input to try a hook on; false: there are no more. `now` is used for made-up
 * ones. */
bool fhi_samples_get(fhi_samples *samples, fh_hook hook, uint32_t index, const fh_facts *now,
                     fhi_sample *out_sample);

/* What goes to fhi_engine.call as `input`. */
const void *fhi_sample_input(const fhi_sample *sample, fh_hook hook);

#endif
