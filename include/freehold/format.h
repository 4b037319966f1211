/* Texture formats: what one block of texels takes. A format that is not compressed has blocks of
 * one texel. Source: the Vulkan specification's chapter "Formats" ("Compatible Formats", sizes and
 * extents of texel blocks); depth and stencil sizes as the drivers of desktop GPUs store them. */

#ifndef FREEHOLD_FORMAT_H
#define FREEHOLD_FORMAT_H

#include <freehold/api.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, "name in Lua, JSON and on the command line", block width, block height, block bytes,
 *   traits: FH_FORMAT_* or 0) */
#define FH_FORMATS(X)                                                                              \
    X(R8_UNORM, "r8_unorm", 1, 1, 1, 0)                                                            \
    X(R8_SNORM, "r8_snorm", 1, 1, 1, 0)                                                            \
    X(R8_UINT, "r8_uint", 1, 1, 1, 0)                                                              \
    X(R8_SINT, "r8_sint", 1, 1, 1, 0)                                                              \
    X(RG8_UNORM, "rg8_unorm", 1, 1, 2, 0)                                                          \
    X(RG8_SNORM, "rg8_snorm", 1, 1, 2, 0)                                                          \
    X(RG8_UINT, "rg8_uint", 1, 1, 2, 0)                                                            \
    X(RG8_SINT, "rg8_sint", 1, 1, 2, 0)                                                            \
    X(RGBA8_UNORM, "rgba8_unorm", 1, 1, 4, 0)                                                      \
    X(RGBA8_SRGB, "rgba8_srgb", 1, 1, 4, 0)                                                        \
    X(RGBA8_SNORM, "rgba8_snorm", 1, 1, 4, 0)                                                      \
    X(RGBA8_UINT, "rgba8_uint", 1, 1, 4, 0)                                                        \
    X(RGBA8_SINT, "rgba8_sint", 1, 1, 4, 0)                                                        \
    X(BGRA8_UNORM, "bgra8_unorm", 1, 1, 4, 0)                                                      \
    X(BGRA8_SRGB, "bgra8_srgb", 1, 1, 4, 0)                                                        \
    X(RGB10A2_UNORM, "rgb10a2_unorm", 1, 1, 4, 0)                                                  \
    X(RGB10A2_UINT, "rgb10a2_uint", 1, 1, 4, 0)                                                    \
    X(RG11B10_FLOAT, "rg11b10_float", 1, 1, 4, 0)                                                  \
    X(RGB9E5_FLOAT, "rgb9e5_float", 1, 1, 4, 0)                                                    \
    X(R16_UNORM, "r16_unorm", 1, 1, 2, 0)                                                          \
    X(R16_SNORM, "r16_snorm", 1, 1, 2, 0)                                                          \
    X(R16_UINT, "r16_uint", 1, 1, 2, 0)                                                            \
    X(R16_SINT, "r16_sint", 1, 1, 2, 0)                                                            \
    X(R16_FLOAT, "r16_float", 1, 1, 2, 0)                                                          \
    X(RG16_UNORM, "rg16_unorm", 1, 1, 4, 0)                                                        \
    X(RG16_SNORM, "rg16_snorm", 1, 1, 4, 0)                                                        \
    X(RG16_UINT, "rg16_uint", 1, 1, 4, 0)                                                          \
    X(RG16_SINT, "rg16_sint", 1, 1, 4, 0)                                                          \
    X(RG16_FLOAT, "rg16_float", 1, 1, 4, 0)                                                        \
    X(RGBA16_UNORM, "rgba16_unorm", 1, 1, 8, 0)                                                    \
    X(RGBA16_SNORM, "rgba16_snorm", 1, 1, 8, 0)                                                    \
    X(RGBA16_UINT, "rgba16_uint", 1, 1, 8, 0)                                                      \
    X(RGBA16_SINT, "rgba16_sint", 1, 1, 8, 0)                                                      \
    X(RGBA16_FLOAT, "rgba16_float", 1, 1, 8, 0)                                                    \
    X(R32_UINT, "r32_uint", 1, 1, 4, 0)                                                            \
    X(R32_SINT, "r32_sint", 1, 1, 4, 0)                                                            \
    X(R32_FLOAT, "r32_float", 1, 1, 4, 0)                                                          \
    X(RG32_UINT, "rg32_uint", 1, 1, 8, 0)                                                          \
    X(RG32_SINT, "rg32_sint", 1, 1, 8, 0)                                                          \
    X(RG32_FLOAT, "rg32_float", 1, 1, 8, 0)                                                        \
    X(RGB32_FLOAT, "rgb32_float", 1, 1, 12, 0)                                                     \
    X(RGBA32_UINT, "rgba32_uint", 1, 1, 16, 0)                                                     \
    X(RGBA32_SINT, "rgba32_sint", 1, 1, 16, 0)                                                     \
    X(RGBA32_FLOAT, "rgba32_float", 1, 1, 16, 0)                                                   \
    X(D16_UNORM, "d16_unorm", 1, 1, 2, FH_FORMAT_DEPTH)                                            \
    X(D24_UNORM_S8_UINT, "d24_unorm_s8_uint", 1, 1, 4, FH_FORMAT_DEPTH | FH_FORMAT_STENCIL)        \
    X(D32_FLOAT, "d32_float", 1, 1, 4, FH_FORMAT_DEPTH)                                            \
    X(D32_FLOAT_S8_UINT, "d32_float_s8_uint", 1, 1, 8, FH_FORMAT_DEPTH | FH_FORMAT_STENCIL)        \
    X(S8_UINT, "s8_uint", 1, 1, 1, FH_FORMAT_STENCIL)                                              \
    X(BC1_UNORM, "bc1_unorm", 4, 4, 8, FH_FORMAT_COMPRESSED)                                       \
    X(BC1_SRGB, "bc1_srgb", 4, 4, 8, FH_FORMAT_COMPRESSED)                                         \
    X(BC2_UNORM, "bc2_unorm", 4, 4, 16, FH_FORMAT_COMPRESSED)                                      \
    X(BC2_SRGB, "bc2_srgb", 4, 4, 16, FH_FORMAT_COMPRESSED)                                        \
    X(BC3_UNORM, "bc3_unorm", 4, 4, 16, FH_FORMAT_COMPRESSED)                                      \
    X(BC3_SRGB, "bc3_srgb", 4, 4, 16, FH_FORMAT_COMPRESSED)                                        \
    X(BC4_UNORM, "bc4_unorm", 4, 4, 8, FH_FORMAT_COMPRESSED)                                       \
    X(BC4_SNORM, "bc4_snorm", 4, 4, 8, FH_FORMAT_COMPRESSED)                                       \
    X(BC5_UNORM, "bc5_unorm", 4, 4, 16, FH_FORMAT_COMPRESSED)                                      \
    X(BC5_SNORM, "bc5_snorm", 4, 4, 16, FH_FORMAT_COMPRESSED)                                      \
    X(BC6H_UFLOAT, "bc6h_ufloat", 4, 4, 16, FH_FORMAT_COMPRESSED)                                  \
    X(BC6H_FLOAT, "bc6h_float", 4, 4, 16, FH_FORMAT_COMPRESSED)                                    \
    X(BC7_UNORM, "bc7_unorm", 4, 4, 16, FH_FORMAT_COMPRESSED)                                      \
    X(BC7_SRGB, "bc7_srgb", 4, 4, 16, FH_FORMAT_COMPRESSED)                                        \
    X(ETC2_RGB8_UNORM, "etc2_rgb8_unorm", 4, 4, 8, FH_FORMAT_COMPRESSED)                           \
    X(ETC2_RGB8_SRGB, "etc2_rgb8_srgb", 4, 4, 8, FH_FORMAT_COMPRESSED)                             \
    X(ETC2_RGBA8_UNORM, "etc2_rgba8_unorm", 4, 4, 16, FH_FORMAT_COMPRESSED)                        \
    X(ETC2_RGBA8_SRGB, "etc2_rgba8_srgb", 4, 4, 16, FH_FORMAT_COMPRESSED)                          \
    X(EAC_R11_UNORM, "eac_r11_unorm", 4, 4, 8, FH_FORMAT_COMPRESSED)                               \
    X(EAC_RG11_UNORM, "eac_rg11_unorm", 4, 4, 16, FH_FORMAT_COMPRESSED)                            \
    X(ASTC_4X4_UNORM, "astc_4x4_unorm", 4, 4, 16, FH_FORMAT_COMPRESSED)                            \
    X(ASTC_4X4_SRGB, "astc_4x4_srgb", 4, 4, 16, FH_FORMAT_COMPRESSED)                              \
    X(ASTC_5X4_UNORM, "astc_5x4_unorm", 5, 4, 16, FH_FORMAT_COMPRESSED)                            \
    X(ASTC_5X5_UNORM, "astc_5x5_unorm", 5, 5, 16, FH_FORMAT_COMPRESSED)                            \
    X(ASTC_6X5_UNORM, "astc_6x5_unorm", 6, 5, 16, FH_FORMAT_COMPRESSED)                            \
    X(ASTC_6X6_UNORM, "astc_6x6_unorm", 6, 6, 16, FH_FORMAT_COMPRESSED)                            \
    X(ASTC_8X5_UNORM, "astc_8x5_unorm", 8, 5, 16, FH_FORMAT_COMPRESSED)                            \
    X(ASTC_8X6_UNORM, "astc_8x6_unorm", 8, 6, 16, FH_FORMAT_COMPRESSED)                            \
    X(ASTC_8X8_UNORM, "astc_8x8_unorm", 8, 8, 16, FH_FORMAT_COMPRESSED)                            \
    X(ASTC_10X5_UNORM, "astc_10x5_unorm", 10, 5, 16, FH_FORMAT_COMPRESSED)                         \
    X(ASTC_10X6_UNORM, "astc_10x6_unorm", 10, 6, 16, FH_FORMAT_COMPRESSED)                         \
    X(ASTC_10X8_UNORM, "astc_10x8_unorm", 10, 8, 16, FH_FORMAT_COMPRESSED)                         \
    X(ASTC_10X10_UNORM, "astc_10x10_unorm", 10, 10, 16, FH_FORMAT_COMPRESSED)                      \
    X(ASTC_12X10_UNORM, "astc_12x10_unorm", 12, 10, 16, FH_FORMAT_COMPRESSED)                      \
    X(ASTC_12X12_UNORM, "astc_12x12_unorm", 12, 12, 16, FH_FORMAT_COMPRESSED)

enum {
    FH_FORMAT_DEPTH = 1,
    FH_FORMAT_STENCIL = 2,
    FH_FORMAT_COMPRESSED = 4
};

/* 0 is no format. */
typedef enum fh_format {
    FH_FORMAT_NONE = 0,
#define FH_FORMAT_ENUM(name, text, width, height, bytes, traits) FH_FORMAT_##name,
    FH_FORMATS(FH_FORMAT_ENUM)
#undef FH_FORMAT_ENUM
    FH_FORMAT_COUNT
} fh_format;

typedef struct fh_format_info {
    const char *name;                   /* static, such as "rgba8_unorm" */
    uint32_t block_width, block_height; /* texels */
    uint32_t block_bytes;
    uint32_t traits; /* FH_FORMAT_DEPTH … */
} fh_format_info;

/**
 * The table's row of `format`; NULL for FH_FORMAT_NONE and for a value not in the list.
 *
 * Owns:    a static struct.
 * Threads: any.
 * Cost:    O(1).
 */
FH_API const fh_format_info *fh_format_describe(fh_format format);

/**
 * The format of that name, such as "bc7_unorm"; FH_FORMAT_NONE when there is none, or `name` is
 * NULL.
 *
 * Threads: any.
 * Cost:    a look through the table.
 */
FH_API fh_format fh_format_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif
