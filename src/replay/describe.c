/* Requests as they were recorded, as descriptions for the device. What of a program's resource has
 * no name here, or would be refused by every backend, is described by what comes next to it; the
 * requirements are the recorded ones in any case. */

#include "replay/replay.h"

#include "backend/texture.h"

#include <string.h>

enum {
    ALIGNMENT = 256 /* bytes: where the trace says nothing */
};

fh_memory_desc *fhi_described_memory(fhi_described *described)
{
    switch (described->kind) {
    case FH_KIND_BUFFER:
        return &described->buffer.memory;
    case FH_KIND_TEXTURE:
        return &described->texture.memory;
    default:
        return &described->raw.memory;
    }
}

/* Where it may lie on the recorded card; 0: it is another, or the trace says nothing that can
 * be. */
static uint32_t types_on(const fh_replay *replay, uint32_t types)
{
    return replay->backend.recorded_card ? types & replay->backend.usable_types : 0;
}

static fh_evictable evictable(const fh_replay *replay, bool stays)
{
    return replay->can_evict && !stays ? FH_EVICTABLE_ANY_THREAD : FH_EVICTABLE_NO;
}

static float priority_of(const fhi_taped_resource *resource)
{
    return (float)resource->priority_ppm / 1000000.0F;
}

static fh_memory_desc describe_memory(const fh_replay *replay, uint32_t index)
{
    const fhi_piece *piece = &replay->tape->pieces[index];
    const fhi_taped_resource *resource = &replay->recording->resources[piece->resource];
    fh_location location = (fh_location)resource->location;
    const char *name = fhi_recording_text(replay->recording, resource->name);
    return (fh_memory_desc){
        .location = location,
        .evictable = evictable(replay, resource->stays),
        .priority = priority_of(resource),
        .tag = resource->tag != 0 ? replay->tags[resource->tag - 1] : 0,
        .mapped = piece->mapped && location != FH_LOCATION_DEVICE,
        .name = name[0] != 0 ? name : NULL,
    };
}

static void describe_buffer(const fhi_taped_resource *resource, const fhi_piece *piece,
                            fhi_described *out)
{
    fh_usage usage = resource->usage & FH_USAGE_OF_BUFFERS;
    uint64_t size =
        resource->size != 0 && resource->size <= piece->size ? resource->size : piece->size;
    out->buffer = (fh_buffer_desc){
        .size = size,
        .usage = usage != 0 ? usage : FH_USAGE_STORAGE,
        .stride = resource->stride != 0 && size % resource->stride == 0 ? resource->stride : 0,
    };
}

static void describe_texture(const fhi_taped_resource *resource, fhi_described *out)
{
    fh_texture_desc described = {
        .kind = resource->texture_kind <= FH_TEXTURE_CUBE ? (fh_texture_kind)resource->texture_kind
                                                          : FH_TEXTURE_2D,
        .format = fh_format_describe((fh_format)resource->format) ? (fh_format)resource->format
                                                                  : FH_FORMAT_RGBA8_UNORM,
        .width = resource->width != 0 ? resource->width : 1,
        .height = resource->height,
        .depth = resource->depth,
        .layers = resource->layers,
        .mips = resource->mips,
        .samples = resource->samples,
        .usage = resource->usage & FH_USAGE_OF_TEXTURES,
        .linear = (resource->flags & FH_TRACE_RESOURCE_LINEAR) != 0,
    };
    out->texture = described;
}

/* A texture of that many bytes at most, of the same outline if that will do. */
static void describe_texture_plainly(const fh_texture_desc *was, uint64_t bytes,
                                     fh_texture_desc *out)
{
    *out = (fh_texture_desc){
        .format = FH_FORMAT_R8_UNORM,
        .width = was->width,
        .height = was->height != 0 ? was->height : 1,
        .usage = FH_USAGE_SAMPLED | (was->usage & (fh_usage)FH_USAGE_TRANSIENT_TARGET),
    };
    out->usage = out->usage != FH_USAGE_SAMPLED
                     ? (fh_usage)(FH_USAGE_COLOR_TARGET | FH_USAGE_TRANSIENT_TARGET)
                     : FH_USAGE_SAMPLED;
    if ((uint64_t)out->width * out->height > bytes) {
        out->width = out->height = 1;
    }
    out->memory = was->memory;
    out->native = was->native;
}

void fhi_describe_plainly(fhi_described *described)
{
    if (described->kind == FH_KIND_TEXTURE) {
        const fh_texture_desc was = described->texture;
        describe_texture_plainly(&was, described->needs.size, &described->texture);
    }
}

/* Whether every device would take it, and it is not larger than what was recorded. */
static bool is_right(const fh_texture_desc *texture, uint64_t bytes)
{
    fh_texture_desc resolved;
    return fhi_texture_resolve(texture, &resolved) == FH_OK && fh_texture_bytes(&resolved) <= bytes;
}

/* Where a bare memory should lie, from the type that the program chose for it. */
static fh_location location_of_bare(const fh_replay *replay, const fhi_taped_memory *memory,
                                    bool mapped)
{
    fh_memory_flags flags = replay->tape->info.profile.types[memory->type].flags;
    if ((flags & FH_MEMORY_DEVICE_LOCAL) != 0) {
        return mapped ? FH_LOCATION_DEVICE_UPLOAD : FH_LOCATION_DEVICE;
    }
    return (flags & FH_MEMORY_HOST_CACHED) != 0 ? FH_LOCATION_READBACK : FH_LOCATION_UPLOAD;
}

/* Nobody knows what uses it, so it stays. */
static void describe_bare(const fh_replay *replay, uint32_t index, fhi_described *out)
{
    const fhi_piece *piece = &replay->tape->pieces[index];
    const fhi_taped_memory *memory = &replay->recording->memories[piece->memory];
    const char *name = fhi_recording_text(replay->recording, memory->name);
    fh_location location = location_of_bare(replay, memory, piece->mapped);
    out->raw = (fh_raw_desc){
        .size = piece->size,
        .address = memory->address,
        .memory = {.location = location,
                   .type_mask = types_on(replay, UINT32_C(1) << memory->type),
                   .mapped = piece->mapped && location != FH_LOCATION_DEVICE,
                   .name = name[0] != 0 ? name : NULL},
    };
}

void fhi_describe_piece(const fh_replay *replay, uint32_t index, fhi_described *out)
{
    const fhi_piece *piece = &replay->tape->pieces[index];
    memset(out, 0, sizeof *out);
    out->kind = FH_KIND_RAW;
    if (piece->resource == FHI_NONE) {
        describe_bare(replay, index, out);
        return;
    }
    const fhi_taped_resource *resource = &replay->recording->resources[piece->resource];
    uint32_t alignment = resource->needs_alignment != 0 ? resource->needs_alignment : ALIGNMENT;
    const fh_memory_desc memory = describe_memory(replay, index);
    out->needs = (fhi_needs){
        .size = piece->size,
        .alignment = alignment,
        .types = resource->needs_types,
        .dedicated = resource->dedicated,
    };
    if (resource->kind == FH_KIND_BUFFER || resource->kind == FH_KIND_STAGING) {
        out->kind = FH_KIND_BUFFER;
        describe_buffer(resource, piece, out);
        out->buffer.memory = memory;
        out->buffer.native = &out->needs;
    } else if (resource->kind == FH_KIND_TEXTURE) {
        out->kind = FH_KIND_TEXTURE;
        describe_texture(resource, out);
        out->texture.memory = memory;
        out->texture.native = &out->needs;
        if (!is_right(&out->texture, piece->size)) {
            fhi_describe_plainly(out);
        }
    } else {
        out->raw = (fh_raw_desc){.size = piece->size,
                                 .alignment = alignment,
                                 .address = (resource->usage & FH_USAGE_DEVICE_ADDRESS) != 0,
                                 .memory = memory};
        out->raw.memory.type_mask = types_on(replay, resource->needs_types);
    }
}

void fhi_describe_group(const fh_replay *replay, uint32_t index, fhi_described *out)
{
    const fhi_group *group = &replay->tape->groups[index];
    const fhi_piece *first = &replay->tape->pieces[group->first];
    const fhi_taped_resource *resource = &replay->recording->resources[first->resource];
    memset(out, 0, sizeof *out);
    out->kind = FH_KIND_RAW;
    out->raw = (fh_raw_desc){
        .size = group->size,
        .alignment = group->alignment,
        .address = group->address,
        .memory =
            {
                .location = (fh_location)group->location,
                .type_mask = types_on(replay, group->types),
                .evictable = evictable(replay, group->stays),
                .priority = priority_of(resource),
                .tag = resource->tag != 0 ? replay->tags[resource->tag - 1] : 0,
                .mapped = group->mapped && group->location != FH_LOCATION_DEVICE,
                .name = "aliased",
            },
    };
}
