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

/* The deed's own place, or one made its own; 0: the table is full. A place holds a reference to its
 * allocator, and lasts as long as the alias, so that a deed is found at once; one without parcels
 * is given away when there is no free one: *out_ousted is then to be released. Under the lock. */
static uint32_t intern(fhi_deeds *deeds, fhi_allocator *allocator, uint32_t under,
                       fhi_allocator **out_ousted)
{
    uint32_t vacant = 0, idle = 0;
    for (uint32_t i = 1; i < FHI_DEEDS; i++) {
        const fhi_deed *deed = &deeds->table[i];
        if (deed->allocator == allocator && deed->under == under) {
            return i;
        }
        if (!deed->allocator) {
            vacant = vacant == 0 ? i : vacant;
        } else if (deed->parcel_count == 0) {
            idle = i;
        }
    }
    uint32_t place = vacant != 0 ? vacant : idle;
    if (place != 0) {
        *out_ousted = deeds->table[place].allocator;
        deeds->table[place] = (fhi_deed){.allocator = allocator, .under = under};
        fhi_allocator_acquire(allocator);
    }
    return place;
}

void fhi_deeds_close(fhi_core *core, fhi_allocator *allocator)
{
    fhi_deeds *deeds = &core->deeds;
    uint32_t freed = 0;

    fhi_lock_acquire(&deeds->lock);
    allocator->closed = true;
    for (uint32_t i = 1; i < FHI_DEEDS; i++) {
        fhi_deed *deed = &deeds->table[i];
        if (deed->allocator == allocator && deed->parcel_count == 0) {
            *deed = (fhi_deed){0};
            freed++;
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

fh_result fhi_deed_attach(fhi_core *core, fhi_record *record, fhi_allocator *allocator)
{
    fhi_deeds *deeds = &core->deeds;
    fhi_lane *lane = &core->lanes[record->lane];

    fhi_latch_acquire(&lane->lock);
    uint32_t under = (record->flags & FHI_RECORD_DEED) != 0 ? record->deed : 0;
    uint64_t reserved = record->backing.reserved;
    fhi_latch_release(&lane->lock);

    fhi_lock_acquire(&deeds->lock);
    bool known = is_in_chain(deeds, under, allocator);
    fhi_allocator *ousted = NULL;
    uint32_t deed = known ? under : intern(deeds, allocator, under, &ousted);
    if (!known && deed != 0) {
        deeds->table[deed].parcel_count++;
    }
    fhi_lock_release(&deeds->lock);
    if (ousted) {
        fhi_allocator_release(core, ousted);
    }
    if (known) {
        return FH_OK;
    }
    if (deed == 0) {
        return fhi_fail_with(FH_ERR_HOST_MEMORY,
                             "parcels of {} chains of allocators live, which is the most",
                             FHI_DEEDS - 1, 0, 0);
    }
    fhi_latch_acquire(&lane->lock);
    record->deed = deed;
    record->flags |= FHI_RECORD_DEED;
    fhi_latch_release(&lane->lock);
    atomic_fetch_add_explicit(&allocator->reserved_bytes, reserved, memory_order_relaxed);
    return FH_OK;
}

/* The parcel counts in each deed of its chain, so what is read here stays as it is. */
static fhi_allocator *look(fhi_core *core, uint32_t deed, uint32_t *out_under)
{
    fhi_deeds *deeds = &core->deeds;
    fhi_lock_acquire(&deeds->lock);
    fhi_allocator *allocator = deeds->table[deed].allocator;
    *out_under = deeds->table[deed].under;
    fhi_lock_release(&deeds->lock);
    return allocator;
}

static void leave(fhi_core *core, uint32_t index)
{
    fhi_deeds *deeds = &core->deeds;
    fhi_deed *deed = &deeds->table[index];
    fhi_allocator *last = NULL;

    fhi_lock_acquire(&deeds->lock);
    if (--deed->parcel_count == 0 && deed->allocator->closed) {
        last = deed->allocator;
        *deed = (fhi_deed){0};
    }
    fhi_lock_release(&deeds->lock);
    if (last) {
        fhi_allocator_release(core, last);
    }
}

void fhi_deed_notify_freed(fhi_core *core, uint32_t deed, uint64_t reserved, uint64_t committed,
                           fh_kind kind)
{
    fhi_inside inside;
    uint32_t under;
    for (; deed != 0; deed = under) {
        fhi_allocator *allocator = look(core, deed, &under);
        atomic_fetch_sub_explicit(&allocator->reserved_bytes, reserved, memory_order_relaxed);
        if (allocator->ops.notify_freed) {
            fhi_inside_begin(core, &inside, FHI_INSIDE_CALLBACK);
            allocator->ops.notify_freed(allocator->context, reserved, committed, kind);
            fhi_inside_end(core, &inside);
        }
        leave(core, deed);
    }
}

void fhi_deed_notify_resized(fhi_core *core, uint32_t deed, fh_parcel_bytes before,
                             fh_parcel_bytes after, fh_kind kind)
{
    fhi_inside inside;
    uint32_t under;
    for (; deed != 0; deed = under) {
        fhi_allocator *allocator = look(core, deed, &under);
        /* Unsigned: less is a sum that wraps. */
        atomic_fetch_add_explicit(&allocator->reserved_bytes, after.reserved - before.reserved,
                                  memory_order_relaxed);
        if (allocator->ops.notify_resized) {
            fhi_inside_begin(core, &inside, FHI_INSIDE_CALLBACK);
            allocator->ops.notify_resized(allocator->context, before, after, kind);
            fhi_inside_end(core, &inside);
        }
    }
}
