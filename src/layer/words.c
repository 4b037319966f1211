/* The formats are two lists side by side, of which Freehold's is the shorter. One switch: a
 * compiler makes a table of it, and says where a format comes twice. */

#include "layer/words.h"

/* X(Freehold's name, Vulkan's name without VK_FORMAT_) */
#define FORMATS(X)                                                                                 \
    X(R8_UNORM, R8_UNORM)                                                                          \
    X(R8_SNORM, R8_SNORM)                                                                          \
    X(R8_UINT, R8_UINT)                                                                            \
    X(R8_SINT, R8_SINT)                                                                            \
    X(RG8_UNORM, R8G8_UNORM)                                                                       \
    X(RG8_SNORM, R8G8_SNORM)                                                                       \
    X(RG8_UINT, R8G8_UINT)                                                                         \
    X(RG8_SINT, R8G8_SINT)                                                                         \
    X(RGBA8_UNORM, R8G8B8A8_UNORM)                                                                 \
    X(RGBA8_SRGB, R8G8B8A8_SRGB)                                                                   \
    X(RGBA8_SNORM, R8G8B8A8_SNORM)                                                                 \
    X(RGBA8_UINT, R8G8B8A8_UINT)                                                                   \
    X(RGBA8_SINT, R8G8B8A8_SINT)                                                                   \
    X(BGRA8_UNORM, B8G8R8A8_UNORM)                                                                 \
    X(BGRA8_SRGB, B8G8R8A8_SRGB)                                                                   \
    X(RGB10A2_UNORM, A2B10G10R10_UNORM_PACK32)                                                     \
    X(RGB10A2_UINT, A2B10G10R10_UINT_PACK32)                                                       \
    X(RG11B10_FLOAT, B10G11R11_UFLOAT_PACK32)                                                      \
    X(RGB9E5_FLOAT, E5B9G9R9_UFLOAT_PACK32)                                                        \
    X(R16_UNORM, R16_UNORM)                                                                        \
    X(R16_SNORM, R16_SNORM)                                                                        \
    X(R16_UINT, R16_UINT)                                                                          \
    X(R16_SINT, R16_SINT)                                                                          \
    X(R16_FLOAT, R16_SFLOAT)                                                                       \
    X(RG16_UNORM, R16G16_UNORM)                                                                    \
    X(RG16_SNORM, R16G16_SNORM)                                                                    \
    X(RG16_UINT, R16G16_UINT)                                                                      \
    X(RG16_SINT, R16G16_SINT)                                                                      \
    X(RG16_FLOAT, R16G16_SFLOAT)                                                                   \
    X(RGBA16_UNORM, R16G16B16A16_UNORM)                                                            \
    X(RGBA16_SNORM, R16G16B16A16_SNORM)                                                            \
    X(RGBA16_UINT, R16G16B16A16_UINT)                                                              \
    X(RGBA16_SINT, R16G16B16A16_SINT)                                                              \
    X(RGBA16_FLOAT, R16G16B16A16_SFLOAT)                                                           \
    X(R32_UINT, R32_UINT)                                                                          \
    X(R32_SINT, R32_SINT)                                                                          \
    X(R32_FLOAT, R32_SFLOAT)                                                                       \
    X(RG32_UINT, R32G32_UINT)                                                                      \
    X(RG32_SINT, R32G32_SINT)                                                                      \
    X(RG32_FLOAT, R32G32_SFLOAT)                                                                   \
    X(RGB32_FLOAT, R32G32B32_SFLOAT)                                                               \
    X(RGBA32_UINT, R32G32B32A32_UINT)                                                              \
    X(RGBA32_SINT, R32G32B32A32_SINT)                                                              \
    X(RGBA32_FLOAT, R32G32B32A32_SFLOAT)                                                           \
    X(D16_UNORM, D16_UNORM)                                                                        \
    X(D24_UNORM_S8_UINT, D24_UNORM_S8_UINT)                                                        \
    X(D32_FLOAT, D32_SFLOAT)                                                                       \
    X(D32_FLOAT_S8_UINT, D32_SFLOAT_S8_UINT)                                                       \
    X(S8_UINT, S8_UINT)                                                                            \
    X(BC1_UNORM, BC1_RGBA_UNORM_BLOCK)                                                             \
    X(BC1_SRGB, BC1_RGBA_SRGB_BLOCK)                                                               \
    X(BC1_UNORM, BC1_RGB_UNORM_BLOCK)                                                              \
    X(BC1_SRGB, BC1_RGB_SRGB_BLOCK)                                                                \
    X(BC2_UNORM, BC2_UNORM_BLOCK)                                                                  \
    X(BC2_SRGB, BC2_SRGB_BLOCK)                                                                    \
    X(BC3_UNORM, BC3_UNORM_BLOCK)                                                                  \
    X(BC3_SRGB, BC3_SRGB_BLOCK)                                                                    \
    X(BC4_UNORM, BC4_UNORM_BLOCK)                                                                  \
    X(BC4_SNORM, BC4_SNORM_BLOCK)                                                                  \
    X(BC5_UNORM, BC5_UNORM_BLOCK)                                                                  \
    X(BC5_SNORM, BC5_SNORM_BLOCK)                                                                  \
    X(BC6H_UFLOAT, BC6H_UFLOAT_BLOCK)                                                              \
    X(BC6H_FLOAT, BC6H_SFLOAT_BLOCK)                                                               \
    X(BC7_UNORM, BC7_UNORM_BLOCK)                                                                  \
    X(BC7_SRGB, BC7_SRGB_BLOCK)                                                                    \
    X(ETC2_RGB8_UNORM, ETC2_R8G8B8_UNORM_BLOCK)                                                    \
    X(ETC2_RGB8_SRGB, ETC2_R8G8B8_SRGB_BLOCK)                                                      \
    X(ETC2_RGBA8_UNORM, ETC2_R8G8B8A8_UNORM_BLOCK)                                                 \
    X(ETC2_RGBA8_SRGB, ETC2_R8G8B8A8_SRGB_BLOCK)                                                   \
    X(EAC_R11_UNORM, EAC_R11_UNORM_BLOCK)                                                          \
    X(EAC_RG11_UNORM, EAC_R11G11_UNORM_BLOCK)                                                      \
    X(ASTC_4X4_UNORM, ASTC_4x4_UNORM_BLOCK)                                                        \
    X(ASTC_4X4_SRGB, ASTC_4x4_SRGB_BLOCK)                                                          \
    X(ASTC_5X4_UNORM, ASTC_5x4_UNORM_BLOCK)                                                        \
    X(ASTC_5X5_UNORM, ASTC_5x5_UNORM_BLOCK)                                                        \
    X(ASTC_6X5_UNORM, ASTC_6x5_UNORM_BLOCK)                                                        \
    X(ASTC_6X6_UNORM, ASTC_6x6_UNORM_BLOCK)                                                        \
    X(ASTC_8X5_UNORM, ASTC_8x5_UNORM_BLOCK)                                                        \
    X(ASTC_8X6_UNORM, ASTC_8x6_UNORM_BLOCK)                                                        \
    X(ASTC_8X8_UNORM, ASTC_8x8_UNORM_BLOCK)                                                        \
    X(ASTC_10X5_UNORM, ASTC_10x5_UNORM_BLOCK)                                                      \
    X(ASTC_10X6_UNORM, ASTC_10x6_UNORM_BLOCK)                                                      \
    X(ASTC_10X8_UNORM, ASTC_10x8_UNORM_BLOCK)                                                      \
    X(ASTC_10X10_UNORM, ASTC_10x10_UNORM_BLOCK)                                                    \
    X(ASTC_12X10_UNORM, ASTC_12x10_UNORM_BLOCK)                                                    \
    X(ASTC_12X12_UNORM, ASTC_12x12_UNORM_BLOCK)

fh_format fhi_layer_format(VkFormat format)
{
    switch (format) {
#define FORMAT_CASE(own, vulkan)                                                                   \
    case VK_FORMAT_##vulkan:                                                                       \
        return FH_FORMAT_##own;
        FORMATS(FORMAT_CASE)
#undef FORMAT_CASE
    default:
        return FH_FORMAT_NONE;
    }
}

typedef struct word {
    VkFlags vulkan;
    fh_usage own;
} word;

static fh_usage translate(const word *words, size_t count, VkFlags flags)
{
    fh_usage usage = 0;
    for (size_t i = 0; i < count; i++) {
        usage |= (flags & words[i].vulkan) != 0 ? words[i].own : 0;
    }
    return usage;
}

fh_usage fhi_layer_buffer_usage(VkBufferUsageFlags usage)
{
    static const word words[] = {
        {VK_BUFFER_USAGE_TRANSFER_SRC_BIT, FH_USAGE_COPY_SRC},
        {VK_BUFFER_USAGE_TRANSFER_DST_BIT, FH_USAGE_COPY_DST},
        {VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT,
         FH_USAGE_TEXEL},
        {VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT, FH_USAGE_UNIFORM},
        {VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, FH_USAGE_STORAGE},
        {VK_BUFFER_USAGE_INDEX_BUFFER_BIT, FH_USAGE_INDEX},
        {VK_BUFFER_USAGE_VERTEX_BUFFER_BIT, FH_USAGE_VERTEX},
        {VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT, FH_USAGE_INDIRECT},
        {VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT, FH_USAGE_DEVICE_ADDRESS},
    };
    return translate(words, sizeof words / sizeof words[0], usage);
}

fh_usage fhi_layer_image_usage(VkImageUsageFlags usage)
{
    static const word words[] = {
        {VK_IMAGE_USAGE_TRANSFER_SRC_BIT, FH_USAGE_COPY_SRC},
        {VK_IMAGE_USAGE_TRANSFER_DST_BIT, FH_USAGE_COPY_DST},
        {VK_IMAGE_USAGE_SAMPLED_BIT, FH_USAGE_SAMPLED},
        {VK_IMAGE_USAGE_STORAGE_BIT, FH_USAGE_STORAGE},
        {VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT, FH_USAGE_COLOR_TARGET},
        {VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT, FH_USAGE_DEPTH_TARGET},
        {VK_IMAGE_USAGE_TRANSIENT_ATTACHMENT_BIT, FH_USAGE_TRANSIENT_TARGET},
        {VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT, FH_USAGE_INPUT},
    };
    return translate(words, sizeof words / sizeof words[0], usage);
}
