/* The one walk that finds a use for slack. It runs when a request is smaller, or less aligned, than
 * all before it, and when one would be refused while padding lies idle: a few dozen times between
 * two clears at most, since threshold and granule fall by halves. */

#include "block/slack.h"

#include "block/gaps.h"
#include "block/slots.h"

/* Behind a range: is there slack that is worth a gap of its own? Not so where a gap follows, which
 * can take it in. */
static bool hides_a_gap(const fhi_tlsf *tlsf, const fhi_node *range)
{
    const fhi_node *next = &tlsf->nodes[range->next];

    return !fhi_node_is_gap(range) && !fhi_node_is_gap(next) &&
           fhi_gap_is_worth_it(tlsf, fhi_gap_start(tlsf, fhi_node_end(range)), next->offset);
}

static uint32_t count_hidden_gaps(const fhi_tlsf *tlsf)
{
    uint32_t count = 0;

    for (uint32_t i = tlsf->nodes[0].next; i != 0; i = tlsf->nodes[i].next) {
        count += hides_a_gap(tlsf, &tlsf->nodes[i]) ? 1 : 0;
    }
    return count;
}

/* Gives the units from the first multiple of the granule on to the gap behind the range, which
 * begins there from now on; what stays slack is less than a granule. */
static void release_slack(fhi_tlsf *tlsf, uint32_t slot)
{
    fhi_node *range = &tlsf->nodes[slot];
    uint32_t next = range->next;
    uint64_t end = fhi_node_end(range);
    uint64_t start = fhi_gap_start(tlsf, end);
    uint64_t gap_end = tlsf->nodes[next].offset;
    bool indexed = tlsf->index != NULL;

    if (fhi_node_is_gap(&tlsf->nodes[next])) {
        gap_end += tlsf->nodes[next].size;
        fhi_gap_reshape(tlsf, next, start, gap_end - start, FHI_BIN_NONE, indexed);
    } else {
        uint32_t gap = fhi_slot_take(tlsf);
        fhi_slot_chain(tlsf->nodes, gap, slot, next);
        fhi_gap_insert(tlsf, gap, start, gap_end - start, indexed);
    }
    range->mark = FHI_NODE_RANGE | (uint32_t)(start - end);
}

bool fhi_slack_refine(fhi_tlsf *tlsf, uint64_t size, uint64_t alignment)
{
    uint32_t threshold = tlsf->threshold;
    uint32_t granule = tlsf->granule;
    bool patient = tlsf->patience > threshold;

    tlsf->threshold = size < threshold ? UINT32_C(1) << fhi_highest_bit(size) : threshold;
    tlsf->granule = alignment < granule ? (uint32_t)alignment : granule;
    if (!fhi_slots_provide(tlsf, count_hidden_gaps(tlsf))) {
        tlsf->threshold = threshold;
        tlsf->granule = granule;
        return false;
    }
    tlsf->patience = patient ? tlsf->patience : tlsf->threshold;
    tlsf->slack_max = 0;
    for (uint32_t i = tlsf->nodes[0].next; i != 0; i = tlsf->nodes[i].next) {
        if (fhi_node_is_gap(&tlsf->nodes[i])) {
            continue;
        }
        if (fhi_node_is_gap(&tlsf->nodes[tlsf->nodes[i].next]) ||
            hides_a_gap(tlsf, &tlsf->nodes[i])) {
            release_slack(tlsf, i);
        }
        fhi_slack_set(tlsf, i, fhi_node_slack(&tlsf->nodes[i]));
    }
    return true;
}

bool fhi_slack_end_patience(fhi_tlsf *tlsf, uint64_t size, uint64_t alignment)
{
    if (!fhi_slack_refine(tlsf, size, alignment)) {
        return false;
    }
    tlsf->patience = tlsf->threshold;
    return true;
}
