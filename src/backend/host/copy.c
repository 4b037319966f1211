/* Copies of the simulated device: bytes are moved, row by row where a texture takes part. Texels
 * lie in the tight layout (texture.h), whatever the tiling. Objects may overlap in memory (they are
 * aliased), so memmove. */

#include "backend/host/copy.h"

#include "backend/host/object.h"
#include "base/assert.h"

#include <string.h>

static void move(fhi_sim_object *to, uint64_t to_offset, const fhi_sim_object *from,
                 uint64_t from_offset, uint64_t size)
{
    FH_ASSERT(to->gpu && to_offset <= to->size && size <= to->size - to_offset);
    FH_ASSERT(from->gpu && from_offset <= from->size && size <= from->size - from_offset);
    memmove(to->gpu + to_offset, from->gpu + from_offset, (size_t)size);
    fhi_sim_memory_written(to->memory, to->gpu + to_offset, size);
}

static void fill(fhi_sim_object *to, uint64_t offset, uint64_t size, uint32_t pattern)
{
    uint8_t *at = to->gpu + offset;
    size_t done = size < sizeof pattern ? (size_t)size : sizeof pattern;

    FH_ASSERT(to->gpu && offset <= to->size && size <= to->size - offset);
    memcpy(at, &pattern, done);
    /* What is filled doubles each time. */
    while (done < size) {
        size_t piece = done < size - done ? done : (size_t)(size - done);
        memcpy(at + done, at, piece);
        done += piece;
    }
    fhi_sim_memory_written(to->memory, at, size);
}

/* A box of a texture, or the same box packed in a buffer: rows at regular distances. */
typedef struct box {
    fhi_sim_object *object;
    uint64_t offset; /* of the first row */
    uint64_t row_pitch, slice_pitch, layer_pitch;
    /* What is to be moved; the same for both sides of a copy. */
    uint64_t row_bytes;
    uint32_t rows, slices, layers;
} box;

static box box_of_texture(fhi_sim_object *texture, const fh_texture_region *region)
{
    const fhi_texture_shape *shape = &texture->shape;
    const fh_format_info *format = fh_format_describe(shape->format);
    uint64_t block_bytes = (uint64_t)format->block_bytes * shape->samples;
    fhi_texture_level level;
    uint64_t layer_bytes;
    uint64_t bytes;

    fhi_texture_measure(shape, &layer_bytes, &bytes);
    fhi_texture_layout(shape, region->mip, &level);
    uint64_t columns = (region->width + (uint64_t)format->block_width - 1) / format->block_width;
    uint64_t rows = (region->height + (uint64_t)format->block_height - 1) / format->block_height;
    return (box){
        .object = texture,
        .offset = region->layer * layer_bytes + level.offset + region->z * level.slice_bytes +
                  region->y / format->block_height * level.row_bytes +
                  region->x / format->block_width * block_bytes,
        .row_pitch = level.row_bytes,
        .slice_pitch = level.slice_bytes,
        .layer_pitch = layer_bytes,
        .row_bytes = columns * block_bytes,
        .rows = (uint32_t)rows,
        .slices = region->depth,
        .layers = region->layers,
    };
}

/* A box as large as `other`, its rows close together from `offset` of a buffer on. */
static box box_of_buffer(fhi_sim_object *buffer, uint64_t offset, const box *other)
{
    box packed = *other;

    packed.object = buffer;
    packed.offset = offset;
    packed.row_pitch = packed.row_bytes;
    packed.slice_pitch = packed.row_pitch * packed.rows;
    packed.layer_pitch = packed.slice_pitch * packed.slices;
    return packed;
}

static void move_box(const box *to, const box *from)
{
    bool whole = to->row_pitch == to->row_bytes && from->row_pitch == from->row_bytes;
    uint64_t row_bytes = whole ? to->row_bytes * to->rows : to->row_bytes;
    uint32_t rows = whole ? 1 : to->rows;

    FH_ASSERT(to->row_bytes == from->row_bytes && to->rows == from->rows);
    FH_ASSERT(to->slices == from->slices && to->layers == from->layers);
    for (uint32_t layer = 0; layer < to->layers; layer++) {
        for (uint32_t slice = 0; slice < to->slices; slice++) {
            uint64_t to_row = to->offset + layer * to->layer_pitch + slice * to->slice_pitch;
            uint64_t from_row =
                from->offset + layer * from->layer_pitch + slice * from->slice_pitch;
            for (uint32_t row = 0; row < rows; row++) {
                move(to->object, to_row, from->object, from_row, row_bytes);
                to_row += to->row_pitch;
                from_row += from->row_pitch;
            }
        }
    }
}

void fhi_sim_copy(const fh_backend_copy *copy)
{
    fhi_sim_object *src = copy->src;
    fhi_sim_object *dst = copy->dst;
    box from;
    box to;

    switch (copy->kind) {
    case FH_COPY_BUFFER:
        move(dst, copy->dst_offset, src, copy->src_offset, copy->size);
        return;
    case FH_COPY_FILL:
        fill(dst, copy->dst_offset, copy->size, copy->fill);
        return;
    case FH_COPY_BUFFER_TO_TEXTURE:
        to = box_of_texture(dst, &copy->dst_region);
        from = box_of_buffer(src, copy->src_offset, &to);
        break;
    case FH_COPY_TEXTURE_TO_BUFFER:
        from = box_of_texture(src, &copy->src_region);
        to = box_of_buffer(dst, copy->dst_offset, &from);
        break;
    case FH_COPY_TEXTURE:
        from = box_of_texture(src, &copy->src_region);
        to = box_of_texture(dst, &copy->dst_region);
        break;
    default:
        FH_ASSERT(!"an unknown kind of copy");
        return;
    }
    move_box(&to, &from);
}
