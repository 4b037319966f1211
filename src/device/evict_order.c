/* Who is asked to let go first. The policy's `evict` gives columns or keys; sorting is ours, and
 * equal candidates stay in the order of their slots, so that a replay goes the same way.
 *
 * What is compared is put into a *rank* for each candidate, once: its columns side by side in up to
 * three words, the first at the top, each as an unsigned number that is ordered as the column's
 * value is; one that descends is complemented. The index of the candidate decides last, so no two
 * ranks are equal, and any way of sorting gives the same order.
 *
 * The order is made from the front as far as it is needed: a heap gives the first ones, since a
 * request seldom needs more than a few of thousands. When many were taken the rest is likely to be
 * needed, too, and is merge-sorted at once, which is faster than to take all from a heap. A request
 * that is content with a hole mostly needs no order at all: the first one that leaves it is the
 * least rank of these. */

#include "device/evict.h"

#include "base/assert.h"
#include "device/inside.h"

#include <string.h>

enum {
    TAKEN_SHARE = 8 /* of all: so many are taken before the rest is sorted */
};

static const fh_evict_order native_order = {
    .column_count = 3,
    .columns = {{FH_EVICT_PRIORITY, false}, {FH_EVICT_AGE, true}, {FH_EVICT_SIZE, true}},
};

/* ---- ranks ---- */

/* Bits of the greatest value: sizes are doubles that are not negative, priorities floats from 0 to
 * 1. Whatever four different ones are asked for, in whatever order, three words have room. */
static uint32_t bits_of(fh_evict_column column)
{
    switch (column) {
    case FH_EVICT_PRIORITY:
        return 31;
    case FH_EVICT_SIZE:
        return 63;
    case FH_EVICT_TAG:
        return 16;
    case FH_EVICT_KIND:
        return 8;
    case FH_EVICT_AGE:
    case FH_EVICT_MADE:
        break;
    }
    return 32;
}

static uint64_t bits_of_double(double value)
{
    uint64_t bits;
    value += 0.0; /* -0 is 0 */
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t column_of(const fhi_candidate *one, fh_evict_column column)
{
    float priority = one->priority + 0.0F;
    uint32_t bits;
    switch (column) {
    case FH_EVICT_PRIORITY:
        memcpy(&bits, &priority, sizeof bits);
        FH_ASSERT(bits >> 31 == 0);
        return bits;
    case FH_EVICT_AGE:
        return one->age;
    case FH_EVICT_SIZE:
        return bits_of_double((double)one->size); /* as a policy sees it */
    case FH_EVICT_TAG:
        return one->tag;
    case FH_EVICT_KIND:
        return one->kind;
    case FH_EVICT_MADE:
        return one->made;
    }
    return 0;
}

/* The greater double is the greater number; NaN is the greatest. */
static uint64_t rank_of_key(double key)
{
    const uint64_t sign = UINT64_C(1) << 63;
    if (fhi_is_nan(key)) {
        return UINT64_MAX;
    }
    uint64_t bits = bits_of_double(key);
    return bits & sign ? ~bits : bits | sign;
}

/* Put a column into a word of all ranks. */
static void add_column(const fhi_candidates *c, fh_evict_column column, bool descending,
                       uint32_t word, uint32_t shift)
{
    uint64_t flip = descending ? (UINT64_C(1) << bits_of(column)) - 1 : 0;
    for (uint32_t i = 0; i < c->count; i++) {
        c->ranks[i].words[word] |= (column_of(&c->all[i], column) ^ flip) << shift;
    }
}

static void add_columns(const fhi_candidates *c, const fh_evict_order *order)
{
    uint32_t word = 0, left = 64, seen = 0;
    for (uint32_t i = 0; i < order->column_count; i++) {
        fh_evict_column column = order->columns[i].column;
        if ((seen >> column & 1) != 0) {
            continue; /* the same again decides nothing */
        }
        seen |= UINT32_C(1) << column;
        uint32_t bits = bits_of(column);
        if (bits > left) {
            word++;
            left = 64;
        }
        left -= bits;
        FH_ASSERT(word < 3);
        add_column(c, column, order->columns[i].descending, word, left);
    }
}

/* ---- the heap ---- */

static inline bool is_before(const fhi_rank *a, const fhi_rank *b)
{
    if (a->again != b->again) {
        return a->again < b->again;
    }
    for (uint32_t i = 0; i < 3; i++) {
        if (a->words[i] != b->words[i]) {
            return a->words[i] < b->words[i];
        }
    }
    return a->index < b->index;
}

/* The heap grows downwards from the end, its first one last: what is taken leaves a place right
 * behind those taken before. Let `rank` sink from place `at` of `count`. */
static void sink(fhi_rank *end, uint32_t at, uint32_t count, fhi_rank rank)
{
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && is_before(end - 1 - (child + 1), end - 1 - child)) {
            child++;
        }
        if (!is_before(end - 1 - child, &rank)) {
            break;
        }
        *(end - 1 - at) = *(end - 1 - child);
    }
    *(end - 1 - at) = rank;
}

static void make_heap(const fhi_candidates *c)
{
    fhi_rank *end = c->ranks + c->count;
    for (uint32_t i = c->count / 2; i-- > 0;) {
        sink(end, i, c->count, *(end - 1 - i));
    }
}

static void take_first(const fhi_candidates *c)
{
    fhi_rank *end = c->ranks + c->count;
    uint32_t count = c->count - c->reached;
    fhi_rank first = *(end - 1), last = *(end - count);
    sink(end, 0, count - 1, last);
    *(end - count) = first;
}

/* A merge sort, from runs of one upwards. */
static void sort_rest(const fhi_candidates *c)
{
    fhi_rank *from = c->ranks + c->reached, *to = c->room + c->reached;
    size_t count = c->count - c->reached;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t first = 0; first < count; first += 2 * run) {
            size_t a = first, b = first + run < count ? first + run : count;
            size_t a_end = b, b_end = b + run < count ? b + run : count;
            for (size_t i = first; i < b_end; i++) {
                bool take_b = b < b_end && (a == a_end || is_before(&from[b], &from[a]));
                to[i] = take_b ? from[b++] : from[a++];
            }
        }
        fhi_rank *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != c->ranks + c->reached) {
        memcpy(to, from, count * sizeof *to);
    }
}

/* ---- reaching ---- */

uint32_t fhi_evict_first_hole(fhi_candidates *c)
{
    const fhi_rank *first = NULL;
    for (uint32_t i = 0; i < c->count; i++) {
        if (fhi_leaves_hole_now(&c->all[i]) && (!first || is_before(&c->ranks[i], first))) {
            first = &c->ranks[i];
        }
    }
    if (!first) {
        return FHI_EVICT_NONE;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->all[i].ground != FHI_EVICT_NONE && !is_before(&c->ranks[i], first)) {
            c->grounds[c->all[i].ground].beyond = true;
        }
    }
    for (uint32_t i = 0; i < c->ground_count; i++) {
        if (!c->grounds[i].beyond && fhi_ground_can_go(c, &c->grounds[i], true)) {
            return FHI_EVICT_NONE;
        }
    }
    return first->index;
}

void fhi_evict_order_reach(fhi_candidates *c, uint32_t place)
{
    const uint32_t most = c->count / TAKEN_SHARE; /* is taken from the heap */
    if (!c->is_heap) {
        make_heap(c);
        c->is_heap = true;
    }
    while (c->reached <= place && c->reached < most) {
        take_first(c);
        fhi_ground_reach(c, c->ranks[c->reached].index, c->reached);
        c->reached++;
    }
    if (c->reached <= place) {
        sort_rest(c);
        for (; c->reached < c->count; c->reached++) {
            fhi_ground_reach(c, c->ranks[c->reached].index, c->reached);
        }
    }
}

/* ---- the policy ---- */

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

/* ---- all of it ---- */

bool fhi_evict_order_provide(fhi_candidates *c)
{
    c->ranks = fhi_host_alloc(&c->core->memory, c->count, 2 * sizeof *c->ranks, 64);
    c->room = c->ranks ? c->ranks + c->count : NULL;
    return c->ranks != NULL;
}

void fhi_evict_order_finish(fhi_candidates *c)
{
    fhi_host_free(&c->core->memory, c->ranks, c->count, 2 * sizeof *c->ranks, 64);
    c->ranks = c->room = NULL;
}

void fhi_evict_order_make(fhi_candidates *c, bool in_request)
{
    fh_evict_order order;
    decide_order(c, in_request, &order);
    for (uint32_t i = 0; i < c->count; i++) {
        const fhi_candidate *one = &c->all[i];
        uint64_t key = order.use_keys ? rank_of_key(one->key) : 0;
        c->ranks[i] = (fhi_rank){.words = {key}, .again = one->again, .index = i};
        if (fhi_is_nan(one->key) && one->ground != FHI_EVICT_NONE) {
            c->grounds[one->ground].fixed = true;
        }
    }
    if (!order.use_keys) {
        add_columns(c, &order);
    }
    c->reached = 0;
    c->is_heap = false;
}
