/* See shadow.h. The rules of the linear block stand in linear_fits, those of TLSF in tlsf_fits. */

#include "shadow.h"

#include <stdlib.h>
#include <string.h>

static uint64_t range_end(const shadow_range *range)
{
    return range->offset + range->size;
}

static uint64_t align_down(uint64_t value, uint64_t alignment)
{
    return value & ~(alignment - 1);
}

/* No overflow: offsets are 2^63 at most, and so are alignments. */
static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return align_down(value + (alignment - 1), alignment);
}

static uint64_t alignment_of(const fh_range_desc *desc)
{
    return desc->alignment == 0 ? 1 : desc->alignment;
}

static bool fits_between(const fh_range_desc *desc, uint64_t from, uint64_t to, uint64_t *out_at)
{
    *out_at = align_up(from, alignment_of(desc));
    return *out_at <= to && to - *out_at >= desc->size;
}

void shadow_init(shadow *s, uint64_t size, fh_block_algorithm algorithm)
{
    *s = (shadow){.algorithm = algorithm, .size = size};
}

void shadow_finish(shadow *s)
{
    free(s->ranges);
    *s = (shadow){0};
}

static bool tlsf_fits(const shadow *s, const fh_range_desc *desc, shadow_fit *out_fit)
{
    bool found = false;
    uint64_t from = 0;
    for (size_t i = 0; i <= s->count; i++) {
        uint64_t to = i < s->count ? s->ranges[i].offset : s->size;
        uint64_t at;
        if (to > from && fits_between(desc, from, to, &at)) {
            if (!found) {
                *out_fit = (shadow_fit){.lowest = at, .best_gap = to - from};
            } else if (to - from < out_fit->best_gap) {
                out_fit->best_gap = to - from;
            }
            found = true;
        }
        from = i < s->count ? range_end(&s->ranges[i]) : to;
    }
    return found;
}

static size_t appended_count(const shadow *s)
{
    return s->count - s->ring_count - s->upper_count;
}

/* The end of the free space over the appended ranges. */
static uint64_t linear_top(const shadow *s)
{
    return s->upper_count > 0 ? s->ranges[s->count - s->upper_count].offset : s->size;
}

static uint64_t appended_end(const shadow *s)
{
    return appended_count(s) > 0 ? range_end(&s->ranges[s->count - s->upper_count - 1]) : 0;
}

static bool linear_fits(const shadow *s, const fh_range_desc *desc, uint64_t *out_at)
{
    if (desc->upper) {
        uint64_t top = linear_top(s);
        if (s->ring_count > 0 || desc->size > top) {
            return false;
        }
        *out_at = align_down(top - desc->size, alignment_of(desc));
        return *out_at >= appended_end(s);
    }
    if (s->ring_count > 0) { /* on behind the ring's last, up to the oldest */
        uint64_t ring_end = range_end(&s->ranges[s->ring_count - 1]);
        return fits_between(desc, ring_end, s->ranges[s->ring_count].offset, out_at);
    }
    if (fits_between(desc, appended_end(s), linear_top(s), out_at)) {
        return true;
    }
    bool may_wrap = s->upper_count == 0 && s->count > 0;
    return may_wrap && fits_between(desc, 0, s->ranges[0].offset, out_at);
}

bool shadow_fits(const shadow *s, const fh_range_desc *desc, shadow_fit *out_fit)
{
    *out_fit = (shadow_fit){0};
    if (s->algorithm == FH_BLOCK_LINEAR) {
        return linear_fits(s, desc, &out_fit->lowest);
    }
    return tlsf_fits(s, desc, out_fit);
}

uint64_t shadow_largest(const shadow *s)
{
    if (s->algorithm == FH_BLOCK_LINEAR) {
        if (s->ring_count > 0) {
            return s->ranges[s->ring_count].offset - range_end(&s->ranges[s->ring_count - 1]);
        }
        uint64_t front = s->upper_count == 0 && s->count > 0 ? s->ranges[0].offset : 0;
        uint64_t end = linear_top(s) - appended_end(s);
        return front > end ? front : end;
    }
    uint64_t largest = 0;
    uint64_t from = 0;
    for (size_t i = 0; i <= s->count; i++) {
        uint64_t to = i < s->count ? s->ranges[i].offset : s->size;
        largest = to - from > largest ? to - from : largest;
        from = i < s->count ? range_end(&s->ranges[i]) : to;
    }
    return largest;
}

/* The index of the first range at or above `offset`. */
static size_t find(const shadow *s, uint64_t offset)
{
    size_t low = 0;
    size_t high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->ranges[middle].offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const char *insert(shadow *s, const fh_range_desc *desc, fh_range handle, uint64_t offset)
{
    size_t at = find(s, offset);
    if (offset > s->size || s->size - offset < desc->size) {
        return "a new range lies outside the block";
    }
    if ((at > 0 && range_end(&s->ranges[at - 1]) > offset) ||
        (at < s->count && s->ranges[at].offset - offset < desc->size)) {
        return "a new range overlaps another";
    }
    if (s->count == s->capacity) {
        s->capacity = s->capacity * 2 + 16;
        s->ranges = realloc(s->ranges, s->capacity * sizeof *s->ranges);
        if (s->ranges == NULL) {
            abort();
        }
    }
    if (s->algorithm == FH_BLOCK_LINEAR) {
        if (desc->upper) {
            s->upper_count++;
        } else if (at < s->count - s->upper_count) {
            s->ring_count++; /* before one that was appended: it wrapped */
        }
    }
    memmove(&s->ranges[at + 1], &s->ranges[at], (s->count - at) * sizeof *s->ranges);
    s->ranges[at] = (shadow_range){handle, offset, desc->size, desc->user};
    s->count++;
    s->range_bytes += desc->size;
    return NULL;
}

static void remember_stale(shadow *s, fh_range handle)
{
    s->stale[s->stale_count % SHADOW_STALE_MAX] = handle;
    s->stale_count++;
}

static void erase(shadow *s, size_t index)
{
    if (index < s->ring_count) {
        s->ring_count--;
    } else if (index >= s->count - s->upper_count) {
        s->upper_count--;
    }
    s->range_bytes -= s->ranges[index].size;
    s->count--;
    memmove(&s->ranges[index], &s->ranges[index + 1], (s->count - index) * sizeof *s->ranges);
    if (s->ring_count > 0 && appended_count(s) == 0) {
        s->ring_count = 0; /* the ring's older part has drained: what wrapped is the front now */
    }
}

static const char *check_refusal(const shadow *s, fh_result expected, fh_result result,
                                 fh_range range, uint64_t offset)
{
    if (range.id != 0 || offset != UINT64_MAX) {
        return "a refused fh_block_alloc did not set its outputs to {0} and UINT64_MAX";
    }
    if (result == FH_ERR_HOST_MEMORY && s->host_may_fail) {
        return NULL;
    }
    if (result == expected) {
        return NULL;
    }
    switch (expected) {
    case FH_OK:
        return "fh_block_alloc refused a request that fits";
    case FH_ERR_OUT_OF_MEMORY:
        return "fh_block_alloc gave another error than OUT_OF_MEMORY for a request that fits "
               "nowhere";
    default:
        return "fh_block_alloc gave another error for wrong arguments";
    }
}

static bool is_wrong(const fh_range_desc *desc)
{
    uint64_t alignment = alignment_of(desc);
    return desc->size == 0 || (alignment & (alignment - 1)) != 0 || (int)desc->strategy < 0 ||
           desc->strategy > FH_STRATEGY_MIN_OFFSET;
}

/* The size of the gap between the live ranges that `offset` lies in. */
static uint64_t gap_around(const shadow *s, uint64_t offset)
{
    size_t at = find(s, offset);
    uint64_t from = at > 0 ? range_end(&s->ranges[at - 1]) : 0;
    return (at < s->count ? s->ranges[at].offset : s->size) - from;
}

const char *shadow_alloc(shadow *s, fh_block *block, const fh_range_desc *desc,
                         fh_result *out_result, fh_range *out_range)
{
    shadow_fit fit = {0};
    fh_result expected = FH_OK;
    if (is_wrong(desc)) {
        expected = FH_ERR_INVALID;
    } else if (desc->upper && s->algorithm == FH_BLOCK_TLSF) {
        expected = FH_ERR_UNSUPPORTED;
    } else if (!shadow_fits(s, desc, &fit)) {
        expected = FH_ERR_OUT_OF_MEMORY;
    }
    fh_range range = {.id = 1};
    uint64_t offset = 1;
    fh_result result = fh_block_alloc(block, desc, &range, &offset);
    if (out_result != NULL) {
        *out_result = result;
    }
    if (out_range != NULL) {
        *out_range = range;
    }
    if (result != FH_OK) {
        return check_refusal(s, expected, result, range, offset);
    }
    if (expected != FH_OK) {
        return "fh_block_alloc took a request that it had to refuse";
    }
    if (range.id == 0) {
        return "fh_block_alloc succeeded with the handle {0}";
    }
    if (offset != align_down(offset, alignment_of(desc))) {
        return "a new range is not aligned";
    }
    if (s->algorithm == FH_BLOCK_LINEAR || desc->strategy == FH_STRATEGY_MIN_OFFSET) {
        if (offset != fit.lowest) {
            return s->algorithm == FH_BLOCK_LINEAR ? "a linear range lies elsewhere than ruled"
                                                   : "MIN_OFFSET missed the lowest offset";
        }
    } else if (desc->strategy == FH_STRATEGY_MIN_MEMORY && gap_around(s, offset) != fit.best_gap) {
        return "MIN_MEMORY missed the smallest gap";
    }
    return insert(s, desc, range, offset);
}

const char *shadow_free(shadow *s, fh_block *block, size_t index)
{
    fh_range handle = s->ranges[index].handle;
    if (fh_block_free(block, handle) != FH_OK) {
        return "fh_block_free refused a live range";
    }
    erase(s, index);
    remember_stale(s, handle);
    return NULL;
}

static const char *compare_info(const shadow_range *range, const fh_block *block)
{
    fh_range_info info;
    if (fh_block_info(block, range->handle, &info) != FH_OK) {
        return "fh_block_info refused a live range";
    }
    if (info.offset != range->offset || info.size != range->size || info.user != range->user) {
        return "fh_block_info told something else than what was asked for";
    }
    return NULL;
}

const char *shadow_set_user(shadow *s, fh_block *block, size_t index, void *user,
                            fh_result *out_result)
{
    shadow_range *range = &s->ranges[index];
    fh_result result = fh_block_set_user(block, range->handle, user);
    if (out_result != NULL) {
        *out_result = result;
    }
    if (result == FH_OK) {
        range->user = user;
    } else if (result != FH_ERR_HOST_MEMORY || !s->host_may_fail) {
        return "fh_block_set_user refused a live range";
    }
    return compare_info(range, block);
}

const char *shadow_clear(shadow *s, fh_block *block)
{
    fh_block_clear(block);
    for (size_t i = 0; i < s->count && i < SHADOW_STALE_MAX / 2; i++) {
        remember_stale(s, s->ranges[s->count - 1 - i].handle);
    }
    s->count = s->ring_count = s->upper_count = 0;
    s->range_bytes = 0;
    return NULL;
}

const char *shadow_resize(shadow *s, fh_block *block, uint64_t size, fh_result *out_result)
{
    fh_result expected = FH_OK;
    bool hangs = size != s->size && s->upper_count > 0; /* upper ranges would have to move */
    bool cuts = s->count > 0 && range_end(&s->ranges[s->count - 1]) > size;
    if (size == 0 || size > FH_BLOCK_SIZE_MAX) {
        expected = FH_ERR_INVALID;
    } else if (hangs || cuts) {
        expected = FH_ERR_BUSY;
    }
    fh_result result = fh_block_resize(block, size);
    if (out_result != NULL) {
        *out_result = result;
    }
    if (result == FH_ERR_HOST_MEMORY && s->host_may_fail) {
        return NULL;
    }
    if (result != expected) {
        return expected == FH_OK ? "fh_block_resize refused a size that is possible"
                                 : "fh_block_resize did not refuse as it had to";
    }
    if (result == FH_OK) {
        s->size = size;
    }
    return NULL;
}

typedef struct comparison {
    const shadow *shadow;
    size_t next;       /* the live range that must come next */
    uint64_t position; /* where the next piece must start */
    bool after_gap;
    fh_stats_detail detail;
    const char *fault;
} comparison;

static bool compare_range(comparison *c, const fh_block_piece *piece)
{
    const shadow_range *range = &c->shadow->ranges[c->next];
    if (c->next == c->shadow->count) {
        c->fault = "fh_block_visit showed a range too many";
        return false;
    }
    if (piece->range.id != range->handle.id || piece->offset != range->offset ||
        piece->size != range->size || piece->user != range->user) {
        c->fault = "fh_block_visit showed a range that is not the next one that lives";
        return false;
    }
    c->next++;
    c->after_gap = false;
    c->detail.range_min = piece->size < c->detail.range_min ? piece->size : c->detail.range_min;
    c->detail.range_max = piece->size > c->detail.range_max ? piece->size : c->detail.range_max;
    return true;
}

static bool compare_gap(comparison *c, const fh_block_piece *piece)
{
    if (c->after_gap) {
        c->fault = "two gaps lie side by side";
        return false;
    }
    if (piece->user != NULL) {
        c->fault = "fh_block_visit showed a gap with a user value";
        return false;
    }
    c->after_gap = true;
    c->detail.free_count++;
    c->detail.free_min = piece->size < c->detail.free_min ? piece->size : c->detail.free_min;
    c->detail.free_max = piece->size > c->detail.free_max ? piece->size : c->detail.free_max;
    return true;
}

static bool compare_piece(void *context, const fh_block_piece *piece)
{
    comparison *c = context;
    if (piece->offset != c->position || piece->size == 0) {
        c->fault = "fh_block_visit left a hole, went back, or showed an empty piece";
        return false;
    }
    c->position += piece->size;
    return piece->range.id != 0 ? compare_range(c, piece) : compare_gap(c, piece);
}

static const char *compare_stats(const shadow *s, const fh_stats *stats)
{
    if (stats->block_count != 1 || stats->block_bytes != s->size) {
        return "block_count or block_bytes is wrong";
    }
    if (stats->range_count != s->count || stats->range_bytes != s->range_bytes) {
        return "range_count or range_bytes is wrong";
    }
    return NULL;
}

const char *shadow_compare(const shadow *s, const fh_block *block)
{
    comparison c = {.shadow = s, .detail = {.range_min = UINT64_MAX, .free_min = UINT64_MAX}};
    if (fh_block_visit(block, compare_piece, &c) != FH_OK) {
        return "fh_block_visit failed";
    }
    if (c.fault != NULL) {
        return c.fault;
    }
    if (c.next != s->count || c.position != s->size) {
        return "fh_block_visit ended before the block did";
    }
    fh_stats stats;
    fh_block_stats(block, &stats);
    const char *fault = compare_stats(s, &stats);
    if (fault != NULL) {
        return fault;
    }
    fh_stats_detail detail;
    fh_block_detail(block, &detail);
    fault = compare_stats(s, &detail.stats);
    if (fault != NULL) {
        return fault;
    }
    if (detail.free_count != c.detail.free_count) {
        return "free_count is wrong";
    }
    if (detail.range_min != c.detail.range_min || detail.range_max != c.detail.range_max) {
        return "range_min or range_max is wrong";
    }
    if (detail.free_min != c.detail.free_min || detail.free_max != c.detail.free_max) {
        return "free_min or free_max is wrong";
    }
    uint64_t bound = fh_block_free_bound(block);
    if (bound < shadow_largest(s)) {
        return "fh_block_free_bound is below a request that succeeds";
    }
    if (s->range_bytes == s->size && bound != 0) {
        return "fh_block_free_bound is not 0 for a full block";
    }
    return NULL;
}

const char *shadow_refuse(const shadow *s, fh_block *block, fh_range dead)
{
    fh_range_info info = {1, 1, block};
    if (fh_block_free(block, dead) != FH_ERR_STALE) {
        return "fh_block_free took a dead handle";
    }
    if (fh_block_set_user(block, dead, block) != FH_ERR_STALE) {
        return "fh_block_set_user took a dead handle";
    }
    if (fh_block_info(block, dead, &info) != FH_ERR_STALE) {
        return "fh_block_info took a dead handle";
    }
    if (info.offset != 0 || info.size != 0 || info.user != NULL) {
        return "fh_block_info left its output as it was when it failed";
    }
    fh_stats stats;
    fh_block_stats(block, &stats);
    return compare_stats(s, &stats);
}
