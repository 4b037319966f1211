/* Linear allocation. Ranges stand in two queues in the order in which they were made; an allocation
 * looks at the end of a queue, nothing else. A range that is freed in the middle leaves a mark,
 * which goes when an end of its queue reaches it: that is what makes a stack, a ring and
 * free-at-once of one structure.
 *
 *     double stack:  0 ▸ a b c ▸ tail         limit ◂ z y ◂ size
 *     ring:          0 ▸ d e ▸ tail   limit ▸ b c (gap) size         d is at position `wrap`
 *
 * A handle is generation | side | position. Positions are used again when a stack pops and pushes,
 * so the generation, a counter of the block, tells the ranges apart.
 *
 * Rejected: a plain vector that is compacted when many entries are freed: it pauses, and positions
 * move. */

#include "block/linear.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/host.h"
#include "block/stale.h"

enum {
    ENTRIES_AT_FIRST = 16,
    ENTRIES_AT_MOST = 1 << 30, /* as many as POSITION_MASK tells apart */
    ENTRY_ALIGNMENT = 64
};

/* One of them is in each handle, so that none is 0. */
#define LOWER_SIDE    (UINT64_C(1) << 30)
#define UPPER_SIDE    (UINT64_C(1) << 31)
#define POSITION_MASK ((UINT32_C(1) << 30) - 1)

/* ---- queues ---- */

static inline fhi_linear_entry *entry_at(const fhi_linear_queue *queue, uint32_t position)
{
    return &queue->entries[position & (queue->capacity - 1)];
}

/* Not of an empty queue. */
static inline fhi_linear_entry *first_entry(const fhi_linear_queue *queue)
{
    return entry_at(queue, queue->first);
}

static inline fhi_linear_entry *last_entry(const fhi_linear_queue *queue)
{
    return entry_at(queue, queue->first + queue->count - 1);
}

static bool set_capacity(fhi_linear_queue *queue, uint32_t capacity, const fh_host_memory *memory)
{
    fhi_linear_entry *entries = fhi_host_alloc(memory, capacity, sizeof *entries, ENTRY_ALIGNMENT);
    if (!entries) {
        return false;
    }
    for (uint32_t i = 0; i < queue->count; i++) {
        uint32_t position = queue->first + i;
        entries[position & (capacity - 1)] = *entry_at(queue, position);
    }
    fhi_host_free(memory, queue->entries, queue->capacity, sizeof *entries, ENTRY_ALIGNMENT);
    queue->entries = entries;
    queue->capacity = capacity;
    return true;
}

static bool reserve_entry(fhi_linear_queue *queue, const fh_host_memory *memory)
{
    if (queue->count < queue->capacity) {
        return true;
    }
    uint32_t capacity = queue->capacity ? queue->capacity * 2 : ENTRIES_AT_FIRST;
    return queue->capacity < ENTRIES_AT_MOST && set_capacity(queue, capacity, memory);
}

/* Keeps what the last two periods both had use for (as fhi_tlsf_clear does). */
static void clear_queue(fhi_linear_queue *queue, const fh_host_memory *memory)
{
    uint32_t needed = queue->peak < queue->kept_peak ? queue->peak : queue->kept_peak;
    uint32_t keep = queue->capacity;

    while (keep / 2 >= needed && keep > ENTRIES_AT_FIRST) {
        keep /= 2;
    }
    queue->kept_peak = queue->peak;
    queue->peak = 0;
    queue->first += queue->count;
    queue->count = 0;
    if (keep < queue->capacity) {
        set_capacity(queue, keep, memory); /* or it stays larger: clear does not fail */
    }
}

/* ---- life ---- */

void fhi_linear_init(fhi_linear *linear, uint64_t size, const fh_host_memory *memory)
{
    *linear = (fhi_linear){.size = size, .limit = size, .memory = memory};
    linear->generation = (uint32_t)fhi_salt(linear);
}

void fhi_linear_finish(fhi_linear *linear)
{
    fhi_host_free(linear->memory, linear->lower.entries, linear->lower.capacity,
                  sizeof(fhi_linear_entry), ENTRY_ALIGNMENT);
    fhi_host_free(linear->memory, linear->upper.entries, linear->upper.capacity,
                  sizeof(fhi_linear_entry), ENTRY_ALIGNMENT);
}

void fhi_linear_clear(fhi_linear *linear)
{
    clear_queue(&linear->lower, linear->memory);
    clear_queue(&linear->upper, linear->memory);
    linear->ring = false;
    linear->tail = 0;
    linear->limit = linear->size;
    linear->range_count = 0;
    linear->range_bytes = 0;
}

/* ---- alloc ---- */

static inline uint64_t handle_of(const fhi_linear_entry *entry, uint64_t side, uint32_t position)
{
    return (uint64_t)entry->generation << 32 | side | (position & POSITION_MASK);
}

static inline fh_result push(fhi_linear *linear, fhi_linear_queue *queue, uint64_t offset,
                             const fh_range_desc *desc, uint64_t side, uint64_t *out_id,
                             uint64_t *out_offset)
{
    uint32_t position = queue->first + queue->count;
    fhi_linear_entry *entry = entry_at(queue, position);

    entry->offset = offset;
    entry->size = desc->size;
    entry->user = desc->user;
    entry->generation = ++linear->generation;
    queue->count++;
    queue->peak = queue->count > queue->peak ? queue->count : queue->peak;
    linear->range_count++;
    linear->range_bytes += desc->size;
    *out_id = handle_of(entry, side, position);
    if (out_offset) {
        *out_offset = offset;
    }
    return FH_OK;
}

static fh_result refuse(const fhi_linear *linear, uint64_t size, uint64_t alignment)
{
    return fhi_fail_with(
        FH_ERR_OUT_OF_MEMORY,
        linear->upper.count > 0
            ? "size: no room for {} units at alignment {}: {} are left between the "
              "two stacks, and while there are two the block is no ring"
            : "size: no room for {} units at alignment {}: {} are left at one end",
        size, alignment, fhi_linear_free_bound(linear));
}

static fh_result alloc_upper(fhi_linear *linear, const fh_range_desc *desc, uint64_t alignment,
                             uint64_t *out_id, uint64_t *out_offset)
{
    uint64_t top = linear->upper.count > 0 ? last_entry(&linear->upper)->offset : linear->size;

    if (linear->ring) {
        return fhi_fail(
            FH_ERR_OUT_OF_MEMORY,
            "upper: the block is a ring now; there is no upper end until it has drained");
    }
    if (desc->size > top || fhi_align_down(top - desc->size, alignment) < linear->tail) {
        return refuse(linear, desc->size, alignment);
    }
    if (!reserve_entry(&linear->upper, linear->memory)) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the bookkeeping of one more range");
    }
    linear->limit = fhi_align_down(top - desc->size, alignment);
    return push(linear, &linear->upper, linear->limit, desc, UPPER_SIDE, out_id, out_offset);
}

fh_result fhi_linear_alloc(fhi_linear *linear, const fh_range_desc *desc, uint64_t alignment,
                           uint64_t *out_id, uint64_t *out_offset)
{
    if (desc->upper) {
        return alloc_upper(linear, desc, alignment, out_id, out_offset);
    }

    uint64_t offset = fhi_align_up(linear->tail, alignment);
    bool wraps = false;

    if (offset > linear->limit || linear->limit - offset < desc->size) {
        wraps = !linear->ring && linear->upper.count == 0 && linear->lower.count > 0 &&
                desc->size <= first_entry(&linear->lower)->offset;
        if (!wraps) {
            return refuse(linear, desc->size, alignment);
        }
        offset = 0;
    }
    if (!reserve_entry(&linear->lower, linear->memory)) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the bookkeeping of one more range");
    }
    if (wraps) {
        linear->ring = true;
        linear->wrap = linear->lower.first + linear->lower.count;
        linear->limit = first_entry(&linear->lower)->offset;
    }
    linear->tail = offset + desc->size;
    return push(linear, &linear->lower, offset, desc, LOWER_SIDE, out_id, out_offset);
}

/* ---- free ---- */

/* The entry of `queue` that `id` stands for, or NULL: stale. */
static inline fhi_linear_entry *resolve(const fhi_linear_queue *queue, uint64_t side, uint64_t id)
{
    uint32_t position = (uint32_t)id & POSITION_MASK;

    if (((position - queue->first) & POSITION_MASK) >= queue->count) {
        return NULL;
    }
    fhi_linear_entry *entry = entry_at(queue, position);
    return entry->size != 0 && handle_of(entry, side, position) == id ? entry : NULL;
}

/* The last entry was freed: drops it, and the freed ones before it. */
static inline void pop_last(fhi_linear_queue *queue)
{
    do {
        queue->count--;
    } while (queue->count > 0 && last_entry(queue)->size == 0);
}

/* The first entry was freed, and is not the last. */
static inline void pop_first(fhi_linear_queue *queue)
{
    do {
        queue->first++;
        queue->count--;
    } while (first_entry(queue)->size == 0);
}

/* The ring ends when one of its two parts is empty. */
static inline void check_ring(fhi_linear *linear)
{
    uint32_t before_wrap = linear->wrap - linear->lower.first; /* huge when `first` passed it */

    linear->ring = before_wrap != 0 && before_wrap < linear->lower.count;
    linear->limit = linear->ring ? first_entry(&linear->lower)->offset : linear->size;
}

static void free_upper(fhi_linear *linear, fhi_linear_entry *entry)
{
    fhi_linear_queue *upper = &linear->upper;

    if (entry == last_entry(upper)) {
        pop_last(upper);
        linear->limit = upper->count > 0 ? last_entry(upper)->offset : linear->size;
    } else if (entry == first_entry(upper)) {
        pop_first(upper);
    }
}

static inline void free_lower(fhi_linear *linear, fhi_linear_entry *entry)
{
    fhi_linear_queue *lower = &linear->lower;

    if (entry == last_entry(lower)) {
        pop_last(lower);
        linear->tail = lower->count > 0 ? last_entry(lower)->offset + last_entry(lower)->size : 0;
    } else if (entry == first_entry(lower)) {
        pop_first(lower);
    }
    if (linear->ring) {
        check_ring(linear);
    }
}

fh_result fhi_linear_free(fhi_linear *linear, uint64_t id)
{
    bool upper = (id & UPPER_SIDE) != 0;
    fhi_linear_queue *queue = upper ? &linear->upper : &linear->lower;
    fhi_linear_entry *entry = resolve(queue, upper ? UPPER_SIDE : LOWER_SIDE, id);
    if (!entry) {
        return id == 0 ? FH_OK : fhi_stale_range();
    }
    linear->range_count--;
    linear->range_bytes -= entry->size;
    entry->size = 0; /* in the middle, the mark is all: an end of the queue will come here */
    if (upper) {
        free_upper(linear, entry);
    } else {
        free_lower(linear, entry);
    }
    return FH_OK;
}

/* ---- the rest ---- */

static fhi_linear_entry *find(const fhi_linear *linear, uint64_t id)
{
    return id & UPPER_SIDE ? resolve(&linear->upper, UPPER_SIDE, id)
                           : resolve(&linear->lower, LOWER_SIDE, id);
}

fh_result fhi_linear_info(const fhi_linear *linear, uint64_t id, fh_range_info *out_info)
{
    const fhi_linear_entry *entry = find(linear, id);
    if (!entry) {
        return fhi_stale_range();
    }
    *out_info = (fh_range_info){.offset = entry->offset, .size = entry->size, .user = entry->user};
    return FH_OK;
}

fh_result fhi_linear_set_user(fhi_linear *linear, uint64_t id, void *user)
{
    fhi_linear_entry *entry = find(linear, id);
    if (!entry) {
        return fhi_stale_range();
    }
    entry->user = user;
    return FH_OK;
}

uint64_t fhi_linear_free_bound(const fhi_linear *linear)
{
    uint64_t bound = linear->limit - linear->tail;

    if (!linear->ring && linear->upper.count == 0 && linear->lower.count > 0) {
        uint64_t front = first_entry(&linear->lower)->offset;
        bound = front > bound ? front : bound;
    }
    return bound;
}

/* Where the last range in address order ends. O(1), and O(k) over k freed entries before a wrap. */
static uint64_t used_end(const fhi_linear *linear)
{
    if (!linear->ring) {
        return linear->tail;
    }
    uint32_t position = linear->wrap - 1;
    while (entry_at(&linear->lower, position)->size == 0) {
        position--; /* the first entry is never a freed one */
    }
    const fhi_linear_entry *last = entry_at(&linear->lower, position);
    return last->offset + last->size;
}

fh_result fhi_linear_resize(fhi_linear *linear, uint64_t size)
{
    if (size == linear->size) {
        return FH_OK;
    }
    if (linear->upper.count > 0) {
        return fhi_fail_with(FH_ERR_BUSY, "size: {} upper ranges hang from the end of the block",
                             linear->upper.count, 0, 0);
    }
    if (size < used_end(linear)) {
        return fhi_fail_with(FH_ERR_BUSY, "size: a range ends at {}, beyond the new end {}",
                             used_end(linear), size, 0);
    }
    linear->size = size;
    linear->limit = linear->ring ? linear->limit : size;
    return FH_OK;
}

typedef struct walk {
    fh_block_visit_fn visit;
    void *context;
    uint64_t end; /* of what was shown */
    bool stopped;
} walk;

static void show_gap(walk *state, uint64_t end)
{
    fh_block_piece gap = {.offset = state->end, .size = end - state->end};
    if (!state->stopped && gap.size > 0) {
        state->stopped = !state->visit(state->context, &gap);
        state->end = end;
    }
}

static void show_entry(walk *state, const fhi_linear_queue *queue, uint32_t position, uint64_t side)
{
    const fhi_linear_entry *entry = entry_at(queue, position);
    if (entry->size == 0) {
        return;
    }
    show_gap(state, entry->offset);
    if (!state->stopped) {
        fh_block_piece piece = {.offset = entry->offset, .size = entry->size, .user = entry->user};
        piece.range.id = handle_of(entry, side, position);
        state->stopped = !state->visit(state->context, &piece);
        state->end = entry->offset + entry->size;
    }
}

void fhi_linear_visit(const fhi_linear *linear, fh_block_visit_fn visit, void *context)
{
    const fhi_linear_queue *lower = &linear->lower;
    const fhi_linear_queue *upper = &linear->upper;
    uint32_t before_wrap = linear->ring ? linear->wrap - lower->first : lower->count;
    walk state = {.visit = visit, .context = context};

    for (uint32_t i = before_wrap; i < lower->count; i++) {
        show_entry(&state, lower, lower->first + i, LOWER_SIDE);
    }
    for (uint32_t i = 0; i < before_wrap; i++) {
        show_entry(&state, lower, lower->first + i, LOWER_SIDE);
    }
    for (uint32_t i = upper->count; i > 0; i--) {
        show_entry(&state, upper, upper->first + i - 1, UPPER_SIDE);
    }
    show_gap(&state, linear->size);
}
