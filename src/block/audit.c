/* The audits of both algorithms, away from the code that they check. */

#include "block/audit.h"

#include "base/bits.h"
#include "block/gaps.h"
#include "block/linear.h"
#include "block/tlsf.h"

/* ---- TLSF ---- */

static const char *audit_chain(const fhi_tlsf *tlsf, uint64_t *out_gaps)
{
    const fhi_node *nodes = tlsf->nodes;
    uint64_t end = 0, ranges = 0, bytes = 0, gaps = 0;
    uint32_t prev = 0;

    for (uint32_t i = nodes[0].next; i != 0; i = nodes[i].next) {
        bool gap = fhi_node_is_gap(&nodes[i]);
        uint64_t size = nodes[nodes[i].next].offset - nodes[i].offset;
        uint64_t slack = gap ? 0 : fhi_node_slack(&nodes[i]);

        if (i >= tlsf->high || nodes[i].prev != prev) {
            return "the chain of nodes is broken";
        }
        if (nodes[i].offset != end || size == 0 || size > tlsf->size - end) {
            return "nodes overlap, leave a hole or are empty";
        }
        if (gap && prev != 0 &&
            (fhi_node_is_gap(&nodes[prev]) || fhi_node_slack(&nodes[prev]) >= tlsf->granule)) {
            return "two gaps side by side were not merged";
        }
        if (!gap && nodes[i].size + slack != size) {
            return "a range has the wrong size";
        }
        if (gap && (nodes[i].size != size || nodes[i].offset % tlsf->granule != 0 ||
                    (size < tlsf->threshold && size != tlsf->size))) {
            return "a gap has the wrong size or offset";
        }
        if (slack >= size && !gap) {
            return "a range has no units";
        }
        if (slack > tlsf->slack_max) {
            return "slack above its bound";
        }
        if (!gap && !fhi_node_is_gap(&nodes[nodes[i].next])) {
            uint64_t next = nodes[nodes[i].next].offset;
            uint64_t start = fhi_align_up(next - slack, tlsf->granule);
            uint32_t enough = nodes[i].next == 0 ? tlsf->threshold : tlsf->patience;
            if (start < next && next - start >= enough) {
                return "slack that is worth a gap";
            }
        }
        gaps += gap ? 1 : 0;
        ranges += gap ? 0 : 1;
        bytes += gap ? 0 : size - slack;
        end += size;
        prev = i;
    }
    if (nodes[0].prev != prev || nodes[0].mark != FHI_NODE_RANGE || end != tlsf->size) {
        return "the sentinel does not close the chain at the end of the block";
    }
    if (ranges != tlsf->range_count || bytes != tlsf->range_bytes) {
        return "the statistics do not add up";
    }
    *out_gaps = gaps;
    return NULL;
}

static const char *audit_bins(const fhi_tlsf *tlsf, uint64_t gaps)
{
    for (uint32_t octave = 0; octave < tlsf->bin_count / FHI_BINS_PER_OCTAVE; octave++) {
        for (uint32_t b = 0; b < FHI_BINS_PER_OCTAVE; b++) {
            uint32_t bin = octave * FHI_BINS_PER_OCTAVE + b;
            uint32_t prev = FHI_BIN_HEAD | bin;

            if ((tlsf->heads[bin] != 0) != ((tlsf->words[octave] >> b & 1) != 0)) {
                return "a bin and its bit disagree";
            }
            for (uint32_t i = tlsf->heads[bin]; i != 0; i = tlsf->nodes[i].list_next) {
                if (i >= tlsf->high || !fhi_node_is_gap(&tlsf->nodes[i]) ||
                    tlsf->nodes[i].list_prev != prev || gaps == 0) {
                    return "the list of a bin is broken";
                }
                if (fhi_bin_of(tlsf->nodes[i].size) != bin) {
                    return "a gap is in the wrong bin";
                }
                gaps--;
                prev = i;
            }
        }
        if ((tlsf->words[octave] != 0) != ((tlsf->octaves >> octave & 1) != 0)) {
            return "an octave and its bit disagree";
        }
    }
    return gaps == 0 ? NULL : "a gap is in no bin";
}

static const char *audit_slots(const fhi_tlsf *tlsf, uint64_t gaps)
{
    uint64_t unused = tlsf->high - 1 - tlsf->range_count - gaps;

    for (uint32_t i = tlsf->free_slots; i != 0; i = tlsf->nodes[i].next) {
        if (i >= tlsf->high || tlsf->nodes[i].mark != FHI_NODE_UNUSED || unused == 0) {
            return "the stack of unused slots is broken";
        }
        unused--;
    }
    return unused == 0 ? NULL : "slots were lost";
}

const char *fhi_tlsf_audit(const fhi_tlsf *tlsf)
{
    uint64_t gaps = 0;
    const char *broken = audit_chain(tlsf, &gaps);

    if (!broken) {
        broken = audit_bins(tlsf, gaps);
    }
    if (!broken) {
        broken = audit_slots(tlsf, gaps);
    }
    if (!broken && tlsf->index) {
        broken = fhi_offset_index_audit(tlsf->index, tlsf->nodes, gaps);
    }
    return broken;
}

/* ---- linear ---- */

typedef struct total {
    uint64_t count, bytes, end;
    const char *broken;
} total;

static bool add_piece(void *context, const fh_block_piece *piece)
{
    total *sum = context;

    if (piece->offset != sum->end || piece->size == 0) {
        sum->broken = "pieces overlap, leave a hole or are empty";
    }
    sum->end = piece->offset + piece->size;
    sum->count += piece->range.id != 0 ? 1 : 0;
    sum->bytes += piece->range.id != 0 ? piece->size : 0;
    return !sum->broken;
}

static const fhi_linear_entry *entry(const fhi_linear_queue *queue, uint32_t i)
{
    return &queue->entries[(queue->first + i) & (queue->capacity - 1)];
}

static bool ends_are_live(const fhi_linear_queue *queue)
{
    return queue->count == 0 || (queue->count <= queue->capacity && entry(queue, 0)->size != 0 &&
                                 entry(queue, queue->count - 1)->size != 0);
}

const char *fhi_linear_audit(const fhi_linear *linear)
{
    const fhi_linear_queue *lower = &linear->lower;
    const fhi_linear_queue *upper = &linear->upper;
    uint32_t before_wrap = linear->wrap - lower->first;
    uint64_t tail = 0;
    uint64_t limit = linear->size;
    total sum = {0};

    if (!ends_are_live(lower) || !ends_are_live(upper)) {
        return "a freed entry stands at an end of its queue";
    }
    if (linear->ring && (before_wrap == 0 || before_wrap >= lower->count || upper->count > 0)) {
        return "a ring without two parts, or with upper ranges";
    }
    if (lower->count > 0) {
        tail = entry(lower, lower->count - 1)->offset + entry(lower, lower->count - 1)->size;
    }
    if (linear->ring) {
        limit = entry(lower, 0)->offset;
    } else if (upper->count > 0) {
        limit = entry(upper, upper->count - 1)->offset;
    }
    if (linear->tail != tail || linear->limit != limit || tail > limit) {
        return "tail and limit are not where the ranges end";
    }
    fhi_linear_visit(linear, add_piece, &sum);
    if (sum.broken) {
        return sum.broken;
    }
    if (sum.end != linear->size) {
        return "the pieces do not cover the block";
    }
    if (sum.count != linear->range_count || sum.bytes != linear->range_bytes) {
        return "the statistics do not add up";
    }
    return NULL;
}
