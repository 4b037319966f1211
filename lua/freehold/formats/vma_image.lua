-- How many bytes a Vulkan image takes, when nobody says: its texels, packed. Drivers take more.

local fh = require "freehold"

local vma_image = {}

-- Freehold's formats by VkFormat.
-- Source: VkFormat.
local NAMES = {
    [9] = "r8_unorm", [10] = "r8_snorm", [13] = "r8_uint", [14] = "r8_sint", [16] = "rg8_unorm",
    [17] = "rg8_snorm", [20] = "rg8_uint", [21] = "rg8_sint", [37] = "rgba8_unorm",
    [38] = "rgba8_snorm", [41] = "rgba8_uint", [42] = "rgba8_sint", [43] = "rgba8_srgb",
    [44] = "bgra8_unorm", [50] = "bgra8_srgb", [64] = "rgb10a2_unorm", [68] = "rgb10a2_uint",
    [70] = "r16_unorm", [71] = "r16_snorm", [74] = "r16_uint", [75] = "r16_sint",
    [76] = "r16_float", [77] = "rg16_unorm", [78] = "rg16_snorm", [81] = "rg16_uint",
    [82] = "rg16_sint", [83] = "rg16_float", [91] = "rgba16_unorm", [92] = "rgba16_snorm",
    [95] = "rgba16_uint", [96] = "rgba16_sint", [97] = "rgba16_float", [98] = "r32_uint",
    [99] = "r32_sint", [100] = "r32_float", [101] = "rg32_uint", [102] = "rg32_sint",
    [103] = "rg32_float", [106] = "rgb32_float", [107] = "rgba32_uint", [108] = "rgba32_sint",
    [109] = "rgba32_float", [122] = "rg11b10_float", [123] = "rgb9e5_float", [124] = "d16_unorm",
    [126] = "d32_float", [127] = "s8_uint", [129] = "d24_unorm_s8_uint",
    [130] = "d32_float_s8_uint", [133] = "bc1_unorm", [134] = "bc1_srgb", [135] = "bc2_unorm",
    [136] = "bc2_srgb", [137] = "bc3_unorm", [138] = "bc3_srgb", [139] = "bc4_unorm",
    [140] = "bc4_snorm", [141] = "bc5_unorm", [142] = "bc5_snorm", [143] = "bc6h_ufloat",
    [144] = "bc6h_float", [145] = "bc7_unorm", [146] = "bc7_srgb", [147] = "etc2_rgb8_unorm",
    [148] = "etc2_rgb8_srgb", [151] = "etc2_rgba8_unorm", [152] = "etc2_rgba8_srgb",
    [153] = "eac_r11_unorm", [155] = "eac_rg11_unorm", [157] = "astc_4x4_unorm",
    [159] = "astc_5x4_unorm", [161] = "astc_5x5_unorm", [163] = "astc_6x5_unorm",
    [165] = "astc_6x6_unorm", [167] = "astc_8x5_unorm", [169] = "astc_8x6_unorm",
    [171] = "astc_8x8_unorm", [173] = "astc_10x5_unorm", [175] = "astc_10x6_unorm",
    [177] = "astc_10x8_unorm", [179] = "astc_10x10_unorm", [181] = "astc_12x10_unorm",
    [183] = "astc_12x12_unorm",
}

-- Bytes of a texel of formats that have no name here: the last number of a run, and the bytes.
local RUNS = {
    { 1, 1 }, { 8, 2 }, { 15, 1 }, { 22, 2 }, { 36, 3 }, { 69, 4 }, { 76, 2 }, { 83, 4 }, { 90, 6 },
    { 97, 8 }, { 100, 4 }, { 103, 8 }, { 106, 12 }, { 109, 16 }, { 112, 8 }, { 115, 16 },
    { 118, 24 }, { 121, 32 }, { 123, 4 }, { 124, 2 }, { 126, 4 }, { 127, 1 }, { 128, 3 },
    { 129, 4 }, { 130, 8 },
}
-- And of blocks: of those with a second name, for sRGB or a sign, the first one's are taken.
local BLOCKS = { [131] = "bc1_unorm", [132] = "bc1_srgb", [149] = "etc2_rgb8_unorm",
    [150] = "etc2_rgb8_srgb", [154] = "eac_r11_unorm", [156] = "eac_rg11_unorm" }

local numbers

-- What a VkFormat is: fh_format, and its blocks.
local function describe(native)
    local name = NAMES[native] or BLOCKS[native]
        or native >= 158 and native <= 184 and NAMES[native - 1]
    if name then
        local format = fh.format(name)
        if not numbers then
            numbers = {}
            for number, one in ipairs(fh.formats()) do
                numbers[one] = number
            end
        end
        return NAMES[native] and numbers[name] or 0, format.block_width, format.block_height,
            format.block_bytes
    end
    for _, run in ipairs(RUNS) do
        if native <= run[1] then
            return 0, 1, 1, run[2]
        end
    end
    return 0, 1, 1, 4
end

-- Sizes are of 32 bits, so a product of two of them fits; more is taken for what cannot be.
local function times(a, b)
    return a > 0 and b > math.maxinteger // a and math.maxinteger or a * b
end

--- What an image of that description takes at least, and its format as Freehold has it, or 0.
---@param image { format: integer, width: integer, height: integer, depth: integer, mips: integer,
--- layers: integer, samples: integer }
---@return integer bytes
---@return integer format
function vma_image.measure(image)
    local format, block_width, block_height, block_bytes = describe(image.format)
    local width, height, depth = image.width, image.height, image.depth
    local sum = 0
    for _ = 1, math.min(image.mips, 32) do
        local level = times(times((width + block_width - 1) // block_width,
            (height + block_height - 1) // block_height), times(depth, block_bytes))
        sum = level > math.maxinteger - sum and math.maxinteger or sum + level
        width, height, depth = math.max(width // 2, 1), math.max(height // 2, 1),
            math.max(depth // 2, 1)
    end
    return times(sum, times(image.layers, image.samples)), format
end

return vma_image
