/* The front of virtual blocks: checks what the caller gives, fills in defaults, and passes it on to
 * one of the two algorithms, which trust it. Two algorithms known here are a branch that predicts
 * well; a table of function pointers would cost more than the linear algorithm itself. */

#include <freehold/block.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/host.h"
#include "block/audit.h"
#include "block/linear.h"
#include "block/tlsf.h"

#include <inttypes.h>

struct fh_block {
    fh_block_algorithm algorithm;
    union {
        fhi_tlsf tlsf;
        fhi_linear linear;
    };
    fh_host_memory memory;
    fh_log log;
#if defined(FH_AUDIT)
    uint64_t unaudited; /* changes since the last audit */
#endif
};

enum {
    BLOCK_ALIGNMENT = 64
};

/* The value of `call`, which changed the block. */
#if defined(FH_AUDIT)
#define AUDITED(block, call) audited(block, call)

/* After each change while the block is small; of a large one often enough that the walks cost no
 * more than a few hundred pieces a change. */
static fh_result audited(fh_block *block, fh_result result)
{
    fh_stats stats;

    fh_block_stats(block, &stats);
    if (++block->unaudited * 256 >= stats.range_count) {
        block->unaudited = 0;
        FH_ASSERT(fhi_block_audit(block) == NULL);
    }
    return result;
}
#else
#define AUDITED(block, call) (call)
#endif

/* ---- life ---- */

static fh_result block_desc_resolve(const fh_block_desc *desc, fh_host_memory *out_memory,
                                    fh_log *out_log)
{
    if (!desc) {
        return fhi_fail(FH_ERR_INVALID, "desc: must not be NULL");
    }
    if (desc->size == 0 || desc->size > FH_BLOCK_SIZE_MAX) {
        return fhi_fail_with(FH_ERR_INVALID, "size: a block has 1 to 2^63 units, not {}",
                             desc->size, 0, 0);
    }
    if (desc->algorithm != FH_BLOCK_TLSF && desc->algorithm != FH_BLOCK_LINEAR) {
        return fhi_fail_with(FH_ERR_INVALID, "algorithm: {} is not one of 0 to 1",
                             (uint32_t)desc->algorithm, 0, 0);
    }
    fh_result result = fhi_host_memory_resolve(desc->memory, out_memory);
    return result != FH_OK ? result : fhi_log_resolve(desc->log, out_log);
}

fh_result fh_block_create(const fh_block_desc *desc, fh_block **out_block)
{
    fh_host_memory memory;
    fh_log log;

    if (!out_block) {
        return fhi_fail(FH_ERR_INVALID, "out_block: must not be NULL");
    }
    *out_block = NULL;
    fh_result result = block_desc_resolve(desc, &memory, &log);
    if (result != FH_OK) {
        return result;
    }
    fh_block *block = fhi_host_alloc(&memory, 1, sizeof *block, BLOCK_ALIGNMENT);
    if (!block) {
        return fhi_fail(FH_ERR_HOST_MEMORY, "no host memory for a new block");
    }
    *block = (fh_block){.algorithm = desc->algorithm, .memory = memory, .log = log};
    if (desc->algorithm == FH_BLOCK_LINEAR) {
        fhi_linear_init(&block->linear, desc->size, &block->memory);
    } else {
        result = fhi_tlsf_init(&block->tlsf, desc->size, &block->memory);
    }
    if (result != FH_OK) {
        fh_block_destroy(block);
        return result;
    }
    *out_block = block;
    return AUDITED(block, FH_OK);
}

void fh_block_destroy(fh_block *block)
{
    fh_stats stats;

    if (!block) {
        return;
    }
    fh_block_stats(block, &stats);
    if (stats.range_count > 0) {
        fhi_log(&block->log, FH_LOG_WARNING,
                "block destroyed with %" PRIu64 " ranges of %" PRIu64 " units still in use",
                stats.range_count, stats.range_bytes);
    }
    if (block->algorithm == FH_BLOCK_LINEAR) {
        fhi_linear_finish(&block->linear);
    } else {
        fhi_tlsf_finish(&block->tlsf);
    }
    fh_host_memory memory = block->memory;
    fhi_host_free(&memory, block, 1, sizeof *block, BLOCK_ALIGNMENT);
}

/* ---- ranges ---- */

/* Says what is wrong with `desc`. Something is: fh_block_alloc() found that out by as few tests as
 * it could, and left it to this to tell what. */
static fh_result refuse_desc(const fh_block *block, const fh_range_desc *desc)
{
    if (desc->size == 0) {
        return fhi_fail(FH_ERR_INVALID, "size: a range has at least 1 unit");
    }
    if (desc->alignment != 0 && !fhi_is_power_of_two(desc->alignment)) {
        return fhi_fail_with(FH_ERR_INVALID, "alignment: {} is not a power of two", desc->alignment,
                             0, 0);
    }
    if ((uint32_t)desc->strategy > (uint32_t)FH_STRATEGY_MIN_OFFSET) {
        return fhi_fail_with(FH_ERR_INVALID, "strategy: {} is not one of 0 to 3",
                             (uint32_t)desc->strategy, 0, 0);
    }
    if (desc->upper && block->algorithm != FH_BLOCK_LINEAR) {
        return fhi_fail(FH_ERR_UNSUPPORTED, "upper: only linear blocks allocate from the top");
    }
    return fhi_fail_with(FH_ERR_OUT_OF_MEMORY, "size: no block has {} units", desc->size, 0, 0);
}

fh_result fh_block_alloc(fh_block *block, const fh_range_desc *desc, fh_range *out_range,
                         uint64_t *out_offset)
{
    if (out_offset) {
        *out_offset = UINT64_MAX;
    }
    if (!out_range) {
        return fhi_fail(FH_ERR_INVALID, "out_range: must not be NULL");
    }
    out_range->id = 0;
    if (!block || !desc) {
        return fhi_fail(FH_ERR_INVALID,
                        block ? "desc: must not be NULL" : "block: must not be NULL");
    }
    uint64_t alignment = desc->alignment ? desc->alignment : 1;
    if (desc->size - 1 >= FH_BLOCK_SIZE_MAX /* 0, too */ || !fhi_is_power_of_two(alignment) ||
        (uint32_t)desc->strategy > (uint32_t)FH_STRATEGY_MIN_OFFSET) {
        return refuse_desc(block, desc);
    }
    if (block->algorithm == FH_BLOCK_LINEAR) {
        return AUDITED(
            block, fhi_linear_alloc(&block->linear, desc, alignment, &out_range->id, out_offset));
    }
    if (desc->upper) {
        return refuse_desc(block, desc);
    }
    return AUDITED(block,
                   fhi_tlsf_alloc(&block->tlsf, desc, alignment, &out_range->id, out_offset));
}

fh_result fh_block_free(fh_block *block, fh_range range)
{
    if (!block) {
        return fhi_fail(FH_ERR_INVALID, "block: must not be NULL");
    }
    return AUDITED(block, block->algorithm == FH_BLOCK_TLSF
                              ? fhi_tlsf_free(&block->tlsf, range.id)
                              : fhi_linear_free(&block->linear, range.id));
}

void fh_block_clear(fh_block *block)
{
    if (!block) {
        return;
    }
    if (block->algorithm == FH_BLOCK_TLSF) {
        fhi_tlsf_clear(&block->tlsf);
    } else {
        fhi_linear_clear(&block->linear);
    }
    (void)AUDITED(block, FH_OK);
}

fh_result fh_block_info(const fh_block *block, fh_range range, fh_range_info *out_info)
{
    if (!out_info) {
        return fhi_fail(FH_ERR_INVALID, "out_info: must not be NULL");
    }
    *out_info = (fh_range_info){0};
    if (!block) {
        return fhi_fail(FH_ERR_INVALID, "block: must not be NULL");
    }
    return block->algorithm == FH_BLOCK_TLSF ? fhi_tlsf_info(&block->tlsf, range.id, out_info)
                                             : fhi_linear_info(&block->linear, range.id, out_info);
}

fh_result fh_block_set_user(fh_block *block, fh_range range, void *user)
{
    if (!block) {
        return fhi_fail(FH_ERR_INVALID, "block: must not be NULL");
    }
    return block->algorithm == FH_BLOCK_TLSF ? fhi_tlsf_set_user(&block->tlsf, range.id, user)
                                             : fhi_linear_set_user(&block->linear, range.id, user);
}

fh_result fh_block_resize(fh_block *block, uint64_t size)
{
    if (!block) {
        return fhi_fail(FH_ERR_INVALID, "block: must not be NULL");
    }
    if (size == 0 || size > FH_BLOCK_SIZE_MAX) {
        return fhi_fail_with(FH_ERR_INVALID, "size: a block has 1 to 2^63 units, not {}", size, 0,
                             0);
    }
    return AUDITED(block, block->algorithm == FH_BLOCK_TLSF
                              ? fhi_tlsf_resize(&block->tlsf, size)
                              : fhi_linear_resize(&block->linear, size));
}

/* ---- looking ---- */

void fh_block_stats(const fh_block *block, fh_stats *out_stats)
{
    if (!out_stats) {
        return;
    }
    *out_stats = (fh_stats){0};
    if (!block) {
        return;
    }
    out_stats->block_count = 1;
    if (block->algorithm == FH_BLOCK_TLSF) {
        out_stats->block_bytes = block->tlsf.size;
        out_stats->range_count = block->tlsf.range_count;
        out_stats->range_bytes = block->tlsf.range_bytes;
    } else {
        out_stats->block_bytes = block->linear.size;
        out_stats->range_count = block->linear.range_count;
        out_stats->range_bytes = block->linear.range_bytes;
    }
}

static bool add_detail(void *context, const fh_block_piece *piece)
{
    fh_stats_detail *detail = context;
    bool gap = piece->range.id == 0;
    uint64_t *min = gap ? &detail->free_min : &detail->range_min;
    uint64_t *max = gap ? &detail->free_max : &detail->range_max;

    detail->free_count += gap ? 1 : 0;
    *min = piece->size < *min ? piece->size : *min;
    *max = piece->size > *max ? piece->size : *max;
    return true;
}

void fh_block_detail(const fh_block *block, fh_stats_detail *out_detail)
{
    if (!out_detail) {
        return;
    }
    *out_detail = (fh_stats_detail){.range_min = UINT64_MAX, .free_min = UINT64_MAX};
    if (block) {
        fh_block_stats(block, &out_detail->stats);
        fh_block_visit(block, add_detail, out_detail);
    }
}

uint64_t fh_block_free_bound(const fh_block *block)
{
    if (!block) {
        return 0;
    }
    return block->algorithm == FH_BLOCK_TLSF ? fhi_tlsf_free_bound(&block->tlsf)
                                             : fhi_linear_free_bound(&block->linear);
}

fh_result fh_block_visit(const fh_block *block, fh_block_visit_fn visit, void *context)
{
    if (!block || !visit) {
        return fhi_fail(FH_ERR_INVALID,
                        block ? "visit: must not be NULL" : "block: must not be NULL");
    }
    if (block->algorithm == FH_BLOCK_TLSF) {
        fhi_tlsf_visit(&block->tlsf, visit, context);
    } else {
        fhi_linear_visit(&block->linear, visit, context);
    }
    return FH_OK;
}

const char *fhi_block_audit(const fh_block *block)
{
    return block->algorithm == FH_BLOCK_TLSF ? fhi_tlsf_audit(&block->tlsf)
                                             : fhi_linear_audit(&block->linear);
}
