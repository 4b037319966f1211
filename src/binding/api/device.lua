-- Devices: opening, closing, time. What else a device can do is with what it does it to.

local shared = ...
local success, closed = shared.success, shared.closed

local unknown_backend = { "unsupported", "this build lacks the backend, or there is no driver" }

local functions = {
    {
        name = "device",
        doc = "Open a device. Everything else is made with it.",
        params = { { name = "options", type = "freehold.DeviceOptions" } },
        returns = { { type = "freehold.Device", name = "device" } },
        errors = {
            { "invalid", "there is no such adapter, the profile makes no sense, or a number is"
                .. " out of range" },
            unknown_backend,
            { "host_memory", "the bookkeeping found no memory" },
            { "out_of_memory", "the driver says so" },
        },
        raises = "unknown fields, backends and profiles, with the nearest right name",
        cost = "some 60 KiB of host memory; no device memory yet",
        example = [[
local device <close> = assert(fh.device { backend = "host", profile = "discrete-8g" })
local mesh <close> = assert(device:buffer { size = "4MiB", usage = "vertex|copy_dst" })
print(device:stats().total.reserved)]],
    },
    {
        name = "backends",
        doc = "The names of the backends that this build has; the first is the default. Whether one"
            .. " has a driver here, `fh.adapters` says.",
        params = {},
        returns = { { type = "string[]", name = "names" } },
        errors = {},
    },
    {
        name = "adapters",
        doc = "The adapters of a backend. Nothing is opened.",
        params = { { name = "options", type = "freehold.AdapterOptions", optional = true } },
        returns = { { type = "freehold.Adapter[]", name = "adapters" } },
        errors = { unknown_backend, { "invalid", "the profile makes no sense" } },
        raises = "unknown fields, backends and profiles, with the nearest right name",
        example = [[
for _, adapter in ipairs(assert(fh.adapters())) do
    print(adapter.index, adapter.name, #adapter.heaps)
end]],
    },
}

local methods = {
    {
        name = "close",
        doc = "Close the device: what retires is waited for, parcels that still live are destroyed"
            .. " (the log gets their names), and everything that was made with it is stale. Within"
            .. " a callback of the device it takes effect when the outermost call returns. A device"
            .. " with open aliases (`with_allocator`) goes with the last of them. Again: false.",
        params = {},
        returns = { { type = "boolean", name = "was_open" } },
        errors = {},
    },
    {
        name = "closed",
        doc = "Whether it is closed.",
        params = {},
        returns = { { type = "boolean", name = "closed" } },
        errors = {},
    },
    {
        name = "adapter",
        doc = "The adapter that it was opened on.",
        params = {},
        returns = { { type = "freehold.Adapter", name = "adapter" } },
        errors = { closed },
    },
    {
        name = "tag",
        doc = "The number of a tag, which is made when it is new. Wherever a tag is asked for its"
            .. " name will do, too; the number saves looking it up. At most 1,023 tags; more are"
            .. " the tag \"other\".",
        params = { { name = "name", type = "string", doc = "1 to 63 bytes" } },
        returns = { { type = "integer", name = "tag" } },
        errors = {
            { "invalid", "the name is empty or too long" },
            { "host_memory", "the bookkeeping found no memory" },
            closed,
        },
    },
    {
        name = "tick",
        doc = "The boundary between two frames. In order: progress of the queues and what retires"
            .. " by it; OS budgets; the policy; trimming of empty blocks; eviction, when an account"
            .. " is over. A program without frames calls it when it likes.",
        params = {},
        returns = success,
        errors = { { "device_lost", "what can be done without a device was done" }, closed },
        cost = "O(pools + what retired)",
    },
    {
        name = "poll",
        doc = "Only the first part of a tick: what queues have passed retires, and owners are asked"
            .. " to let go where that is due.",
        params = {},
        returns = success,
        errors = { { "device_lost", "the device is lost" }, closed },
    },
    {
        name = "wait",
        doc = "Wait until an epoch has passed. An epoch of a queue of the program's own passes only"
            .. " by `queue:signal`, so waiting for one here waits for another thread.",
        params = {
            { name = "epoch", type = "freehold.Epoch" },
            { name = "timeout_ns", type = "integer", optional = true,
                doc = "nanoseconds, 0 = look once; default 10 s" },
        },
        returns = success,
        errors = {
            { "timeout", "it did not pass in time" },
            { "invalid", "there is no such queue" },
            closed,
        },
    },
    {
        name = "wait_idle",
        doc = "Wait for everything that Freehold submitted itself, then retire it.",
        params = { { name = "timeout_ns", type = "integer", optional = true, doc = "as above" } },
        returns = success,
        errors = { { "timeout", "it took longer" }, closed },
    },
    {
        name = "retire",
        doc = "Have a function called once, when all epochs have passed: at a tick or poll, at the"
            .. " device's end, or at once when they have passed already.",
        params = {
            { name = "call", type = "fun()" },
            { name = "epochs", type = "freehold.Epoch|freehold.Epoch[]", optional = true },
        },
        returns = success,
        errors = {
            { "invalid", "there is no such queue" },
            { "host_memory", "the bookkeeping found no memory" },
            closed,
        },
        example = [[
local graphics = assert(device:queue("graphics"))
device:retire(function() print "frame 7 is done" end, graphics:epoch(7))
graphics:signal(7)
device:poll()]],
    },
    {
        name = "trim",
        doc = "Give back to the driver every block that is empty, now.",
        params = {},
        returns = { { type = "integer", name = "bytes" } },
        errors = { closed },
    },
    {
        name = "lost",
        doc = "Whether the device is lost. Then making parcels gives `\"device_lost\"`, epochs"
            .. " count as passed, releasing succeeds, mappings stay readable until unmapped, and"
            .. " `device:parcels()` lists what to rebuild.",
        params = {},
        returns = { { type = "boolean", name = "lost" } },
        errors = { closed },
    },
}

local classes = {
    {
        name = "freehold.DeviceOptions",
        title = "Options of fh.device",
        doc = shared.options_doc,
        fields = {
            { name = "backend", type = "string", optional = true,
                doc = "one of `fh.backends()`; default \"host\", a GPU simulated in memory, which"
                    .. " needs nothing installed" },
            { name = "profile", type = "string|freehold.Profile", optional = true,
                doc = "backend host: which GPU is simulated, one of `fh.profiles()` or a table;"
                    .. " default by `adapter`" },
            { name = "adapter", type = "integer", optional = true,
                doc = "the `index` of one of `fh.adapters()`; default 0" },
            { name = "block_size", type = "freehold.Bytes", optional = true,
                doc = "of a full-grown memory block; default 1/8 of heaps up to 1 GiB, else"
                    .. " 256 MiB" },
            { name = "margin", type = "freehold.Bytes", optional = true,
                doc = "bytes behind every parcel, for finding writes past the end; default none" },
            { name = "os_budget_advisory", type = "boolean", optional = true,
                doc = "the OS budget refuses only requests marked `within_budget`; default false:"
                    .. " it is a limit like others" },
            { name = "retain_ticks", type = "integer", optional = true,
                doc = "how long an empty block is kept; default 64" },
            { name = "evict", type = "fun(parcel: freehold.Parcel, user: any): boolean?",
                optional = true,
                doc = "asked to let go of a parcel that is `evictable`: release it, now or later,"
                    .. " and return true; default: nothing is ever evicted" },
            { name = "log", type = 'fun(level: "info"|"warning"|"error", message: string)',
                optional = true, doc = "gets remarks; default: silence" },
        },
    },
    {
        name = "freehold.AdapterOptions",
        title = "Options of fh.adapters",
        doc = shared.options_doc,
        fields = {
            { name = "backend", type = "string", optional = true, doc = "default \"host\"" },
            { name = "profile", type = "string|freehold.Profile", optional = true,
                doc = "backend host: the one adapter is this one" },
        },
    },
    {
        name = "freehold.Adapter",
        title = "An adapter",
        doc = "Lists are Lua's, from 1. What a number *names* counts from 0, as in C, in JSON and"
            .. " on the command line: heap 0 is `heaps[1]`, and its `index` is 0.",
        fields = {
            { name = "index", type = "integer?", doc = "what `fh.device` calls `adapter`; not in"
                .. " `device:adapter()`" },
            { name = "name", type = "string", doc = "for people" },
            { name = "backend", type = "string" },
            { name = "kind", type = '"discrete"|"integrated"|"software"' },
            { name = "caps", type = "table<string, true>", doc = "of budget, device_address,"
                .. " priority, import_host, delayed: those it has" },
            { name = "queue_count", type = "integer", doc = "the backend's own queues" },
            { name = "granularity", type = "integer", doc = "bytes; buffers and optimal textures do"
                .. " not share a page of this size" },
            { name = "atom", type = "integer", doc = "bytes that flushes are rounded to" },
            { name = "allocation_size_max", type = "integer", doc = "bytes of one memory" },
            { name = "allocation_count_max", type = "integer" },
            { name = "heaps", type = "freehold.Heap[]" },
            { name = "types", type = "freehold.MemoryType[]" },
        },
    },
    {
        name = "freehold.Heap",
        title = "A heap",
        fields = {
            { name = "index", type = "integer", doc = "from 0" },
            { name = "size", type = "integer", doc = "bytes" },
            { name = "device_local", type = "boolean" },
        },
    },
    {
        name = "freehold.MemoryType",
        title = "A memory type",
        fields = {
            { name = "index", type = "integer", doc = "from 0" },
            { name = "heap", type = "integer", doc = "the heap's index" },
            { name = "flags", type = "table<freehold.MemoryFlag, true>" },
        },
    },
}

return { functions = functions, device_methods = methods, classes = classes }
