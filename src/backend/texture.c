/* Descriptions of textures. What is checked here is what Vulkan, Direct3D 12 and Metal all refuse,
 * on any device; what only some devices refuse is their backend's to say (UNSUPPORTED).
 *
 * Sizes come from a caller and can be anything up to 2^32 - 1, so the products are checked: a level
 * has at most 2^96 texels. */

#include "backend/texture.h"

#include "base/bits.h"
#include "base/error.h"

/* ---- the tight layout ---- */

static bool product(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static uint32_t at_mip(uint32_t texels, uint32_t mip)
{
    uint32_t shrunk = texels >> mip;
    return shrunk > 0 ? shrunk : 1;
}

static uint32_t blocks(uint32_t texels, uint32_t block)
{
    return texels / block + (texels % block != 0);
}

/* All of a level but its offset; false when its bytes do not fit 64 bits. */
static bool level_of(const fhi_texture_shape *shape, uint32_t mip, fhi_texture_level *level)
{
    const fh_format_info *format = fh_format_describe(shape->format);
    uint64_t texel_bytes = (uint64_t)format->block_bytes * shape->samples;

    *level = (fhi_texture_level){
        .width = at_mip(shape->width, mip),
        .height = at_mip(shape->height, mip),
        .depth = at_mip(shape->depth, mip),
    };
    level->rows = blocks(level->height, format->block_height);
    return product(blocks(level->width, format->block_width), texel_bytes, &level->row_bytes) &&
           product(level->row_bytes, level->rows, &level->slice_bytes) &&
           product(level->slice_bytes, level->depth, &level->bytes);
}

fhi_texture_shape fhi_texture_shape_of(const fh_texture_desc *desc)
{
    return (fhi_texture_shape){desc->format, desc->width, desc->height, desc->depth,
                               desc->layers, desc->mips,  desc->samples};
}

bool fhi_texture_measure(const fhi_texture_shape *shape, uint64_t *out_layer_bytes,
                         uint64_t *out_bytes)
{
    uint64_t layer_bytes = 0;

    *out_layer_bytes = 0;
    *out_bytes = 0;
    for (uint32_t mip = 0; mip < shape->mips; mip++) {
        fhi_texture_level level;
        if (!level_of(shape, mip, &level) ||
            __builtin_add_overflow(layer_bytes, level.bytes, &layer_bytes)) {
            return false;
        }
    }
    *out_layer_bytes = layer_bytes;
    return product(layer_bytes, shape->layers, out_bytes);
}

void fhi_texture_layout(const fhi_texture_shape *shape, uint32_t mip, fhi_texture_level *out)
{
    uint64_t offset = 0;

    for (uint32_t before = 0; before < mip; before++) {
        level_of(shape, before, out);
        offset += out->bytes;
    }
    level_of(shape, mip, out);
    out->offset = offset;
}

/* ---- descriptions ---- */

static fh_result check_kind(const fh_texture_desc *desc, const fh_format_info *format)
{
    bool deep = desc->kind == FH_TEXTURE_3D;

    if (desc->depth > 1 && !deep) {
        return fhi_fail_with(FH_ERR_INVALID, "depth: {}, and only 3D textures have more than 1",
                             desc->depth, 0, 0);
    }
    if (desc->kind == FH_TEXTURE_1D && desc->height > 1) {
        return fhi_fail_with(FH_ERR_INVALID, "height: {}, and a 1D texture has 1", desc->height, 0,
                             0);
    }
    if (deep && desc->layers > 1) {
        return fhi_fail_with(FH_ERR_INVALID, "layers: {}, and a 3D texture has 1", desc->layers, 0,
                             0);
    }
    if (desc->kind == FH_TEXTURE_CUBE && desc->width != desc->height) {
        return fhi_fail_with(FH_ERR_INVALID, "a cube's sides are squares, not {} by {} texels",
                             desc->width, desc->height, 0);
    }
    if (desc->kind == FH_TEXTURE_CUBE && desc->layers % 6 != 0) {
        return fhi_fail_with(FH_ERR_INVALID, "layers: {}, and a cube's are a multiple of 6",
                             desc->layers, 0, 0);
    }
    if (desc->kind == FH_TEXTURE_1D && (format->traits & FH_FORMAT_COMPRESSED) != 0) {
        return fhi_fail_print(FH_ERR_INVALID, "format: %s is compressed, 1D textures are not",
                              format->name);
    }
    if ((desc->kind == FH_TEXTURE_1D || deep) &&
        (format->traits & (FH_FORMAT_DEPTH | FH_FORMAT_STENCIL)) != 0) {
        return fhi_fail_print(FH_ERR_INVALID,
                              "format: %s is for depth or stencil, and those are 2D or cubes",
                              format->name);
    }
    return FH_OK;
}

static fh_result check_mips(const fh_texture_desc *desc)
{
    uint32_t longest = desc->width > desc->height ? desc->width : desc->height;
    longest = longest > desc->depth ? longest : desc->depth;
    uint32_t most = fhi_highest_bit(longest) + 1;

    if (desc->mips > most) {
        return fhi_fail_with(FH_ERR_INVALID, "mips: {}, and {} texels halve to at most {} levels",
                             desc->mips, longest, most);
    }
    return FH_OK;
}

static fh_result check_samples(const fh_texture_desc *desc, const fh_format_info *format)
{
    if (desc->samples > 16 || !fhi_is_power_of_two(desc->samples)) {
        return fhi_fail_with(FH_ERR_INVALID, "samples: {}, and must be 1, 2, 4, 8 or 16",
                             desc->samples, 0, 0);
    }
    if (desc->samples == 1) {
        return FH_OK;
    }
    if (desc->kind != FH_TEXTURE_2D || desc->mips > 1 || desc->linear) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "samples: {}, and only 2D textures of one mip level that are not "
                             "linear have more than 1",
                             desc->samples, 0, 0);
    }
    if ((format->traits & FH_FORMAT_COMPRESSED) != 0) {
        return fhi_fail_print(FH_ERR_INVALID, "samples: %u, and %s is compressed, so it has 1",
                              (unsigned int)desc->samples, format->name);
    }
    return FH_OK;
}

static fh_result check_usage(const fh_texture_desc *desc, const fh_format_info *format)
{
    const fh_usage targets = FH_USAGE_COLOR_TARGET | FH_USAGE_DEPTH_TARGET | FH_USAGE_INPUT;
    bool deep = (format->traits & (FH_FORMAT_DEPTH | FH_FORMAT_STENCIL)) != 0;
    fh_usage rest = desc->usage & ~(fh_usage)FH_USAGE_TRANSIENT_TARGET;

    if ((desc->usage & ~(fh_usage)FH_USAGE_OF_TEXTURES) != 0) {
        return fhi_fail_print(FH_ERR_INVALID, "usage: 0x%x has bits that no texture can have",
                              (unsigned int)desc->usage);
    }
    if ((desc->usage & FH_USAGE_COLOR_TARGET) != 0 &&
        (deep || (format->traits & FH_FORMAT_COMPRESSED) != 0)) {
        return fhi_fail_print(FH_ERR_INVALID, "usage: %s cannot be a color_target", format->name);
    }
    if ((desc->usage & FH_USAGE_DEPTH_TARGET) != 0 && !deep) {
        return fhi_fail_print(FH_ERR_INVALID,
                              "usage: %s has neither depth nor stencil, so it cannot be a "
                              "depth_target",
                              format->name);
    }
    /* Source: VUID-VkImageCreateInfo-usage-00963 and -00966. */
    if (rest != desc->usage && (rest == 0 || (rest & ~targets) != 0)) {
        return fhi_fail(FH_ERR_INVALID,
                        "usage: transient_target goes with color_target, depth_target or input, "
                        "and with nothing else");
    }
    return FH_OK;
}

static uint32_t or_default(uint32_t value, uint32_t by_default)
{
    return value != 0 ? value : by_default;
}

/* All of fhi_texture_resolve() but the size, in place. */
static fh_result resolve_fields(fh_texture_desc *desc)
{
    const fh_format_info *format = fh_format_describe(desc->format);

    if (!format) {
        return fhi_fail_with(FH_ERR_INVALID, "format: there is no format {}",
                             (uint32_t)desc->format, 0, 0);
    }
    if ((uint32_t)desc->kind > FH_TEXTURE_CUBE) {
        return fhi_fail_with(FH_ERR_INVALID, "kind: there is no kind {} of texture",
                             (uint32_t)desc->kind, 0, 0);
    }
    if (desc->width == 0) {
        return fhi_fail(FH_ERR_INVALID, "width: is required, at least 1");
    }
    desc->height = or_default(desc->height, 1);
    desc->depth = or_default(desc->depth, 1);
    desc->layers = or_default(desc->layers, desc->kind == FH_TEXTURE_CUBE ? 6 : 1);
    desc->mips = or_default(desc->mips, 1);
    desc->samples = or_default(desc->samples, 1);
    desc->usage = or_default(desc->usage, FH_USAGE_SAMPLED | FH_USAGE_COPY_DST);

    fh_result result = check_kind(desc, format);
    result = result == FH_OK ? check_mips(desc) : result;
    result = result == FH_OK ? check_samples(desc, format) : result;
    return result == FH_OK ? check_usage(desc, format) : result;
}

fh_result fhi_texture_resolve(const fh_texture_desc *desc, fh_texture_desc *out)
{
    if (!desc) {
        *out = (fh_texture_desc){0};
        return fhi_fail(FH_ERR_INVALID, "desc: a texture needs a description, not NULL");
    }
    fh_texture_desc resolved = *desc;
    *out = (fh_texture_desc){0};
    fh_result result = resolve_fields(&resolved);
    if (result != FH_OK) {
        return result;
    }
    fhi_texture_shape shape = fhi_texture_shape_of(&resolved);
    uint64_t layer_bytes;
    uint64_t bytes;
    if (!fhi_texture_measure(&shape, &layer_bytes, &bytes) || bytes > INT64_MAX) {
        return fhi_fail_with(FH_ERR_INVALID,
                             "a texture of {} by {} texels in {} layers or slices "
                             "has more than 2^63 bytes",
                             resolved.width, resolved.height,
                             (uint64_t)resolved.layers * resolved.depth);
    }
    *out = resolved;
    return FH_OK;
}

/* One side of a box: fills *length in. `block` is the format's, along that side. */
static fh_result resolve_side(const char *side, uint32_t begin, uint32_t *length, uint32_t whole,
                              uint32_t block)
{
    if (begin >= whole || (*length != 0 && *length > whole - begin)) {
        return fhi_fail_print(FH_ERR_INVALID, "region: %u texels of %s from %u on, and %s is %u",
                              (unsigned int)*length, side, (unsigned int)begin, side,
                              (unsigned int)whole);
    }
    if (*length == 0) {
        *length = whole - begin;
    }
    /* Only at the level's end can a block be cut. */
    if (begin % block != 0 || (*length % block != 0 && *length != whole - begin)) {
        return fhi_fail_print(
            FH_ERR_INVALID, "region: %u texels of %s from %u on are not whole blocks of %u",
            (unsigned int)*length, side, (unsigned int)begin, (unsigned int)block);
    }
    return FH_OK;
}

fh_result fhi_texture_region_resolve(const fh_texture_desc *desc, const fh_texture_region *region,
                                     fh_texture_region *out)
{
    const fh_format_info *format = fh_format_describe(desc->format);
    fh_texture_region box = *region;

    *out = (fh_texture_region){0};
    box.layers = or_default(box.layers, 1);
    if (box.mip >= desc->mips) {
        return fhi_fail_with(FH_ERR_INVALID, "region: mip {}, and the texture has {}", box.mip,
                             desc->mips, 0);
    }
    if (box.layer >= desc->layers || box.layers > desc->layers - box.layer) {
        return fhi_fail_with(FH_ERR_INVALID, "region: {} layers from {} on, and the texture has {}",
                             box.layers, box.layer, desc->layers);
    }
    fh_result result =
        resolve_side("width", box.x, &box.width, at_mip(desc->width, box.mip), format->block_width);
    if (result == FH_OK) {
        result = resolve_side("height", box.y, &box.height, at_mip(desc->height, box.mip),
                              format->block_height);
    }
    if (result == FH_OK) {
        result = resolve_side("depth", box.z, &box.depth, at_mip(desc->depth, box.mip), 1);
    }
    if (result == FH_OK) {
        *out = box;
    }
    return result;
}

/* ---- public ---- */

uint64_t fh_texture_region_bytes(const fh_texture_desc *desc, const fh_texture_region *region)
{
    fh_texture_desc resolved;
    fh_texture_region box;

    if (!desc || !region) {
        fhi_fail(FH_ERR_INVALID, "desc, region: both are required");
        return 0;
    }
    if (fhi_texture_resolve(desc, &resolved) != FH_OK ||
        fhi_texture_region_resolve(&resolved, region, &box) != FH_OK) {
        return 0;
    }
    /* No overflow: it is a part of a texture that fits. */
    const fh_format_info *format = fh_format_describe(resolved.format);
    return (uint64_t)blocks(box.width, format->block_width) *
           blocks(box.height, format->block_height) * box.depth * box.layers * format->block_bytes *
           resolved.samples;
}

uint64_t fh_texture_bytes(const fh_texture_desc *desc)
{
    uint64_t layer_bytes;
    uint64_t bytes;

    if (!desc) {
        fhi_fail(FH_ERR_INVALID, "desc: a texture needs a description, not NULL");
        return 0;
    }
    fh_texture_desc resolved = *desc;
    if (resolve_fields(&resolved) != FH_OK) {
        return 0;
    }
    fhi_texture_shape shape = fhi_texture_shape_of(&resolved);
    return fhi_texture_measure(&shape, &layer_bytes, &bytes) ? bytes : UINT64_MAX;
}
