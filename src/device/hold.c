#include "device/hold.h"

#include "base/assert.h"
#include "device/core.h"

/* Waiting: whoever makes a move or a hold end that somebody waits for counts core->turns up. A
 * waiter reads the count first, looks then whether it must wait, and sleeps while the count is what
 * it was. */

static uint64_t turns(fhi_core *core)
{
    fhi_lock_acquire(&core->map_lock);
    uint64_t count = core->turns;
    fhi_lock_release(&core->map_lock);
    return count;
}

static void turn(fhi_core *core)
{
    fhi_lock_acquire(&core->map_lock);
    core->turns++;
    fhi_condition_wake_all(&core->mapped);
    fhi_lock_release(&core->map_lock);
}

static void wait_for_turn(fhi_core *core, uint64_t before)
{
    fhi_lock_acquire(&core->map_lock);
    while (core->turns == before) {
        fhi_condition_wait(&core->mapped, &core->map_lock, UINT64_MAX);
    }
    fhi_lock_release(&core->map_lock);
}

/* ---- pins ---- */

fh_result fhi_holds_pin(fhi_core *core, fhi_hold *holds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        holds[i].record = fhi_pin(core, holds[i].parcel);
        if (!holds[i].record) {
            fhi_holds_unpin(core, holds, i);
            return FH_ERR_STALE;
        }
    }
    return FH_OK;
}

void fhi_holds_unpin(fhi_core *core, fhi_hold *holds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        fhi_unpin(core, holds[i].parcel, holds[i].record);
    }
}

/* ---- holds ---- */

/* Under the lane's lock. */
static void look(fhi_core *core, fhi_hold *hold)
{
    const fhi_record *record = hold->record;

    hold->object = (record->flags & FHI_RECORD_OBJECT) != 0
                       ? fhi_record_object(core, fhi_parcel_slot(hold->parcel))
                       : NULL;
    hold->backing = record->backing;
    hold->committed = record->committed;
    hold->capacity = record->capacity;
    hold->type = record->type;
    hold->moves = record->moves;
    hold->used = record->used;
    hold->flags = record->flags;
}

void fhi_hold_look(fhi_core *core, fhi_hold *hold)
{
    fhi_lane *lane = &core->lanes[hold->record->lane];

    fhi_latch_acquire(&lane->lock);
    look(core, hold);
    fhi_latch_release(&lane->lock);
}

/* False: it is being moved. */
static bool begin(fhi_core *core, fhi_hold *hold)
{
    fhi_record *record = hold->record;
    fhi_lane *lane = &core->lanes[record->lane];

    fhi_latch_acquire(&lane->lock);
    bool free = (record->hold_count & FHI_HOLD_MOVING) == 0;
    if (free) {
        record->hold_count++;
        look(core, hold);
    }
    fhi_latch_release(&lane->lock);
    return free;
}

void fhi_holds_begin(fhi_core *core, fhi_hold *holds, uint32_t count)
{
    for (uint32_t i = 0; i < count;) {
        if (begin(core, &holds[i])) {
            i++;
            continue;
        }
        uint64_t before = turns(core);
        if (begin(core, &holds[i])) {
            i++;
            continue;
        }
        /* Not with others held: two threads could wait for each other. */
        fhi_holds_end(core, holds, i);
        wait_for_turn(core, before);
        i = 0;
    }
}

void fhi_holds_end(fhi_core *core, fhi_hold *holds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        fhi_record *record = holds[i].record;
        fhi_lane *lane = &core->lanes[record->lane];
        fhi_latch_acquire(&lane->lock);
        FH_ASSERT((record->hold_count & ~FHI_HOLD_MOVING) > 0);
        bool awaited = --record->hold_count == FHI_HOLD_MOVING;
        fhi_latch_release(&lane->lock);
        if (awaited) {
            turn(core);
        }
    }
}

uint32_t fhi_hold_pending(fhi_core *core, const fhi_hold *hold, fh_epoch out_epochs[FH_QUEUE_MAX],
                          uint32_t *out_of_backend)
{
    fhi_record *record = hold->record;
    fhi_lane *lane = &core->lanes[record->lane];
    uint32_t count = 0;

    *out_of_backend = 0;
    fhi_latch_acquire(&lane->lock);
    const uint64_t *uses = fhi_record_uses(core, fhi_parcel_slot(hold->parcel));
    for (uint32_t queue = 0; uses && queue < FH_QUEUE_MAX; queue++) {
        fh_epoch use = {queue, uses[queue]};
        if ((record->used >> queue & 1) == 0 || fhi_epoch_has_passed(core, use)) {
            continue;
        }
        out_epochs[count++] = use;
        if (queue < core->adapter.queue_count) {
            *out_of_backend = count;
        }
    }
    fhi_latch_release(&lane->lock);
    return count;
}

/* ---- moves ---- */

void fhi_move_begin(fhi_core *core, fhi_record *record)
{
    fhi_lane *lane = &core->lanes[record->lane];

    fhi_latch_acquire(&lane->lock);
    FH_ASSERT((record->hold_count & FHI_HOLD_MOVING) == 0);
    record->hold_count |= FHI_HOLD_MOVING;
    bool held = record->hold_count != FHI_HOLD_MOVING;
    fhi_latch_release(&lane->lock);
    while (held) {
        uint64_t before = turns(core);
        fhi_latch_acquire(&lane->lock);
        held = record->hold_count != FHI_HOLD_MOVING;
        fhi_latch_release(&lane->lock);
        if (held) {
            wait_for_turn(core, before);
        }
    }
}

void fhi_move_end(fhi_core *core, fhi_record *record)
{
    fhi_lane *lane = &core->lanes[record->lane];

    fhi_latch_acquire(&lane->lock);
    record->hold_count &= ~FHI_HOLD_MOVING;
    fhi_latch_release(&lane->lock);
    turn(core);
}
