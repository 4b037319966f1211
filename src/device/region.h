/* Regions of textures as transfers see them: how many bytes they are, and how to cut one into
 * pieces that fit a staging buffer. Rows lie close together, whole blocks of a compressed
 * format. */

#ifndef FREEHOLD_DEVICE_REGION_H
#define FREEHOLD_DEVICE_REGION_H

#include "device/record.h"

/* What decides where texels lie, as fhi_texture_region_resolve() needs it. */
void fhi_texture_desc_of(const fhi_record *record, fh_texture_desc *out_desc);

/* Of a region that is resolved: it lies in the texture. */
uint64_t fhi_region_bytes(const fhi_record *record, const fh_texture_region *region);

/* A walk over a region in the order in which its texels are packed. */
typedef struct fhi_region_walk {
    fh_texture_region region;           /* resolved */
    uint32_t block_width, block_height; /* texels */
    uint32_t block_bytes;               /* with all samples */
    uint32_t columns, rows;             /* blocks of the region */
    uint32_t layer, slice, row, column; /* where it is; `layer` is region.layers at the end */
} fhi_region_walk;

void fhi_region_walk_init(fhi_region_walk *walk, const fhi_record *record,
                          const fh_texture_region *region);

/* The next piece of at most `most` bytes, which is at least one block: as many layers, or slices of
 * one layer, or rows of one slice, or blocks of one row, as fit. Returns its bytes; 0 at the
 * end. */
uint64_t fhi_region_walk_next(fhi_region_walk *walk, uint64_t most, fh_texture_region *out_piece);

#endif
