/* Two-level segregated fit over offsets. Arguments are trusted: block.c has checked them. */

#ifndef FREEHOLD_BLOCK_TLSF_H
#define FREEHOLD_BLOCK_TLSF_H

#include <freehold/block.h>

#include "block/node.h"
#include "block/offset_index.h"

/* Bins: one for each size below 64, then 64 per octave, so that one word is one octave. */
enum {
    FHI_BIN_BITS = 6,
    FHI_BINS_PER_OCTAVE = 1 << FHI_BIN_BITS,
    FHI_OCTAVES = 64 - FHI_BIN_BITS + 1
};

#define FHI_BIN_NONE UINT32_C(0xffffffff)
#define FHI_BIN_HEAD UINT32_C(0x80000000) /* in list_prev: the rest is a bin, not a node */

typedef struct fhi_tlsf {
    fhi_node *nodes; /* [0] is the sentinel: before the first node and behind the last */
    uint32_t *heads; /* per bin its first gap, 0 = empty */
    void **users;    /* per slot of a range its user value; NULL while all of them are */

    /* What has a node, and what is slack (tlsf.c). */
    uint32_t granule;   /* gaps begin at multiples of this; a power of two */
    uint32_t threshold; /* and are no shorter than this, but in an empty block; a power of two */
    uint32_t patience;  /* padding below this stays slack: threshold, or more while there is room */
    uint32_t slack_max; /* no range has more slack; an upper bound */

    uint32_t free_slots; /* stack of unused slots, linked by `next`; 0 = none */
    uint32_t high;       /* this slot and those above are neither used nor on the stack */
    uint32_t capacity;   /* of nodes, users and the index */
    uint32_t generation; /* of the range made last; runs on across clear */
    uint32_t kept_high;  /* `high` at the last clear */
    uint32_t bin_count;  /* of heads; a multiple of 64 */
    uint64_t size;
    uint64_t range_count;
    uint64_t range_bytes;
    uint64_t octaves;                /* bit o: words[o] is not 0 */
    uint64_t words[FHI_OCTAVES + 1]; /* bit b of [o]: bin 64 o + b is not empty; the last stays 0 */
    fhi_offset_index *index;         /* NULL until somebody asks for the lowest offset */
    const fh_host_memory *memory;
} fhi_tlsf;

/* `memory` is borrowed until finish. HOST_MEMORY on failure; finish is then safe, and needed. */
fh_result fhi_tlsf_init(fhi_tlsf *tlsf, uint64_t size, const fh_host_memory *memory);
void fhi_tlsf_finish(fhi_tlsf *tlsf);

/* `alignment` is desc's, resolved: a power of two. The outputs are written on success only;
 * `out_offset` may be NULL. */
fh_result fhi_tlsf_alloc(fhi_tlsf *tlsf, const fh_range_desc *desc, uint64_t alignment,
                         uint64_t *out_id, uint64_t *out_offset);
void fhi_tlsf_clear(fhi_tlsf *tlsf);
fh_result fhi_tlsf_resize(fhi_tlsf *tlsf, uint64_t size);

/* STALE, with the sentence; free takes 0 for nothing to do. */
fh_result fhi_tlsf_free(fhi_tlsf *tlsf, uint64_t id);
fh_result fhi_tlsf_info(const fhi_tlsf *tlsf, uint64_t id, fh_range_info *out_info);
fh_result fhi_tlsf_set_user(fhi_tlsf *tlsf, uint64_t id, void *user);

uint64_t fhi_tlsf_free_bound(const fhi_tlsf *tlsf);
void fhi_tlsf_visit(const fhi_tlsf *tlsf, fh_block_visit_fn visit, void *context);

/* NULL when everything holds, else the invariant that does not. O(n) */
const char *fhi_tlsf_audit(const fhi_tlsf *tlsf);

#endif
