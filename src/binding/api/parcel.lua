-- Parcels, and what one gets of them: mappings and views.

local shared = ...
local success, closed, released = shared.success, shared.closed, shared.released
local join = shared.join

local misspelt = "a missing or unknown field, or an unknown name, with the nearest right one"

local bytes_errors = {
    { "invalid", "it is out of bounds, or the parcel is of another kind" },
    { "unsupported", "it cannot be mapped, and lacks the usage copy_dst (write) or copy_src"
        .. " (read)" },
    released,
    { "device_lost", "the device is lost" },
    { "out_of_memory", "there is no room for staging memory" },
    { "budget", "staging memory is limited, too" },
}

local device_methods = {
    {
        name = "buffer",
        doc = "Make a buffer with memory.",
        params = { { name = "options", type = "freehold.BufferOptions" } },
        returns = { { type = "freehold.Parcel", name = "buffer" } },
        errors = shared.making,
        raises = misspelt,
        cost = "O(1) where a pool has room; a driver allocation where it has not",
        example = [[
local mesh <close> = assert(device:buffer {
    size = 4 * fh.MiB, usage = "storage|copy_dst", tag = "terrain", name = "hill",
})]],
    },
    {
        name = "texture",
        doc = "Make a texture with memory.",
        params = { { name = "options", type = "freehold.TextureOptions" } },
        returns = { { type = "freehold.Parcel", name = "texture" } },
        errors = shared.making,
        raises = misspelt,
        example = [[
local sky <close> = assert(device:texture {
    width = 2048, height = 2048, format = "rgba8_unorm", mips = 12,
})]],
    },
    {
        name = "raw",
        doc = "Take memory without an object, for several things to lie on (`backing`).",
        params = { { name = "options", type = "freehold.RawOptions" } },
        returns = { { type = "freehold.Parcel", name = "raw" } },
        errors = shared.making,
        raises = misspelt,
        example = [[
local memory <close> = assert(device:raw { size = "1MiB", alignment = "64KiB" })
local early <close> = assert(device:buffer { size = "1MiB", usage = "storage", backing = memory })
local late <close> = assert(device:buffer { size = "1MiB", usage = "storage", backing = memory })
print(early:info().reserved, memory:info().reserved)]],
    },
    {
        name = "raws",
        doc = "Take `count` pieces of raw memory of one description: all of them, or none.",
        params = {
            { name = "count", type = "integer" },
            { name = "options", type = "freehold.RawOptions" },
        },
        returns = { { type = "freehold.Parcel[]", name = "raws" } },
        errors = shared.making,
        raises = misspelt,
    },
    {
        name = "external",
        doc = "Count memory that others own in the accounts here, and give it a lifetime.",
        params = { { name = "options", type = "freehold.ExternalOptions" } },
        returns = { { type = "freehold.Parcel", name = "external" } },
        errors = {
            { "invalid", "a field is wrong; the message says which, and why" },
            { "budget", "a limit says no; `destroy` is then not called" },
            { "host_memory", "the bookkeeping found no memory" },
            { "device_lost", "the device is lost" },
            closed,
        },
        raises = misspelt,
        cost = "O(1)",
    },
    {
        name = "copy",
        doc = "Queue copies between parcels, or fills, in order, on the backend's queue 0. What"
            .. " kind"
            .. " of copy it is follows from the parcels. Uses on queues of the program's own are"
            .. " for the program to wait for.",
        params = { { name = "copies", type = "freehold.Copy|freehold.Copy[]" } },
        returns = { { type = "freehold.Epoch", name = "epoch" } },
        errors = {
            { "invalid", "one is out of bounds, lacks a copy usage, or formats differ; nothing is"
                .. " queued then" },
            { "stale", "a parcel was released or is another device's, or the device is closed" },
            { "host_memory", "the bookkeeping found no memory" },
            { "device_lost", "the device is lost" },
        },
        raises = misspelt,
        example = [[
local from <close> = assert(device:buffer { size = 256, usage = "copy_src|copy_dst" })
local to <close> = assert(device:buffer { size = 256, usage = "copy_src|copy_dst" })
assert(from:write(0, ("freehold"):rep(32)))
assert(device:wait(assert(device:copy { src = from, dst = to })))
print(to:read(0, 8))]],
    },
    {
        name = "parcels",
        doc = "Every parcel of the device, retiring ones too: what to rebuild after a device was"
            .. " lost, who leaked. Those that other code made are there without a `parcel`.",
        params = {},
        returns = { { type = "freehold.ParcelInfo[]", name = "infos" } },
        errors = { closed },
        cost = "O(parcels)",
    },
}

local classes = {
    {
        name = "freehold.Parcel",
        noun = "parcel",
        title = "Parcels",
        doc = [[
A piece of device memory in use: a buffer, a texture, raw memory, or external memory. A handle
owns one reference, and gives it back by `release`, when a `<close>` variable that holds it ends,
or when it is collected: close parcels where memory is tight, since Lua's collector does not see
it. The last reference retires the parcel: when every queue has passed its last use, the memory
is free again.

A handle keeps its device open. Handles of one parcel are equal by `==`. A handle that was
released is stale: calls return `nil, message, "stale"`.]],
        methods = {
            {
                name = "release",
                doc = "Give the handle's reference back.",
                params = {},
                returns = success,
                errors = { released },
                cost = "O(1)",
            },
            {
                name = "close",
                doc = "Another name of `release`.",
                params = {},
                returns = success,
                errors = { released },
            },
            {
                name = "retire",
                doc = "Mark last uses, then give the reference back.",
                params = { { name = "epochs", type = "freehold.Epoch|freehold.Epoch[]" } },
                returns = success,
                errors = {
                    { "invalid", "there is no such queue; the handle keeps its reference" },
                    { "host_memory", "the uses cannot be noted; the handle keeps its reference" },
                    released,
                },
            },
            {
                name = "acquire",
                doc = "Another handle of the same parcel, with a reference of its own.",
                params = {},
                returns = { { type = "freehold.Parcel", name = "parcel" } },
                errors = { released },
            },
            {
                name = "live",
                doc = "Whether the handle has a reference, of a device that is there.",
                params = {},
                returns = { { type = "boolean", name = "live" } },
                errors = {},
            },
            {
                name = "device",
                doc = "The device that it was made with, open or not.",
                params = {},
                returns = { { type = "freehold.Device", name = "device" } },
                errors = {},
            },
            {
                name = "info",
                doc = "What it is and where it lies.",
                params = {},
                returns = { { type = "freehold.ParcelInfo", name = "info" } },
                errors = { released },
            },
            {
                name = "name",
                doc = "Its name, \"\" = none.",
                params = {},
                returns = { { type = "string", name = "name" } },
                errors = { released },
            },
            {
                name = "set_name",
                doc = "Rename it; nil removes the name. Driver's tools see it, too.",
                params = { { name = "name", type = "string?" } },
                returns = success,
                errors = { released, { "host_memory", "the bookkeeping found no memory" } },
            },
            {
                name = "user",
                doc = "Your value, which all handles of the parcel share, also after release.",
                params = {},
                returns = { { type = "any", name = "user" } },
                errors = {},
            },
            {
                name = "set_user",
                doc = "Replace your value; nil removes it.",
                params = { { name = "user", type = "any" } },
                returns = success,
                errors = { released },
            },
            {
                name = "set_priority",
                doc = "Replace the priority.",
                params = { { name = "priority", type = "number", doc = "0 to 1" } },
                returns = success,
                errors = { released, { "invalid", "it is not from 0 to 1" } },
            },
            {
                name = "use",
                doc = "The GPU will use the parcel until that epoch passes. Kept per queue: the"
                    .. " largest value counts.",
                params = {
                    { name = "queue", type = "freehold.Queue|integer|freehold.Epoch",
                        doc = "an epoch stands for both" },
                    { name = "value", type = "integer", optional = true },
                },
                returns = success,
                errors = {
                    { "invalid", "there is no such queue, or the value is negative" },
                    { "host_memory", "the use cannot be noted: keep the parcel yourself" },
                    released,
                },
                example = [[
local graphics = assert(device:queue("graphics"))
local mesh = assert(device:buffer { size = "1MiB", usage = "vertex" })
mesh:use(graphics, 7)
mesh:release()
print(device:stats().retiring_count)
graphics:signal(7)
device:tick()]],
            },
            {
                name = "resize",
                doc = "Grow or shrink a buffer; handles and content stay, and what is new is zero."
                    .. " Up to its capacity it grows in place; beyond, it moves. The epoch passes"
                    .. " when the content is there.",
                params = { { name = "size", type = "freehold.Bytes" } },
                returns = { { type = "freehold.Epoch", name = "epoch" } },
                errors = join({
                    { "busy", "it is mapped, another resize is under way, or a queue of the"
                        .. " program's own still uses it" },
                }, shared.making),
            },
            {
                name = "write",
                doc = "Write into a buffer, or into a region of a texture: directly where its"
                    .. " memory"
                    .. " is host-visible and no queue uses it, else through staging memory. The"
                    .. " epoch passes when the bytes are there.",
                params = {
                    { name = "offset", type = "freehold.Bytes|freehold.Region" },
                    { name = "data", type = "string", doc = "of a texture: rows close together" },
                },
                returns = { { type = "freehold.Epoch", name = "epoch" } },
                errors = bytes_errors,
                example = [[
local buffer <close> = assert(device:buffer { size = 64, usage = "copy_src|copy_dst" })
assert(buffer:write(0, string.pack("<fff", 1, 2, 3)))
print(string.unpack("<fff", buffer:read(0, 12)))]],
            },
            {
                name = "read",
                doc = "Read from a buffer, or a region of a texture (`parcel:read(region,"
                    .. " timeout_ns)`), after the backend's queues have done what was queued for"
                    .. " it.",
                params = {
                    { name = "offset", type = "freehold.Bytes|freehold.Region", optional = true,
                        doc = "default 0" },
                    { name = "size", type = "freehold.Bytes", optional = true,
                        doc = "default: to the end" },
                    { name = "timeout_ns", type = "integer", optional = true,
                        doc = "nanoseconds; default 10 s" },
                },
                returns = { { type = "string", name = "data" } },
                errors = join(bytes_errors, { { "timeout", "the copy took longer" } }),
            },
            {
                name = "fill",
                doc = "Queue a fill of a buffer with a 32-bit pattern.",
                params = {
                    { name = "value", type = "integer", doc = "0 to 2^32 - 1" },
                    { name = "offset", type = "freehold.Bytes", optional = true,
                        doc = "a multiple of 4; default 0" },
                    { name = "size", type = "freehold.Bytes", optional = true,
                        doc = "a multiple of 4; default: to the end" },
                },
                returns = { { type = "freehold.Epoch", name = "epoch" } },
                errors = {
                    { "invalid", "it is out of bounds, no multiple of 4, or no buffer with the"
                        .. " usage copy_dst" },
                    released,
                    { "device_lost", "the device is lost" },
                },
            },
            {
                name = "map",
                doc = "Get at the bytes directly, where the memory is host-visible.",
                params = {},
                returns = { { type = "freehold.Mapping", name = "mapping" } },
                errors = {
                    { "unsupported", "the memory is not host-visible, or it is a texture that is"
                        .. " not linear" },
                    { "host_memory", "the bookkeeping found no memory" },
                    { "device_lost", "the device is lost" },
                    released,
                },
                example = [[
local upload <close> = assert(device:buffer {
    size = "64KiB", usage = "copy_src", location = "upload",
})
local mapping <close> = assert(upload:map())
assert(mapping:write(0, "hello"))
print(mapping:read(0, 5))]],
            },
            {
                name = "flush",
                doc = "Make what the CPU wrote visible to the GPU. Nothing to do for coherent"
                    .. " memory.",
                params = {
                    { name = "offset", type = "freehold.Bytes", optional = true },
                    { name = "size", type = "freehold.Bytes", optional = true,
                        doc = "default: to the end" },
                },
                returns = success,
                errors = { { "invalid", "it is out of bounds, or not mapped" }, released },
            },
            {
                name = "invalidate",
                doc = "The other way: make what the GPU wrote visible to the CPU.",
                params = {
                    { name = "offset", type = "freehold.Bytes", optional = true },
                    { name = "size", type = "freehold.Bytes", optional = true,
                        doc = "default: to the end" },
                },
                returns = success,
                errors = { { "invalid", "it is out of bounds, or not mapped" }, released },
            },
            {
                name = "view",
                doc = "A view of a part of a buffer or of raw memory. It keeps nothing alive.",
                params = {
                    { name = "offset", type = "freehold.Bytes", optional = true },
                    { name = "size", type = "freehold.Bytes", optional = true,
                        doc = "default: to the end" },
                },
                returns = { { type = "freehold.View", name = "view" } },
                errors = {
                    { "invalid", "it is out of the parent, or that is a texture or external" },
                    released,
                },
            },
        },
    },
    {
        name = "freehold.ParcelInfo",
        title = "What parcel:info returns",
        fields = {
            { name = "id", type = "integer", doc = "the parcel's number, as events have it" },
            { name = "parcel", type = "freehold.Parcel?", doc = "a handle, if Lua has one" },
            { name = "kind",
                type = '"buffer"|"texture"|"raw"|"external"|"staging"|"transient"' },
            { name = "name", type = "string", doc = "\"\" = none" },
            { name = "tag", type = "string", doc = "\"\" = untagged" },
            { name = "user", type = "any" },
            { name = "committed", type = "integer", doc = "bytes that were asked for" },
            { name = "reserved", type = "integer",
                doc = "bytes that the memory behind it takes; 0 on a `backing`" },
            { name = "capacity", type = "integer", doc = "bytes it can grow to in place" },
            { name = "offset", type = "integer?", doc = "bytes into its memory; not of external" },
            { name = "heap", type = "integer", doc = "index" },
            { name = "type", type = "integer?", doc = "index of the memory type; not of external" },
            { name = "flags", type = "table<freehold.MemoryFlag, true>?", doc = "of that type" },
            { name = "dedicated", type = "boolean", doc = "a driver allocation of its own" },
            { name = "retiring", type = "boolean", doc = "released, and waits for the GPU" },
            { name = "usage", type = "table<freehold.Usage, true>?", doc = "not of external" },
            { name = "stride", type = "integer?" },
            { name = "format", type = "string?", doc = "this and the next seven: of a texture" },
            { name = "width", type = "integer?" },
            { name = "height", type = "integer?" },
            { name = "depth", type = "integer?" },
            { name = "layers", type = "integer?" },
            { name = "mips", type = "integer?" },
            { name = "samples", type = "integer?" },
            { name = "texture_kind", type = "string?", doc = "\"2d\", \"1d\", \"3d\" or \"cube\"" },
            { name = "backing", type = "freehold.Parcel?",
                doc = "what it lies on, if Lua has a handle of that" },
            { name = "priority", type = "number" },
            { name = "reference_count", type = "integer" },
            { name = "map_count", type = "integer" },
        },
    },
    {
        name = "freehold.Mapping",
        noun = "mapping",
        title = "Mappings",
        doc = [[
The bytes of a parcel, within bounds. A mapping has a reference of its own, so a parcel that is
released while it is mapped lives until it is unmapped. Numbers go in and out by `string.pack` and
`string.unpack`.]],
        fields = { { name = "size", type = "integer", doc = "bytes" } },
        methods = {
            {
                name = "read",
                doc = "Copy bytes out.",
                params = {
                    { name = "offset", type = "freehold.Bytes", optional = true,
                        doc = "default 0" },
                    { name = "size", type = "freehold.Bytes", optional = true,
                        doc = "default: to the end" },
                },
                returns = { { type = "string", name = "data" } },
                errors = {
                    { "invalid", "it is out of bounds" },
                    { "stale", "it was unmapped, or the device is closed" },
                },
            },
            {
                name = "write",
                doc = "Copy bytes in.",
                params = {
                    { name = "offset", type = "freehold.Bytes" },
                    { name = "data", type = "string" },
                },
                returns = success,
                errors = {
                    { "invalid", "it is out of bounds" },
                    { "stale", "it was unmapped, or the device is closed" },
                },
            },
            {
                name = "flush",
                doc = "As `parcel:flush`.",
                params = {
                    { name = "offset", type = "freehold.Bytes", optional = true },
                    { name = "size", type = "freehold.Bytes", optional = true },
                },
                returns = success,
                errors = {
                    { "invalid", "it is out of bounds" },
                    { "stale", "it was unmapped, or the device is closed" },
                },
            },
            {
                name = "invalidate",
                doc = "As `parcel:invalidate`.",
                params = {
                    { name = "offset", type = "freehold.Bytes", optional = true },
                    { name = "size", type = "freehold.Bytes", optional = true },
                },
                returns = success,
                errors = {
                    { "invalid", "it is out of bounds" },
                    { "stale", "it was unmapped, or the device is closed" },
                },
            },
            {
                name = "unmap",
                doc = "End it.",
                params = {},
                returns = success,
                errors = { { "stale", "it was unmapped before, or the device is closed" } },
            },
            {
                name = "close",
                doc = "Another name of `unmap`.",
                params = {},
                returns = success,
                errors = { { "stale", "it was unmapped before, or the device is closed" } },
            },
        },
    },
    {
        name = "freehold.View",
        noun = "view",
        title = "Views",
        doc = "A part of a buffer or of raw memory. It owns nothing, and is stale as soon as its"
            .. " parent is, or has shrunk too far.",
        fields = {
            { name = "offset", type = "integer", doc = "bytes into the parent" },
            { name = "size", type = "integer", doc = "bytes" },
            { name = "parent", type = "freehold.Parcel?", doc = "while Lua has a handle of it" },
        },
        methods = {
            {
                name = "valid",
                doc = "Whether it still stands.",
                params = {},
                returns = { { type = "boolean", name = "valid" } },
                errors = {},
                cost = "O(1)",
            },
        },
    },
    {
        name = "freehold.Copy",
        title = "A copy",
        doc = shared.options_doc,
        fields = {
            { name = "src", type = "freehold.Parcel", optional = true, doc = "not of a fill" },
            { name = "dst", type = "freehold.Parcel" },
            { name = "src_offset", type = "freehold.Bytes", optional = true, doc = "of a buffer" },
            { name = "dst_offset", type = "freehold.Bytes", optional = true, doc = "of a buffer" },
            { name = "size", type = "freehold.Bytes", optional = true,
                doc = "buffer to buffer and fill; default: to the end" },
            { name = "src_region", type = "freehold.Region", optional = true,
                doc = "of a texture" },
            { name = "dst_region", type = "freehold.Region", optional = true,
                doc = "of a texture" },
            { name = "fill", type = "integer", optional = true,
                doc = "a 32-bit pattern instead of `src`; offset and size are multiples of 4" },
        },
    },
}

return { device_methods = device_methods, classes = classes }
