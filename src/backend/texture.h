/* Textures as descriptions: what one is when its defaults are filled in, and where its texels lie
 * when they are packed tightly.
 *
 * The tight layout: layer after layer; in a layer level after level, the largest first; in a level
 * slice after slice of its depth; in a slice row after row of blocks; all samples of a texel side
 * by side. Nothing is padded but to whole blocks of a compressed format. */

#ifndef FREEHOLD_BACKEND_TEXTURE_H
#define FREEHOLD_BACKEND_TEXTURE_H

#include <freehold/resource.h>

#include <stdbool.h>
#include <stdint.h>

/* What a texture can have at most: sizes are 32-bit. */
#define FHI_MIPS_MAX 32

/* What of a description decides where texels lie; no field is 0. */
typedef struct fhi_texture_shape {
    fh_format format;
    uint32_t width, height, depth; /* texels of the largest level */
    uint32_t layers, mips, samples;
} fhi_texture_shape;

/* One mip level of one layer. */
typedef struct fhi_texture_level {
    uint32_t width, height, depth; /* texels */
    uint32_t rows;                 /* rows of blocks in one slice */
    uint64_t row_bytes, slice_bytes, bytes;
    uint64_t offset; /* bytes, from where the layer begins */
} fhi_texture_level;

/* Fill defaults in and validate all that does not depend on the device; `memory` and `native` are
 * copied as they are. INVALID; *out is then {0}. desc == out is allowed. */
fh_result fhi_texture_resolve(const fh_texture_desc *desc, fh_texture_desc *out);

/* Fill sizes in and validate that the box lies in the texture, on whole blocks. `desc` is resolved.
 * INVALID; *out is then {0}. region == out is allowed. */
fh_result fhi_texture_region_resolve(const fh_texture_desc *desc, const fh_texture_region *region,
                                     fh_texture_region *out);

/* `desc` is resolved. */
fhi_texture_shape fhi_texture_shape_of(const fh_texture_desc *desc);

/* Bytes of one layer and of all of them. Returns false when that does not fit 64 bits. */
bool fhi_texture_measure(const fhi_texture_shape *shape, uint64_t *out_layer_bytes,
                         uint64_t *out_bytes);

/* Where level `mip` lies: it begins at layer * layer_bytes + out->offset. For a shape that could be
 * measured, and mip < mips. Cost: O(mip). */
void fhi_texture_layout(const fhi_texture_shape *shape, uint32_t mip, fhi_texture_level *out);

#endif
