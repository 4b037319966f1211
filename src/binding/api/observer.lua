-- Who watches, and who allocates: observers and allocators.

local shared = ...
local closed = shared.closed

local device_methods = {
    {
        name = "observe",
        doc = "Have a function called for events, until the observer or the device is closed;"
            .. " losing"
            .. " the observer ends nothing. It may use the device; what it makes there is observed"
            .. " in turn. At most 8.",
        params = {
            { name = "events", type = "freehold.EventKinds?", doc = "nil = all" },
            { name = "observe", type = "fun(event: freehold.Event)" },
        },
        returns = { { type = "freehold.Observer", name = "observer" } },
        errors = { { "busy", "there are 8 already" }, { "invalid", "no events" }, closed },
        raises = "an unknown event, with the nearest right name",
        example = [[
local total = 0
local watch <close> = assert(device:observe("memory_allocated|memory_freed", function(event)
    total = total + (event.kind == "memory_allocated" and event.bytes or -event.bytes)
end))]],
    },
    {
        name = "with_allocator",
        doc = "An alias of the device that routes through an allocator: a table of functions,"
            .. " each of"
            .. " which may be missing. The alias is a device like any other; what is made through"
            .. " it goes to the allocator, and the original is unaffected. An alias of an alias has"
            .. " both.",
        params = { { name = "allocator", type = "freehold.Allocator" } },
        returns = { { type = "freehold.Device", name = "alias" } },
        errors = { { "host_memory", "the bookkeeping found no memory" }, closed },
        raises = "unknown fields, with the nearest right name; a missing name",
        example = [[
local count = 0
local counted <close> = assert(device:with_allocator {
    name = "counting",
    alloc_buffer = function(base, desc)
        count = count + 1
        return base:buffer(desc)
    end,
})
local buffer <close> = assert(counted:buffer { size = "1MiB", usage = "storage" })]],
    },
    {
        name = "allocator",
        doc = "The name of its allocator; \"default\" for a device without one.",
        params = {},
        returns = { { type = "string", name = "name" } },
        errors = { closed },
    },
    {
        name = "allocated_bytes",
        doc = "Bytes that its allocator has allocated; without one, reserved bytes of all parcels.",
        params = {},
        returns = { { type = "integer", name = "bytes" } },
        errors = { closed },
    },
    {
        name = "budget",
        doc = "Bytes that its allocator would like to stay under; without one, the total limit. nil"
            .. " = no opinion.",
        params = {},
        returns = { { type = "integer?", name = "bytes" } },
        errors = { closed },
    },
}

local desc_params = "base: freehold.Device, desc: "

local classes = {
    {
        name = "freehold.Observer",
        noun = "observer",
        title = "Observers",
        methods = {
            {
                name = "close",
                doc = "End it. From within itself it is deaf at once, and ended when the outermost"
                    .. " call returns. Again: false.",
                params = {},
                returns = { { type = "boolean", name = "was_open" } },
                errors = {},
            },
        },
    },
    {
        name = "freehold.Event",
        title = "An event",
        doc = "Beside `kind` and `tick` it has what belongs to its kind.",
        fields = {
            { name = "kind", type = "freehold.EventKind" },
            { name = "tick", type = "integer", doc = "ticks so far" },
            { name = "id", type = "integer?", doc = "parcel_*, evict_*: the parcel's number" },
            { name = "parcel", type = "freehold.Parcel?",
                doc = "the same: a handle, if Lua has one; not of one that is just being made" },
            { name = "parcel_kind", type = "string?",
                doc = "parcel_created, parcel_retired, parcel_freed, refused; decided: of place and"
                    .. " relieve" },
            { name = "tag", type = "string?", doc = "the same; \"\" = untagged" },
            { name = "bytes", type = "integer?",
                doc = "reserved; resized: committed; memory_*: driver bytes; refused, decided:"
                    .. " asked for; budget_crossed: used" },
            { name = "bytes_before", type = "integer?", doc = "parcel_resized: committed" },
            { name = "committed", type = "integer?", doc = "parcel_created" },
            { name = "memory", type = "integer?",
                doc = "memory_*: the number of the driver allocation; parcel_created,"
                    .. " parcel_resized: of that it lies in, 0 = external" },
            { name = "offset", type = "integer?",
                doc = "parcel_created, parcel_resized: bytes into its memory" },
            { name = "name", type = "string?",
                doc = "parcel_created, parcel_named: its own; policy_set: the policy's, nil ="
                    .. " native; decided: the script's" },
            { name = "buffer", type = "freehold.BufferOptions?", doc = "parcel_created" },
            { name = "texture", type = "freehold.TextureOptions?", doc = "parcel_created" },
            { name = "epoch", type = "freehold.Epoch?", doc = "parcel_used, copied" },
            { name = "count", type = "integer?", doc = "copied: how many" },
            { name = "heap", type = "integer?", doc = "memory_*: index" },
            { name = "type", type = "integer?", doc = "memory_*: index" },
            { name = "dedicated", type = "boolean?", doc = "memory_*" },
            { name = "code", type = "freehold.Code?", doc = "refused" },
            { name = "account", type = "string?", doc = "budget_crossed, refused by a budget" },
            { name = "limit", type = "integer?", doc = "budget_crossed" },
            { name = "up", type = "boolean?", doc = "budget_crossed: upwards" },
            { name = "hook", type = "freehold.Hook?", doc = "decided" },
            { name = "outcome", type = "string?", doc = "decided: as in `policy:decisions()`" },
            { name = "script", type = "integer?", doc = "decided: index into `status().scripts`" },
            { name = "version", type = "integer?", doc = "decided: of the script" },
            { name = "line", type = "integer?", doc = "decided: of the script; 0 = not known" },
            { name = "charge", type = "integer?", doc = "decided: what it used" },
            { name = "sequence", type = "integer?", doc = "decided: counts the policy's from 1" },
        },
    },
    {
        name = "freehold.Allocator",
        title = "An allocator",
        doc = [[
What `device:with_allocator` takes. A function that makes parcels returns one: its handle gives its
reference away, so keep `parcel:acquire()` of what is to be handed out again. Or it returns nil, and
perhaps a message and a code, which is what the request then fails with (without a code
`"out_of_memory"`); what it raises is the message of a failure with the code `"script"`. `desc` is a
table of its own, which may be changed and handed on; it has no `user`. What is made from within is
never relieved; if it is refused for lack of memory, the device makes room and asks once more.]],
        fields = {
            { name = "name", type = "string" },
            { name = "alloc_buffer", optional = true, type = "fun(" .. desc_params
                .. "freehold.BufferOptions): freehold.Parcel?, string?, freehold.Code?" },
            { name = "alloc_buffer_with_capacity", optional = true, type = "fun(" .. desc_params
                .. "freehold.BufferOptions): freehold.Parcel?, string?, freehold.Code?",
                doc = "of those with a capacity; default `alloc_buffer`" },
            { name = "alloc_texture", optional = true, type = "fun(" .. desc_params
                .. "freehold.TextureOptions): freehold.Parcel?, string?, freehold.Code?" },
            { name = "alloc_raw", optional = true, type = "fun(" .. desc_params
                .. "freehold.RawOptions): freehold.Parcel?, string?, freehold.Code?" },
            { name = "notify_freed", optional = true,
                type = "fun(reserved: integer, committed: integer, kind: string)",
                doc = "a parcel it made is gone; once" },
            { name = "notify_resized", optional = true,
                type = "fun(before: freehold.ParcelBytes, after: freehold.ParcelBytes,"
                    .. " kind: string)", doc = "a buffer it made was resized" },
            { name = "allocated_bytes", optional = true, type = "fun(): integer",
                doc = "default: reserved bytes of the live parcels it made" },
            { name = "budget", optional = true, type = "fun(): integer?",
                doc = "advice; default: the device's total limit" },
            { name = "reclaim", optional = true, type = "fun(base: freehold.Device)",
                doc = "at ticks: a good moment to give back what the GPU is done with" },
            { name = "drain", optional = true, type = "fun(base: freehold.Device)",
                doc = "give back everything it keeps" },
        },
    },
    {
        name = "freehold.ParcelBytes",
        title = "Bytes of a parcel",
        fields = {
            { name = "reserved", type = "integer" },
            { name = "committed", type = "integer" },
        },
    },
}

return { device_methods = device_methods, classes = classes }
