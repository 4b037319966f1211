/* Which bytes of the memories are taken while a trace is read, so that resources that lie on the
 * same bytes at the same time are found. An *extent* is a run of bytes that one resource covers, or
 * several that overlap; the extents of one memory do not.
 *
 * A piece is whatever the caller numbers; pieces that once were in one extent together belong
 * together from then on (fhi_extents_find). */

#ifndef FREEHOLD_REPLAY_EXTENTS_H
#define FREEHOLD_REPLAY_EXTENTS_H

#include "replay/ids.h"

typedef struct fhi_extent {
    uint64_t begin, end; /* bytes */
    uint32_t left, right, rank;
    uint32_t live;  /* pieces */
    uint32_t piece; /* the one that stands for all of them */
    uint32_t mixed; /* exclusive or of them: when one is left, it is that */
} fhi_extent;

typedef struct fhi_extents {
    fhi_extent *all;
    uint32_t count, capacity;
    uint32_t free;  /* a list through `left` */
    uint64_t state; /* of the ranks */
    struct {
        uint32_t up;     /* towards the one that stands for all that belong together */
        uint32_t extent; /* of that one */
        uint64_t begin, end;
    } * pieces;
    uint32_t piece_count, piece_capacity;
} fhi_extents;

void fhi_extents_init(fhi_extents *extents);
void fhi_extents_finish(fhi_extents *extents, const fh_host_memory *memory);

/* Pieces are numbered from 0 on, and added in this order. *root is the memory's, FHI_NONE at first.
 * begin < end. False: no host memory; the memory's extents are then not to be used any more. */
bool fhi_extents_add(fhi_extents *extents, const fh_host_memory *memory, uint32_t *root,
                     uint64_t begin, uint64_t end);

/* The piece is gone; once for each. */
void fhi_extents_end(fhi_extents *extents, uint32_t *root, uint32_t piece);

/* The piece that stands for all that belong together with this one. */
uint32_t fhi_extents_find(fhi_extents *extents, uint32_t piece);

#endif
