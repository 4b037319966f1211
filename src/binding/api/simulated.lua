-- The host backend: profiles, faults, time by hand.

local shared = ...
local success, closed = shared.success, shared.closed

local unsupported = { "unsupported", "the device is of another backend than \"host\"" }

local functions = {
    {
        name = "profile",
        doc = "A built-in profile, as a table of your own: change it, and give it to `fh.device`.",
        params = { { name = "name", type = "string" } },
        returns = { { type = "freehold.Profile", name = "profile" } },
        errors = {},
        raises = "an unknown name, with the nearest right one",
        example = [[
local profile = fh.profile("discrete-8g")
profile.heaps[1].size = 1 * fh.GiB
local small <close> = assert(fh.device { profile = profile })]],
    },
    {
        name = "profiles",
        doc = "The names of the built-in profiles. The host backend's adapters are these, in this"
            .. " order.",
        params = {},
        returns = { { type = "string[]", name = "names" } },
        errors = {},
    },
}

local device_methods = {
    {
        name = "fault",
        doc = "Script trouble, for tests. Faults add up; the first that matches a call wins, and"
            .. " one with `nth` > 0 is spent when it fired.",
        params = { { name = "fault", type = "freehold.Fault" } },
        returns = success,
        errors = {
            { "invalid", "there is no such heap, or a stall does not say how long" },
            { "host_memory", "the bookkeeping found no memory" },
            unsupported,
            closed,
        },
        raises = "unknown fields and names, with the nearest right one",
        example = [[
device:fault { call = "memory_alloc", result = "out_of_memory", nth = 2 }
device:clear_faults()]],
    },
    {
        name = "clear_faults",
        doc = "Forget all faults that did not fire yet; budgets are again as the profile says. A"
            .. " lost device stays lost.",
        params = {},
        returns = success,
        errors = { unsupported, closed },
    },
    {
        name = "calls",
        doc = "How many calls of that kind the backend got since it was opened.",
        params = { { name = "call", type = "freehold.BackendCall", optional = true,
            doc = "default any" } },
        returns = { { type = "integer", name = "count" } },
        errors = { unsupported, closed },
    },
    {
        name = "advance",
        doc = "Let the next submissions happen, whatever the profile's latency, in order.",
        params = {
            { name = "queue", type = "freehold.Queue|integer", optional = true,
                doc = "default 0" },
            { name = "count", type = "integer", optional = true, doc = "default 1" },
        },
        returns = { { type = "integer", name = "done" } },
        errors = { unsupported, closed },
    },
    {
        name = "live",
        doc = "What lives in the backend.",
        params = {},
        returns = { { type = "freehold.SimulatedLive", name = "live" } },
        errors = { unsupported, closed },
    },
}

local function bytes(name, doc)
    return { name = name, type = "freehold.Bytes", optional = true, doc = doc }
end

local classes = {
    {
        name = "freehold.Profile",
        title = "A profile",
        doc = "A simulated GPU. What is left out, or 0, has its default.",
        fields = {
            { name = "name", type = "string", optional = true, doc = "for people" },
            { name = "kind", type = '"discrete"|"integrated"|"software"', optional = true },
            { name = "heaps", type = "freehold.ProfileHeap[]" },
            { name = "types", type = "freehold.ProfileType[]" },
            { name = "queue_count", type = "integer", optional = true, doc = "1 to 4; default 1" },
            bytes("granularity", "a power of two; default 1"),
            bytes("atom", "a power of two; default 64"),
            bytes("buffer_alignment", "default 16"),
            bytes("uniform_alignment", "of uniform and texel buffers; default 256"),
            bytes("texture_alignment", "of optimal textures; default 4096"),
            bytes("target_alignment", "with more than one sample; default 65536"),
            { name = "buffer_types", type = "integer[]", optional = true,
                doc = "indices of types; default all" },
            { name = "texture_types", type = "integer[]", optional = true },
            bytes("dedicated_texture_size", "from which it prefers dedicated; default never"),
            bytes("allocation_size_max", "default 4 GiB"),
            { name = "allocation_count_max", type = "integer", optional = true,
                doc = "default 4096" },
            { name = "allocation_latency_ns", type = "integer", optional = true },
            { name = "copy_latency_ns", type = "integer", optional = true },
            { name = "manual", type = "boolean", optional = true,
                doc = "copies happen only by `device:advance`; a wait for what was not advanced"
                    .. " runs out of time" },
        },
    },
    {
        name = "freehold.ProfileHeap",
        title = "A profile's heap",
        fields = {
            { name = "size", type = "freehold.Bytes" },
            { name = "device_local", type = "boolean", optional = true },
            bytes("os_budget", "default 80 % of the heap"),
            bytes("os_unaccounted", "what others in this process use"),
        },
    },
    {
        name = "freehold.ProfileType",
        title = "A profile's memory type",
        fields = {
            { name = "heap", type = "integer", optional = true, doc = "index, from 0; default 0" },
            { name = "flags", type = "freehold.MemoryFlags", optional = true },
        },
    },
    {
        name = "freehold.Fault",
        title = "A fault",
        doc = shared.options_doc,
        fields = {
            { name = "kind", type = '"fail"|"stall"|"budget"|"lose"', optional = true,
                doc = "the call returns `result` (default); takes `stall_ns` longer; the OS budget"
                    .. " of `heap` is `bytes` from `tick` on; the device is lost" },
            { name = "call", type = "freehold.BackendCall", optional = true,
                doc = "default any that can fail" },
            { name = "nth", type = "integer", optional = true,
                doc = "which one from now, counting those that match; default 1; 0 = every one" },
            bytes("above", "memory_alloc, memory_import: only requests of more bytes"),
            { name = "result", type = "freehold.Code", optional = true,
                doc = "default out_of_memory" },
            { name = "stall_ns", type = "integer", optional = true },
            { name = "tick", type = "integer", optional = true },
            { name = "heap", type = "integer", optional = true, doc = "index" },
            bytes("bytes"),
        },
    },
    {
        name = "freehold.SimulatedLive",
        title = "What device:live returns",
        fields = {
            { name = "memories", type = "integer" },
            { name = "bytes", type = "integer", doc = "of the memories" },
            { name = "objects", type = "integer" },
        },
    },
}

return { functions = functions, device_methods = device_methods, classes = classes }
