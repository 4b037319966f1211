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

void fhi_inside_begin(fhi_core *core, fhi_inside *inside, fhi_inside_kind kind)
{
    inside->thread = fhi_thread_anchor();
    inside->lane = fhi_lane_of_thread(core);
    inside->kind = kind;
    inside->refused = false;

    fhi_lane *lane = &core->lanes[inside->lane];
    fhi_latch_acquire(&lane->lock);
    inside->outer = find(lane, inside->thread);
    inside->next = lane->inside;
    lane->inside = inside;
    fhi_latch_release(&lane->lock);
    inside->spill = inside->outer && inside->outer->spill;
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

static bool is_in(fhi_core *core, fhi_inside_kind kind)
{
    const fhi_inside *inside = fhi_inside_find(core);
    while (inside && inside->kind != kind) {
        inside = inside->outer;
    }
    return inside != NULL;
}

bool fhi_inside_hook(fhi_core *core)
{
    return is_in(core, FHI_INSIDE_HOOK);
}

bool fhi_inside_making(fhi_core *core)
{
    return is_in(core, FHI_INSIDE_ALLOCATOR);
}
