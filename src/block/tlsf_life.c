/* The life of a TLSF block: made, cleared, resized, gone. */

#include "block/tlsf.h"

#include "base/error.h"
#include "base/host.h"
#include "block/gaps.h"
#include "block/slots.h"

#include <string.h>

enum {
    THRESHOLD_AT_FIRST = 1 << 12,
    GRANULE_AT_FIRST = 1 << 16,
    PATIENCE_AT_FIRST = 1 << 16 /* the largest padding that is left idle while there is room */
};

static uint32_t bins_for(uint64_t size)
{
    return (fhi_bin_of(size) / FHI_BINS_PER_OCTAVE + 1) * FHI_BINS_PER_OCTAVE;
}

/* One gap, from end to end. */
static void make_empty(fhi_tlsf *tlsf)
{
    memset(tlsf->heads, 0, tlsf->bin_count * sizeof *tlsf->heads);
    memset(tlsf->words, 0, sizeof tlsf->words);
    tlsf->octaves = 0;
    tlsf->granule = GRANULE_AT_FIRST;
    tlsf->threshold = THRESHOLD_AT_FIRST;
    tlsf->patience = PATIENCE_AT_FIRST;
    tlsf->slack_max = 0;
    tlsf->range_count = 0;
    tlsf->range_bytes = 0;
    tlsf->free_slots = 0;
    tlsf->high = 1;
    tlsf->nodes[0] = (fhi_node){.offset = tlsf->size, .mark = FHI_NODE_RANGE};
    if (tlsf->index) {
        fhi_offset_index_clear(tlsf->index);
    }

    uint32_t slot = tlsf->high++;
    fhi_slot_chain(tlsf->nodes, slot, 0, 0);
    fhi_gap_insert(tlsf, slot, 0, tlsf->size, tlsf->index != NULL);
}

fh_result fhi_tlsf_init(fhi_tlsf *tlsf, uint64_t size, const fh_host_memory *memory)
{
    *tlsf = (fhi_tlsf){.size = size, .memory = memory, .bin_count = bins_for(size)};
    tlsf->heads = fhi_host_alloc(memory, tlsf->bin_count, sizeof *tlsf->heads, FHI_NODE_ALIGNMENT);
    tlsf->nodes =
        fhi_host_alloc(memory, FHI_SLOTS_AT_FIRST, sizeof *tlsf->nodes, FHI_NODE_ALIGNMENT);
    tlsf->capacity = FHI_SLOTS_AT_FIRST;
    if (!tlsf->heads || !tlsf->nodes) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for the bins of a new block");
    }
    tlsf->generation = (uint32_t)fhi_salt(tlsf);
    make_empty(tlsf);
    return FH_OK;
}

void fhi_tlsf_finish(fhi_tlsf *tlsf)
{
    fhi_slots_release(tlsf);
    fhi_host_free(tlsf->memory, tlsf->heads, tlsf->bin_count, sizeof *tlsf->heads,
                  FHI_NODE_ALIGNMENT);
}

void fhi_tlsf_clear(fhi_tlsf *tlsf)
{
    /* Keep what the last two periods both had use for: a block that is filled and cleared each
     * frame settles and asks the host for nothing, one that was once large does not stay so. */
    uint32_t needed = tlsf->high < tlsf->kept_high ? tlsf->high : tlsf->kept_high;
    uint32_t keep = tlsf->capacity;

    while (keep / 2 >= needed + FHI_SLOTS_PER_BATCH && keep > FHI_SLOTS_AT_FIRST) {
        keep /= 2;
    }
    tlsf->kept_high = tlsf->high;
    if (keep < tlsf->capacity) {
        fhi_node *nodes = fhi_host_alloc(tlsf->memory, keep, sizeof *nodes, FHI_NODE_ALIGNMENT);
        if (nodes) { /* else keep more than needed: clear does not fail */
            fhi_slots_release(tlsf);
            tlsf->index = NULL;
            tlsf->users = NULL;
            tlsf->nodes = nodes;
            tlsf->capacity = keep;
        }
    }
    make_empty(tlsf);
}

static bool reserve_bins(fhi_tlsf *tlsf, uint64_t size)
{
    uint32_t count = bins_for(size);
    if (count <= tlsf->bin_count) {
        return true;
    }
    uint32_t *heads = fhi_host_alloc(tlsf->memory, count, sizeof *heads, FHI_NODE_ALIGNMENT);
    if (!heads) {
        return false;
    }
    memcpy(heads, tlsf->heads, tlsf->bin_count * sizeof *heads);
    memset(heads + tlsf->bin_count, 0, (count - tlsf->bin_count) * sizeof *heads);
    fhi_host_free(tlsf->memory, tlsf->heads, tlsf->bin_count, sizeof *heads, FHI_NODE_ALIGNMENT);
    tlsf->heads = heads;
    tlsf->bin_count = count;
    return true;
}

fh_result fhi_tlsf_resize(fhi_tlsf *tlsf, uint64_t size)
{
    uint32_t last = tlsf->nodes[0].prev;
    bool gap = fhi_node_is_gap(&tlsf->nodes[last]);
    uint32_t range = gap ? tlsf->nodes[last].prev : last; /* or the sentinel: the block is empty */
    uint64_t end = range == 0 ? 0 : fhi_node_end(&tlsf->nodes[range]);

    if (size < end) {
        return fhi_fail_with(FH_ERR_BUSY, "size: a range ends at {}, beyond the new end {}", end,
                             size, 0);
    }
    if (!reserve_bins(tlsf, size) || !fhi_slots_reserve(tlsf)) {
        return fhi_fail_with(FH_ERR_HOST_MEMORY, "no host memory to resize the block to {} units",
                             size, 0, 0);
    }
    /* The free end becomes slack or a gap, whatever it was before. Only an empty block has no range
     * in front of its free end: that stays a gap, however small. */
    if (gap) {
        fhi_gap_remove(tlsf, last, FHI_BIN_NONE, tlsf->index != NULL);
        fhi_slot_give(tlsf, last);
        last = tlsf->nodes[last].prev;
    }
    tlsf->size = size;
    tlsf->nodes[0].offset = size;
    fhi_slot_chain(tlsf->nodes, 0, last, last == 0 ? 0 : tlsf->nodes[0].next);

    uint64_t start = fhi_gap_start(tlsf, end);
    if (last == 0 || fhi_gap_is_worth_it(tlsf, start, size)) {
        uint32_t slot = fhi_slot_take(tlsf);
        fhi_slot_chain(tlsf->nodes, slot, last, 0);
        fhi_gap_insert(tlsf, slot, start, size - start, tlsf->index != NULL);
    } else {
        start = size;
    }
    fhi_slack_set(tlsf, last, start - end);
    return FH_OK;
}
