#include "device/region.h"

#include "base/assert.h"

void fhi_texture_desc_of(const fhi_record *record, fh_texture_desc *out_desc)
{
    *out_desc = (fh_texture_desc){
        .kind = (fh_texture_kind)record->texture_kind,
        .format = (fh_format)record->format,
        .width = record->width,
        .height = record->height,
        .depth = record->depth,
        .layers = record->layers,
        .mips = record->mips,
        .samples = record->samples,
        .usage = record->usage,
    };
}

static uint32_t blocks(uint32_t texels, uint32_t block)
{
    return texels / block + (texels % block != 0);
}

void fhi_region_walk_init(fhi_region_walk *walk, const fhi_record *record,
                          const fh_texture_region *region)
{
    const fh_format_info *format = fh_format_describe((fh_format)record->format);

    *walk = (fhi_region_walk){
        .region = *region,
        .block_width = format->block_width,
        .block_height = format->block_height,
        .block_bytes = format->block_bytes * record->samples,
        .columns = blocks(region->width, format->block_width),
        .rows = blocks(region->height, format->block_height),
    };
}

uint64_t fhi_region_bytes(const fhi_record *record, const fh_texture_region *region)
{
    fhi_region_walk walk;

    /* No overflow: it is a part of a texture that fits 64 bits. */
    fhi_region_walk_init(&walk, record, region);
    return (uint64_t)walk.columns * walk.rows * walk.block_bytes * region->depth * region->layers;
}

static uint32_t least(uint64_t fit, uint32_t left)
{
    return fit < left ? (uint32_t)fit : left;
}

/* `count` units of `length` texels from unit `first` on, the last of which may be cut by the
 * end. */
static void cut(uint32_t first, uint32_t count, uint32_t length, uint32_t *begin, uint32_t *size)
{
    uint32_t skipped = first * length;
    uint32_t left = *size - skipped;

    *begin += skipped;
    *size = (uint64_t)count * length < left ? count * length : left;
}

static void carry_slices(fhi_region_walk *walk)
{
    if (walk->slice == walk->region.depth) {
        walk->slice = 0;
        walk->layer++;
    }
}

uint64_t fhi_region_walk_next(fhi_region_walk *walk, uint64_t most, fh_texture_region *out_piece)
{
    const fh_texture_region *region = &walk->region;
    uint64_t row_bytes = (uint64_t)walk->columns * walk->block_bytes;
    uint64_t slice_bytes = row_bytes * walk->rows;
    uint64_t layer_bytes = slice_bytes * region->depth;
    uint32_t count;

    *out_piece = *region;
    if (walk->layer == region->layers) {
        return 0;
    }
    out_piece->layer += walk->layer;
    if (walk->slice == 0 && walk->row == 0 && walk->column == 0 && layer_bytes <= most) {
        count = least(most / layer_bytes, region->layers - walk->layer);
        out_piece->layers = count;
        walk->layer += count;
        return count * layer_bytes;
    }
    out_piece->layers = 1;
    out_piece->z += walk->slice;
    if (walk->row == 0 && walk->column == 0 && slice_bytes <= most) {
        count = least(most / slice_bytes, region->depth - walk->slice);
        out_piece->depth = count;
        walk->slice += count;
        carry_slices(walk);
        return count * slice_bytes;
    }
    out_piece->depth = 1;
    uint64_t bytes;
    if (walk->column == 0 && row_bytes <= most) {
        count = least(most / row_bytes, walk->rows - walk->row);
        cut(walk->row, count, walk->block_height, &out_piece->y, &out_piece->height);
        bytes = count * row_bytes;
        walk->row += count;
    } else {
        FH_ASSERT(most >= walk->block_bytes);
        count = least(most / walk->block_bytes, walk->columns - walk->column);
        cut(walk->row, 1, walk->block_height, &out_piece->y, &out_piece->height);
        cut(walk->column, count, walk->block_width, &out_piece->x, &out_piece->width);
        bytes = (uint64_t)count * walk->block_bytes;
        walk->column += count;
        if (walk->column == walk->columns) {
            walk->column = 0;
            walk->row++;
        }
    }
    if (walk->row == walk->rows) {
        walk->row = 0;
        walk->slice++;
    }
    carry_slices(walk);
    return bytes;
}
