#include "device/deed.h"

#include "device/core.h"
#include "device/inside.h"

void fhi_allocator_acquire(fhi_allocator *allocator)
{
    atomic_fetch_add_explicit(&allocator->references, 1, memory_order_relaxed);
}

void fhi_allocator_release(fhi_core *core, fhi_allocator *allocator)
{
    if (atomic_fetch_sub(&allocator->references, 1) != 1) {
        return;
    }
    if (allocator->ops.destroy) {
        allocator->ops.destroy(allocator->context);
    }
    fhi_host_free(&core->memory, allocator, 1, sizeof *allocator, 64);
}

/* What all lanes have in a deed; under the table's lock. */
static fhi_deed_share sum(fhi_core *core, uint32_t deed)
{
    fhi_deed_share all = {0, 0};
    for (uint32_t i = 0; i < FHI_LANES; i++) {
        fhi_lane *lane = &core->lanes[i];
        fhi_latch_acquire(&lane->lock);
        all.count += lane->deeds[deed].count;
        all.reserved += lane->deeds[deed].reserved;
        fhi_latch_release(&lane->lock);
    }
    return all;
}

uint64_t fhi_deeds_reserved(fhi_core *core, const fhi_allocator *allocator)
{
    fhi_deeds *deeds = &core->deeds;
    uint64_t reserved = 0;
    fhi_lock_acquire(&deeds->lock);
    for (uint32_t i = 1; i < FHI_DEEDS; i++) {
        if (deeds->table[i].allocator == allocator) {
            reserved += sum(core, i).reserved;
        }
    }
    fhi_lock_release(&deeds->lock);
    return reserved;
}

/* A place without parcels that may be given away: not one that an open alias finds without a
 * lock. */
static bool is_idle(fhi_core *core, uint32_t place)
{
    const fhi_deed *deed = &core->deeds.table[place];
    return deed->under != 0 && sum(core, place).count == 0;
}

/* The deed's own place, or one made its own; 0: the table is full. A place holds a reference to its
 * allocator, and lasts as long as the alias; one without parcels is given away when there is no
 * free one: *out_ousted is then to be released. Under the lock. */
static uint32_t intern(fhi_core *core, fhi_allocator *allocator, uint32_t under,
                       fhi_allocator **out_ousted)
{
    fhi_deeds *deeds = &core->deeds;
    uint32_t place = 0;
    for (uint32_t i = 1; i < FHI_DEEDS; i++) {
        const fhi_deed *deed = &deeds->table[i];
        if (deed->allocator == allocator && deed->under == under) {
            return i;
        }
        place = place == 0 && !deed->allocator ? i : place;
    }
    for (uint32_t i = 1; i < FHI_DEEDS && place == 0; i++) {
        place = is_idle(core, i) ? i : 0;
    }
    if (place != 0) {
        *out_ousted = deeds->table[place].allocator;
        deeds->table[place] = (fhi_deed){allocator, under};
        fhi_allocator_acquire(allocator);
        if (under == 0) {
            atomic_store_explicit(&allocator->own, place, memory_order_release);
        }
    }
    return place;
}

/* Free a closed allocator's place if no parcel counts in it. Under the lock. */
static fhi_allocator *vacate(fhi_core *core, uint32_t place)
{
    fhi_deed *deed = &core->deeds.table[place];
    fhi_allocator *allocator = deed->allocator;
    if (!allocator || !allocator->closed || sum(core, place).count > 0) {
        return NULL;
    }
    *deed = (fhi_deed){NULL, 0};
    atomic_fetch_sub(&core->deeds.closed_count, 1);
    return allocator;
}

void fhi_deeds_close(fhi_core *core, fhi_allocator *allocator)
{
    fhi_deeds *deeds = &core->deeds;
    uint32_t freed = 0;

    fhi_lock_acquire(&deeds->lock);
    allocator->closed = true;
    for (uint32_t i = 1; i < FHI_DEEDS; i++) {
        if (deeds->table[i].allocator == allocator) {
            /* First this, then the look at the lanes: a parcel that leaves does it the other way
             * round, so one of the two sees the other. */
            atomic_fetch_add(&deeds->closed_count, 1);
            freed += vacate(core, i) != NULL;
        }
    }
    fhi_lock_release(&deeds->lock);
    while (freed-- > 0) {
        fhi_allocator_release(core, allocator);
    }
}

static bool is_in_chain(const fhi_deeds *deeds, uint32_t deed, const fhi_allocator *allocator)
{
    while (deed != 0 && deeds->table[deed].allocator != allocator) {
        deed = deeds->table[deed].under;
    }
    return deed != 0;
}

/* Under the lane's lock. */
static void count_in(fhi_lane *lane, fhi_record *record, uint32_t deed)
{
    record->deed = deed;
    record->flags |= FHI_RECORD_DEED;
    lane->deeds[deed].count++;
    lane->deeds[deed].reserved += record->backing.reserved;
}

fh_result fhi_deed_attach(fhi_core *core, fhi_record *record, fhi_allocator *allocator)
{
    fhi_deeds *deeds = &core->deeds;
    fhi_lane *lane = &core->lanes[record->lane];
    uint32_t own = atomic_load_explicit(&allocator->own, memory_order_acquire);

    fhi_latch_acquire(&lane->lock);
    uint32_t under = (record->flags & FHI_RECORD_DEED) != 0 ? record->deed : 0;
    if (under == 0 && own != 0) {
        count_in(lane, record, own);
    }
    fhi_latch_release(&lane->lock);
    if (under == 0 && own != 0) {
        return FH_OK;
    }

    fhi_allocator *ousted = NULL;
    fhi_lock_acquire(&deeds->lock);
    bool known = is_in_chain(deeds, under, allocator);
    uint32_t deed = known ? under : intern(core, allocator, under, &ousted);
    bool again = false;
    if (!known && deed != 0) {
        fhi_latch_acquire(&lane->lock);
        again = ((record->flags & FHI_RECORD_DEED) != 0 ? record->deed : 0) != under;
        if (!again) {
            count_in(lane, record, deed);
        }
        fhi_latch_release(&lane->lock);
    }
    fhi_lock_release(&deeds->lock);
    if (ousted) {
        fhi_allocator_release(core, ousted);
    }
    if (again) { /* another allocator gave the same parcel out meanwhile */
        return fhi_deed_attach(core, record, allocator);
    }
    if (deed == 0) {
        return fhi_fail_with(FH_ERR_HOST_MEMORY,
                             "the device has {} chains of allocators, which is the most",
                             FHI_DEEDS - 1, 0, 0);
    }
    return FH_OK;
}

static void leave(fhi_core *core, fhi_lane *lane, uint32_t place, uint64_t reserved)
{
    fhi_latch_acquire(&lane->lock);
    lane->deeds[place].count--;
    lane->deeds[place].reserved -= reserved;
    fhi_latch_release(&lane->lock);
    if (atomic_load(&core->deeds.closed_count) == 0) {
        return;
    }
    fhi_lock_acquire(&core->deeds.lock);
    fhi_allocator *last = vacate(core, place);
    fhi_lock_release(&core->deeds.lock);
    if (last) {
        fhi_allocator_release(core, last);
    }
}

/* The parcel counts in each deed of its chain, so a place stays as it is until it has left it. */
void fhi_deed_notify_freed(fhi_core *core, const fhi_record *was)
{
    fhi_inside inside;
    fhi_lane *lane = &core->lanes[was->lane];
    uint64_t reserved = was->backing.reserved;
    uint32_t under;
    for (uint32_t place = was->deed; place != 0; place = under) {
        const fhi_allocator *allocator = core->deeds.table[place].allocator;
        under = core->deeds.table[place].under;
        if (allocator->ops.notify_freed) {
            fhi_inside_begin(core, &inside, FHI_INSIDE_CALLBACK);
            allocator->ops.notify_freed(allocator->context, reserved, was->committed,
                                        (fh_kind)was->kind);
            fhi_inside_end(core, &inside);
        }
        leave(core, lane, place, reserved);
    }
}

void fhi_deed_notify_resized(fhi_core *core, const fhi_record *record, fh_parcel_bytes before,
                             fh_parcel_bytes after)
{
    fhi_inside inside;
    fhi_lane *lane = &core->lanes[record->lane];
    uint32_t under;
    for (uint32_t place = record->deed; place != 0; place = under) {
        const fhi_allocator *allocator = core->deeds.table[place].allocator;
        under = core->deeds.table[place].under;
        fhi_latch_acquire(&lane->lock);
        lane->deeds[place].reserved += after.reserved - before.reserved; /* unsigned: may wrap */
        fhi_latch_release(&lane->lock);
        if (allocator->ops.notify_resized) {
            fhi_inside_begin(core, &inside, FHI_INSIDE_CALLBACK);
            allocator->ops.notify_resized(allocator->context, before, after, (fh_kind)record->kind);
            fhi_inside_end(core, &inside);
        }
    }
}
