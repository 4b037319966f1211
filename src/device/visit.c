/* A visit goes through the slots a batch at a time: what lives in one is copied under its lane's
 * lock, and shown before the next batch is copied, with no lock held. The copies lie on the
 * stack, so that a visit needs no host memory: it is what a program does after its device was
 * lost. */

#include "device/core.h"

typedef struct visit {
    fhi_core *core;
    fh_parcel_visit_fn call;
    void *context;
    uint32_t count;
    fh_parcel parcels[FHI_BATCH];
    fh_parcel_info infos[FHI_BATCH];
} visit;

/* False: the visitor has seen enough. */
static bool show(visit *v)
{
    uint32_t count = v->count;
    v->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!v->call(v->context, v->parcels[i], &v->infos[i])) {
            return false;
        }
    }
    return true;
}

static bool provide(void *context, uint32_t count)
{
    visit *v = context;
    return v->count + count <= FHI_BATCH || show(v);
}

static void copy(void *context, uint32_t slot, const fhi_record *record)
{
    visit *v = context;
    uint64_t references =
        atomic_load_explicit(&record->word, memory_order_relaxed) & FHI_WORD_REFERENCES;

    /* Without a reference and not retiring: its handle is not out yet, or it is about to retire. */
    if ((record->flags & FHI_RECORD_GHOST) == 0 &&
        (references != 0 || record->state == FHI_STATE_RETIRING)) {
        v->parcels[v->count] = fhi_record_parcel(v->core, slot);
        fhi_record_info(v->core, slot, record, &v->infos[v->count]);
        v->count++;
    }
}

fh_result fh_device_visit(fh_device *device, fh_parcel_visit_fn call, void *context)
{
    if (!device || !call) {
        return fhi_fail(FH_ERR_INVALID,
                        device ? "visit: must not be NULL" : "device: must not be NULL");
    }
    visit v = {.core = device->core, .call = call, .context = context};
    if (fhi_records_walk(v.core, &(fhi_walk){provide, copy, &v})) {
        show(&v);
    }
    return FH_OK;
}
