/* Who is asked to let go first. The policy's `evict` gives columns or keys; sorting is ours,
 * stable, so that equal candidates stay in the order of their slots and a replay goes the same
 * way. */

#include "device/evict.h"

#include "device/inside.h"

#include <string.h>

static const fh_evict_order native_order = {
    .column_count = 3,
    .columns = {{FH_EVICT_PRIORITY, false}, {FH_EVICT_AGE, true}, {FH_EVICT_SIZE, true}},
};

static double column_of(const fhi_candidate *one, fh_evict_column column)
{
    switch (column) {
    case FH_EVICT_PRIORITY:
        return (double)one->priority;
    case FH_EVICT_AGE:
        return one->age;
    case FH_EVICT_SIZE:
        return (double)one->size;
    case FH_EVICT_TAG:
        return one->tag;
    case FH_EVICT_KIND:
        return one->kind;
    case FH_EVICT_MADE:
        return one->made;
    }
    return 0.0;
}

/* Whether `b` must stand before `a`. */
static bool is_before(const fh_evict_order *order, const fhi_candidate *b, const fhi_candidate *a)
{
    if (a->again != b->again) {
        return a->again;
    }
    if (order->use_keys) {
        return b->key < a->key || (fhi_is_nan(a->key) && !fhi_is_nan(b->key));
    }
    for (uint32_t i = 0; i < order->column_count; i++) {
        double of_a = column_of(a, order->columns[i].column);
        double of_b = column_of(b, order->columns[i].column);
        if (of_a < of_b || of_a > of_b) {
            return order->columns[i].descending ? of_b > of_a : of_b < of_a;
        }
    }
    return false;
}

/* A stable merge sort of `indices`, from runs of one upwards; `room` has as many places. Returns
 * where the sorted ones are. */
static const uint32_t *sort(const fhi_candidate *all, const fh_evict_order *order,
                            uint32_t *indices, uint32_t *room, uint32_t count)
{
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t first = 0; first < count; first += 2 * run) {
            size_t a = first, b = first + run < count ? first + run : count;
            size_t a_end = b, b_end = b + run < count ? b + run : count;
            for (size_t to = first; to < b_end; to++) {
                bool take_b = b < b_end &&
                              (a == a_end || is_before(order, &all[indices[b]], &all[indices[a]]));
                room[to] = take_b ? indices[b++] : indices[a++];
            }
        }
        uint32_t *sorted = room;
        room = indices;
        indices = sorted;
    }
    return indices;
}

static const char *check_order(const fh_evict_order *order)
{
    if (order->use_keys) {
        return NULL;
    }
    if (order->column_count > 4) {
        return "evict: more than 4 columns; the native order is taken";
    }
    for (uint32_t i = 0; i < order->column_count; i++) {
        if ((uint32_t)order->columns[i].column > (uint32_t)FH_EVICT_MADE) {
            return "evict: an unknown column; the native order is taken";
        }
    }
    return order->column_count == 0 ? "evict: neither columns nor keys; the native order is taken"
                                    : NULL;
}

/* One piece of host memory for all columns: the widest first, so that each is aligned. */
enum {
    COLUMN_BYTES = sizeof(fh_parcel) + 3 * sizeof(uint64_t) + sizeof(double) + sizeof(float) +
                   sizeof(fh_tag) + sizeof(fh_kind)
};

/* False: no opinion, no host memory, or a fault. */
static bool ask_order(fhi_policy *policy, fhi_candidates *c, fh_evict_order *out_order)
{
    fhi_core *core = c->core;
    size_t count = c->count;
    unsigned char *piece = fhi_host_alloc(&core->memory, count, COLUMN_BYTES, 64);
    if (!piece) {
        return false;
    }
    fh_parcel *parcels = (fh_parcel *)(void *)piece;
    uint64_t *ages = (uint64_t *)(void *)(parcels + count);
    uint64_t *sizes = ages + count, *made = sizes + count;
    double *keys = (double *)(void *)(made + count);
    float *priorities = (float *)(void *)(keys + count);
    fh_tag *tags = (fh_tag *)(void *)(priorities + count);
    fh_kind *kinds = (fh_kind *)(void *)(tags + count);
    for (size_t i = 0; i < count; i++) {
        const fhi_candidate *one = &c->all[i];
        parcels[i] = one->parcel;
        ages[i] = one->age;
        sizes[i] = one->size;
        made[i] = one->made;
        keys[i] = 0.0;
        priorities[i] = one->priority;
        tags[i] = one->tag;
        kinds[i] = (fh_kind)one->kind;
    }
    const fh_candidates columns = {
        .count = c->count,
        .parcels = parcels,
        .priorities = priorities,
        .ages = ages,
        .sizes = sizes,
        .tags = tags,
        .kinds = kinds,
        .made = made,
        .wanted = fhi_evict_most_wanted(c->goal),
    };
    fh_facts facts;
    fhi_inside inside;
    fhi_facts_gather(core, &facts);
    *out_order = (fh_evict_order){.keys = keys};
    fhi_inside_begin(core, &inside, FHI_INSIDE_HOOK);
    bool decided = policy->ops.evict(policy->context, &columns, &facts, out_order);
    fhi_inside_end(core, &inside);
    const char *fault = decided ? check_order(out_order) : NULL;
    if (fault) {
        fhi_policy_complain(core, policy, FHI_COMPLAINT_EVICT, fault);
        decided = false;
    }
    for (size_t i = 0; decided && out_order->use_keys && i < count; i++) {
        c->all[i].key = keys[i];
    }
    out_order->keys = NULL;
    fhi_host_free(&core->memory, piece, count, COLUMN_BYTES, 64);
    return decided;
}

/* The hook is the tick's. A request takes the columns of its last answer; keys were for the
 * candidates of that time. */
static void decide_order(fhi_candidates *c, bool in_request, fh_evict_order *out_order)
{
    fhi_policies *policies = &c->core->policies;
    *out_order = native_order;
    if (in_request) {
        fhi_lock_acquire(&policies->lock);
        if (policies->has_order) {
            *out_order = policies->order;
        }
        fhi_lock_release(&policies->lock);
        return;
    }
    fhi_policy *policy = fhi_policy_enter(c->core);
    if (!policy) {
        return;
    }
    fh_evict_order order;
    if (policy->ops.evict && ask_order(policy, c, &order)) {
        *out_order = order;
        fhi_lock_acquire(&policies->lock);
        if (policies->current == policy) {
            policies->has_order = !order.use_keys;
            policies->order = order;
        }
        fhi_lock_release(&policies->lock);
    }
    fhi_policy_leave(c->core, policy);
}

const uint32_t *fhi_evict_order_make(fhi_candidates *c, bool in_request, uint32_t *indices,
                                     uint32_t *room)
{
    fh_evict_order order;
    decide_order(c, in_request, &order);
    for (uint32_t i = 0; i < c->count; i++) {
        indices[i] = i;
    }
    return sort(c->all, &order, indices, room, c->count);
}
