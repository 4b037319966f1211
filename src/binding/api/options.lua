-- How buffers, textures, raw and external memory are described.

local shared = ...

local name = { name = "name", type = "string", optional = true,
    doc = "for people; 63 bytes of it are kept" }
local tag = { name = "tag", type = "string|integer", optional = true,
    doc = "an account that parcels share: a name, or what `device:tag` gave" }
local user = { name = "user", type = "any", optional = true,
    doc = "any value of yours, which `parcel:user()` gives back" }
local evictable = { name = "evictable", type = '"no"|"at_tick"|"any_thread"', optional = true,
    doc = "whether the owner may be asked to let go (the device's `evict`): never, in ticks and"
        .. " polls, or also inside a request; default no" }
local priority = { name = "priority", type = "number", optional = true,
    doc = "0 to 1: what stays longest; default, and 0, is 0.5, so give 0.001 for least" }

local classes = {
    {
        name = "freehold.MemoryOptions",
        title = "Options of all that takes memory",
        doc = shared.options_doc .. " Of where the memory comes from, and what it is called.",
        fields = {
            { name = "location", type = '"device"|"upload"|"readback"|"device_upload"',
                optional = true,
                doc = "the GPU's own (default); written by the CPU, read by the GPU once or twice;"
                    .. " written by the GPU, read by the CPU; the GPU's own and written by the CPU,"
                    .. " if that is possible" },
            { name = "access", type = '"by_location"|"sequential"|"random"', optional = true,
                doc = "how the CPU goes through it: as the location implies (default), written"
                    .. " front to back, or read and written in any order" },
            { name = "required", type = "freehold.MemoryFlags", optional = true,
                doc = "flags the memory must have, besides what the location needs" },
            { name = "preferred", type = "freehold.MemoryFlags", optional = true,
                doc = "flags that decide between types that would do" },
            { name = "types", type = "integer[]", optional = true,
                doc = "indices of the memory types that are allowed; default all" },
            { name = "dedicated", type = '"auto"|"prefer"|"require"|"never"', optional = true,
                doc = "a driver allocation of its own: by the native rule (default), if there is"
                    .. " room for one, or else fail, not unless the driver requires it" },
            { name = "strategy", type = '"balanced"|"min_time"|"min_memory"|"min_offset"',
                optional = true, doc = "where in a block, as in `block:alloc`" },
            { name = "upper", type = "boolean", optional = true,
                doc = "from the top of a block downwards; in linear pools only" },
            evictable,
            { name = "pool", type = "freehold.Pool", optional = true,
                doc = "default: the device's own" },
            { name = "backing", type = "freehold.Parcel", optional = true,
                doc = "a raw parcel whose memory is used, and kept: aliasing" },
            { name = "backing_offset", type = "freehold.Bytes", optional = true,
                doc = "bytes into `backing`" },
            priority,
            tag,
            { name = "mapped", type = "boolean", optional = true,
                doc = "stays mapped for its whole life; host-visible memory only" },
            { name = "within_budget", type = "boolean", optional = true,
                doc = "fail rather than let the heap exceed the OS budget" },
            { name = "movable", type = "boolean", optional = true,
                doc = "defragmentation may move it" },
            name,
            user,
        },
    },
    {
        name = "freehold.BufferOptions",
        base = "freehold.MemoryOptions",
        title = "Options of device:buffer",
        fields = {
            { name = "size", type = "freehold.Bytes", doc = "at least 1" },
            { name = "usage", type = "freehold.UsageFlags",
                doc = "of copy_src, copy_dst, vertex, index, uniform, storage, indirect, texel,"
                    .. " device_address" },
            { name = "stride", type = "integer", optional = true,
                doc = "bytes per element, of which the size is a multiple" },
            { name = "capacity", type = "freehold.Bytes", optional = true,
                doc = "up to here it grows in place; default the size" },
        },
    },
    {
        name = "freehold.TextureOptions",
        base = "freehold.MemoryOptions",
        title = "Options of device:texture",
        fields = {
            { name = "width", type = "integer", doc = "texels" },
            { name = "format", type = "string", doc = "one of `fh.formats()`" },
            { name = "kind", type = '"2d"|"1d"|"3d"|"cube"', optional = true, doc = "default 2d" },
            { name = "height", type = "integer", optional = true, doc = "texels; default 1" },
            { name = "depth", type = "integer", optional = true, doc = "texels; 3d only" },
            { name = "layers", type = "integer", optional = true,
                doc = "default 1; cube: 6, and multiples of it" },
            { name = "mips", type = "integer", optional = true, doc = "levels; default 1" },
            { name = "samples", type = "integer", optional = true,
                doc = "1, 2, 4, 8 or 16; default 1" },
            { name = "usage", type = "freehold.UsageFlags", optional = true,
                doc = "of copy_src, copy_dst, sampled, storage, color_target, depth_target, input,"
                    .. " transient_target; default \"sampled|copy_dst\"" },
            { name = "linear", type = "boolean", optional = true,
                doc = "rows one after the other; few things allow it" },
        },
    },
    {
        name = "freehold.RawOptions",
        base = "freehold.MemoryOptions",
        title = "Options of device:raw",
        doc = "Without `backing`: raw memory is what others lie on.",
        fields = {
            { name = "size", type = "freehold.Bytes", doc = "at least 1" },
            { name = "alignment", type = "freehold.Bytes", optional = true,
                doc = "a power of two; default 256" },
            { name = "address", type = "boolean", optional = true,
                doc = "buffers with usage device_address will be bound to it" },
        },
    },
    {
        name = "freehold.ExternalOptions",
        title = "Options of device:external",
        doc = shared.options_doc,
        fields = {
            { name = "size", type = "freehold.Bytes", doc = "at least 1; what is counted" },
            { name = "heap", type = "integer", optional = true,
                doc = "index of where it lies; default 0" },
            tag,
            priority,
            evictable,
            name,
            user,
            { name = "destroy", type = "fun(user: any)", optional = true,
                doc = "called once, when the last use has passed" },
        },
    },
    {
        name = "freehold.Region",
        title = "A region of a texture",
        doc = "A box of texels in one mip level of some layers; `{}` is all of mip 0 of layer 0. "
            .. shared.options_doc,
        fields = {
            { name = "mip", type = "integer", optional = true, doc = "default 0" },
            { name = "layer", type = "integer", optional = true, doc = "default 0" },
            { name = "x", type = "integer", optional = true, doc = "texels; default 0" },
            { name = "y", type = "integer", optional = true },
            { name = "z", type = "integer", optional = true },
            { name = "width", type = "integer", optional = true,
                doc = "texels; default, and 0: to the end of the level" },
            { name = "height", type = "integer", optional = true },
            { name = "depth", type = "integer", optional = true },
            { name = "layers", type = "integer", optional = true, doc = "default 1" },
        },
    },
}

local functions = {
    {
        name = "texture_bytes",
        doc = "Bytes of all texels of a texture: mips, layers, samples; without what a driver"
            .. " adds.",
        params = { { name = "options", type = "freehold.TextureOptions" } },
        returns = { { type = "integer", name = "bytes" } },
        errors = { { "invalid", "the options describe no texture that can be" } },
        raises = "an unknown field or format, with the nearest right name",
        example = [[
print(fh.texture_bytes { width = 256, height = 256, format = "bc7_unorm", mips = 9 })]],
    },
    {
        name = "format",
        doc = "What a format is.",
        params = { { name = "name", type = "string" } },
        returns = { { type = "freehold.Format", name = "format" } },
        errors = {},
        raises = "an unknown name, with the nearest right one",
    },
    {
        name = "formats",
        doc = "The names of all formats.",
        params = {},
        returns = { { type = "string[]", name = "names" } },
        errors = {},
    },
}

classes[#classes + 1] = {
    name = "freehold.Format",
    title = "A format",
    fields = {
        { name = "name", type = "string" },
        { name = "block_width", type = "integer", doc = "texels; 1 where not compressed" },
        { name = "block_height", type = "integer" },
        { name = "block_bytes", type = "integer" },
        { name = "depth", type = "boolean", doc = "it has depth" },
        { name = "stencil", type = "boolean" },
        { name = "compressed", type = "boolean" },
    },
}

return { functions = functions, classes = classes }
