/* What the device tells while a replay plays: memory that comes and goes, where parcels lie, and
 * which line of which script decided. */

#include "replay/replay.h"

#include "device/record.h"
#include "replay/array.h"

#include <string.h>

/* ---- the driver's memory ---- */

static uint32_t told_alloc(void *context, uint32_t heap, uint32_t type, uint64_t size,
                           bool dedicated)
{
    fh_replay *replay = context;
    fhi_tally_alloc(&replay->tally, heap, size);
    replay->last_block = fhi_yard_block_add(&replay->yard, heap, type, size, dedicated);
    return replay->last_block;
}

static void told_free(void *context, uint32_t heap, uint64_t size, uint32_t block)
{
    fh_replay *replay = context;
    fhi_yard_block_end(&replay->yard, block);
    fhi_tally_free(&replay->tally, heap, size);
}

fhi_backend_listener fhi_watch_listener(fh_replay *replay)
{
    return (fhi_backend_listener){told_alloc, told_free, replay};
}

/* The device's numbers count from 1, and each is told once. */
static void memory_allocated(fh_replay *replay, const fh_event *event)
{
    while (replay->block_count < event->memory) {
        if (replay->block_count == replay->block_capacity) {
            uint32_t *more = fhi_array_extend(&replay->memory, replay->blocks, replay->block_count,
                                              &replay->block_capacity, sizeof *more);
            if (!more) {
                replay->yard.failed = true;
                return;
            }
            replay->blocks = more;
        }
        replay->blocks[replay->block_count++] = FHI_NONE;
    }
    replay->blocks[event->memory - 1] = replay->last_block;
    if (replay->last_block != FHI_NONE && replay->yard.keep) {
        uint32_t shown = replay->yard.all_blocks[replay->last_block].shown;
        if (shown != FHI_NONE) {
            replay->yard.blocks[shown].dedicated = event->dedicated;
        }
    }
}

/* ---- parcels ---- */

static bool provide_slot(fh_replay *replay, uint32_t slot)
{
    while (slot >= replay->place_capacity) {
        uint32_t before = replay->place_capacity;
        uint32_t *more = fhi_array_extend(&replay->memory, replay->places, before,
                                          &replay->place_capacity, sizeof *more);
        if (!more) {
            replay->yard.failed = true;
            return false;
        }
        memset(more + before, 0xff, (replay->place_capacity - before) * sizeof *more);
        replay->places = more;
    }
    return true;
}

/* What lies on another parcel's memory takes none of its own. */
static void parcel_created(fh_replay *replay, const fh_event *event)
{
    uint32_t slot = fhi_parcel_slot(event->parcel);
    uint32_t span = FHI_NONE;
    if (!provide_slot(replay, slot)) {
        return;
    }
    replay->places[slot] = FHI_NONE;
    if (event->memory == 0 || event->bytes == 0 || event->memory > replay->block_count) {
        return;
    }
    uint32_t block = replay->blocks[event->memory - 1];
    if (replay->request.active) {
        replay->request.made_block = block;
        replay->request.dedicated =
            block != FHI_NONE && replay->yard.all_blocks[block].size == event->bytes;
        if (!replay->request.is_group) {
            span = fhi_yard_span_add(&replay->yard, block, event->offset, event->bytes,
                                     replay->request.resource, fhi_replay_cause(replay), false);
        }
    }
    replay->places[slot] =
        fhi_yard_place_add(&replay->yard, block, event->offset, event->bytes, span);
}

uint32_t fhi_watch_place(const fh_replay *replay, fh_parcel parcel)
{
    uint32_t slot = fhi_parcel_slot(parcel);
    return slot < replay->place_capacity ? replay->places[slot] : FHI_NONE;
}

static void parcel_freed(fh_replay *replay, const fh_event *event)
{
    uint32_t slot = fhi_parcel_slot(event->parcel);
    if (slot < replay->place_capacity) {
        fhi_yard_place_end(&replay->yard, replay->places[slot]);
        replay->places[slot] = FHI_NONE;
    }
}

static void refused(fh_replay *replay, const fh_event *event)
{
    replay->request.refused_by_account = event->result == FH_ERR_BUDGET;
}

/* ---- decisions ---- */

/* Another version of a script: what the one before said is forgotten. */
static void note_version(fh_replay *replay, const fh_decided *decided)
{
    uint32_t count = sizeof replay->versions / sizeof replay->versions[0];
    if (decided->script < count && replay->versions[decided->script] != decided->version) {
        replay->versions[decided->script] = decided->version;
        fhi_causes_forget_verdicts(&replay->causes);
    }
}

static void decided(fh_replay *replay, const fh_event *event)
{
    const fh_decided *decided = event->decided;
    fhi_causes *causes = &replay->causes;
    fhi_tally_decide(&replay->tally, decided->outcome > FHI_OUTCOME_NOTHING, decided->time_ns);
    note_version(replay, decided);
    if (decided->outcome != FHI_OUTCOME_DECIDED) {
        return;
    }
    uint32_t cause = fhi_causes_decided(causes, event->name, decided->hook, decided->line);
    switch (decided->hook) {
    case FHI_HOOK_PLACE:
        causes->place = cause;
        if (replay->request.active) {
            fhi_causes_keep(causes, &replay->request.of, decided->size_min, decided->size_max,
                            cause);
        }
        break;
    case FHI_HOOK_RELIEVE:
        causes->relieve = cause;
        break;
    case FHI_HOOK_LIMITS:
        causes->limits = cause;
        break;
    case FHI_HOOK_PRESSURE:
        causes->pressure = cause;
        break;
    case FHI_HOOK_EVICT:
        causes->evict = cause;
        break;
    default:
        break;
    }
}

void fhi_watch_event(void *context, fh_device *device, const fh_event *event)
{
    fh_replay *replay = context;
    (void)device;
    switch (event->kind) {
    case FH_EVENT_PARCEL_CREATED:
        parcel_created(replay, event);
        break;
    case FH_EVENT_PARCEL_FREED:
        parcel_freed(replay, event);
        break;
    case FH_EVENT_MEMORY_ALLOCATED:
        memory_allocated(replay, event);
        break;
    case FH_EVENT_REFUSED:
        refused(replay, event);
        break;
    case FH_EVENT_POLICY_SET:
        fhi_causes_forget_verdicts(&replay->causes);
        break;
    case FH_EVENT_DECIDED:
        decided(replay, event);
        break;
    default:
        break;
    }
}
