#include "device/inside.h"

#include "device/core.h"

static fhi_inside *find(const fhi_lane *lane, uintptr_t thread)
{
    fhi_inside *inside = lane->inside;
    while (inside && inside->thread != thread) {
        inside = inside->next;
    }
    return inside;
}

/* However deep: marks of one thread. */
static bool has_kind(const fhi_inside *inside, fhi_inside_kind kind)
{
    while (inside && inside->kind != kind) {
        inside = inside->outer;
    }
    return inside != NULL;
}

/* Under the lane's lock. */
static void push(fhi_lane *lane, fhi_inside *inside, fhi_inside *outer, fhi_inside_kind kind)
{
    inside->kind = kind;
    inside->refused = false;
    inside->outer = outer;
    inside->next = lane->inside;
    lane->inside = inside;
    inside->spill = outer && outer->spill;
}

void fhi_inside_begin(fhi_core *core, fhi_inside *inside, fhi_inside_kind kind)
{
    inside->thread = fhi_thread_anchor();
    inside->lane = fhi_lane_of_thread(core);

    fhi_lane *lane = &core->lanes[inside->lane];
    fhi_latch_acquire(&lane->lock);
    push(lane, inside, find(lane, inside->thread), kind);
    fhi_latch_release(&lane->lock);
}

bool fhi_inside_begin_hook(fhi_core *core, fhi_inside *inside, uint32_t lane)
{
    inside->thread = fhi_thread_anchor();
    inside->lane = lane;
    fhi_inside *outer = find(&core->lanes[lane], inside->thread);
    if (FHI_UNLIKELY(has_kind(outer, FHI_INSIDE_HOOK))) {
        return false;
    }
    push(&core->lanes[lane], inside, outer, FHI_INSIDE_HOOK);
    return true;
}

void fhi_inside_end(fhi_core *core, fhi_inside *inside)
{
    fhi_lane *lane = &core->lanes[inside->lane];
    fhi_latch_acquire(&lane->lock);
    fhi_inside **link = &lane->inside;
    while (*link != inside) {
        link = &(*link)->next;
    }
    *link = inside->next;
    fhi_latch_release(&lane->lock);
    if (inside->refused && inside->outer) {
        inside->outer->refused = true;
        inside->outer->request = inside->request;
    }
}

fhi_inside *fhi_inside_find(fhi_core *core)
{
    fhi_lane *lane = &core->lanes[fhi_lane_of_thread(core)];
    fhi_latch_acquire(&lane->lock);
    fhi_inside *inside = find(lane, fhi_thread_anchor());
    fhi_latch_release(&lane->lock);
    return inside;
}

bool fhi_inside_hook(fhi_core *core)
{
    return has_kind(fhi_inside_find(core), FHI_INSIDE_HOOK);
}

bool fhi_inside_making(fhi_core *core)
{
    return has_kind(fhi_inside_find(core), FHI_INSIDE_ALLOCATOR);
}
