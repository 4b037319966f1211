-- Pools, queues and epochs.

local shared = ...
local success, closed = shared.success, shared.closed

local device_methods = {
    {
        name = "pool",
        doc = "Make a pool: a growing, shrinking set of memory blocks of one memory type, for"
            .. " parcels that should live by rules of their own.",
        params = { { name = "options", type = "freehold.PoolOptions", optional = true } },
        returns = { { type = "freehold.Pool", name = "pool" } },
        errors = {
            { "invalid", "a field is out of range" },
            { "unsupported", "no memory type will do" },
            { "host_memory", "the bookkeeping found no memory" },
            { "out_of_memory", "the first blocks (`block_count_min`) do not fit" },
            { "budget", "a limit says no to the first blocks" },
            { "device_lost", "the device is lost" },
            closed,
        },
        raises = "unknown fields and names, with the nearest right one",
        example = [[
local ring <close> = assert(device:pool {
    location = "upload", algorithm = "linear", block_size = "8MiB", block_count_max = 1,
})
local chunk <close> = assert(device:buffer { size = "64KiB", usage = "copy_src", pool = ring })]],
    },
    {
        name = "queue",
        doc = "A queue: by name one of the program's own, which is added when it is new; by number"
            .. " one of those that there are. A device has 8 queues at most, the backend's own"
            .. " included, and keeps them.",
        params = { { name = "queue", type = "string|integer" } },
        returns = { { type = "freehold.Queue", name = "queue" } },
        errors = {
            { "busy", "there are 8 already" },
            { "invalid", "there is no queue of that number" },
            closed,
        },
    },
    {
        name = "queues",
        doc = "All queues by number: the backend's own, then those that Lua added.",
        params = {},
        returns = { { type = "freehold.Queue[]", name = "queues" } },
        errors = { closed },
    },
}

local gone = { "stale", "the pool was destroyed, or the device is closed" }
local busy = { "busy", "parcels live in it, or still retire" }

local classes = {
    {
        name = "freehold.Pool",
        noun = "pool",
        title = "Pools",
        doc = [[
A pool that is collected, or whose `<close>` variable ends, while parcels live in it goes after the
last of them.]],
        methods = {
            {
                name = "destroy",
                doc = "Give its memory back, now. Again: true.",
                params = {},
                returns = success,
                errors = { busy },
            },
            {
                name = "close",
                doc = "Another name of `destroy`.",
                params = {},
                returns = success,
                errors = { busy },
            },
            {
                name = "info",
                doc = "Its memory type, and counters.",
                params = {},
                returns = { { type = "freehold.PoolInfo", name = "info" } },
                errors = { gone },
            },
        },
    },
    {
        name = "freehold.PoolOptions",
        title = "Options of device:pool",
        doc = shared.options_doc,
        fields = {
            { name = "types", type = "integer[]", optional = true,
                doc = "indices of memory types it may be of; default any. The best is taken, for"
                    .. " good" },
            { name = "location", type = '"device"|"upload"|"readback"|"device_upload"',
                optional = true, doc = "default device" },
            { name = "access", type = '"by_location"|"sequential"|"random"', optional = true },
            { name = "algorithm", type = '"tlsf"|"linear"', optional = true, doc = "default tlsf" },
            { name = "block_size", type = "freehold.Bytes", optional = true,
                doc = "of every block; default by the growth rule" },
            { name = "block_count_min", type = "integer", optional = true,
                doc = "made at once, and kept" },
            { name = "block_count_max", type = "integer", optional = true,
                doc = "default: no maximum" },
            { name = "keep_empty", type = "boolean", optional = true,
                doc = "blocks that fell empty stay until `device:trim()`" },
            { name = "priority", type = "number", optional = true, doc = "of its memory" },
            { name = "name", type = "string", optional = true },
        },
    },
    {
        name = "freehold.PoolInfo",
        title = "What pool:info returns",
        fields = {
            { name = "name", type = "string", doc = "\"\" = none" },
            { name = "type", type = "integer", doc = "index of its memory type" },
            { name = "heap", type = "integer", doc = "index" },
            { name = "flags", type = "table<freehold.MemoryFlag, true>", doc = "of that type" },
            { name = "block_size", type = "integer", doc = "bytes of the next block" },
            { name = "block_count", type = "integer" },
            { name = "block_bytes", type = "integer" },
            { name = "range_count", type = "integer" },
            { name = "range_bytes", type = "integer" },
        },
    },
    {
        name = "freehold.Queue",
        noun = "queue",
        title = "Queues and epochs",
        doc = [[
A queue counts up; work handed to it gets the next value, and is done when the queue's progress has
reached that value. An epoch is a plain table, `{ queue = …, value = … }`: a point that passes.]],
        fields = {
            { name = "index", type = "integer", doc = "from 0" },
            { name = "name", type = "string?", doc = "nil for the backend's own" },
        },
        methods = {
            {
                name = "signal",
                doc = "The queue has passed that value. A smaller one than before is ignored. What"
                    .. " retires by it does so at the next tick or poll.",
                params = { { name = "value", type = "integer" } },
                returns = success,
                errors = {
                    { "invalid", "it is a queue of the backend's, or the value is negative" },
                    closed,
                },
                cost = "O(1)",
            },
            {
                name = "progress",
                doc = "The last point that it has passed.",
                params = {},
                returns = { { type = "integer", name = "value" } },
                errors = { closed },
            },
            {
                name = "epoch",
                doc = "An epoch of this queue.",
                params = { { name = "value", type = "integer" } },
                returns = { { type = "freehold.Epoch", name = "epoch" } },
                errors = { { "invalid", "the value is negative" } },
            },
        },
    },
    {
        name = "freehold.Epoch",
        title = "An epoch",
        fields = {
            { name = "queue", type = "integer|freehold.Queue",
                doc = "index; what Lua gets is a number" },
            { name = "value", type = "integer", doc = "a point on that queue; 0 has passed" },
        },
    },
}

return { device_methods = device_methods, classes = classes }
