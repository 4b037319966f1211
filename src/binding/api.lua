-- What `require "freehold"` offers, described once. tools/gen_lua_docs makes the editor's types
-- (lua/freehold/meta.lua) and the manual (docs/lua.md) from it; tests/spec/api_spec.lua proves that
-- the module has what is described here, and nothing else.
--
-- A *class* has `fields` and `methods`, and perhaps a `base`, whose fields it has, too; a
-- *function* has `params`, `returns`, and `errors`: what it returns `nil, message, code` for.
-- `raises` says what else than a wrong type raises. A *choice* is a type that is a list of words,
-- as in the headers.
--
-- This file has what is common; the rest is by noun, in the folder of the same name.

local here = debug.getinfo(1, "S").source:match("^@(.*)%.lua$") .. "/"
local shared = dofile(here .. "shared.lua")

local module = {
    name = "freehold",
    title = "The module",
    doc = [[
`local fh = require "freehold"`. It runs on Lua 5.4; another Lua gets a readable refusal.]],
    fields = {
        { name = "KiB", type = "integer", doc = "1024" },
        { name = "MiB", type = "integer", doc = "1024 KiB" },
        { name = "GiB", type = "integer", doc = "1024 MiB" },
        { name = "version", type = "string", doc = "such as \"0.1.0\"" },
        {
            name = "result",
            type = "freehold.Results",
            doc = "every code under its own name: `fh.result.stale` is `\"stale\"`. Reading a name"
                .. " that it lacks raises, so a misspelt code is found where it is written."
                .. " Read-only; `pairs` lists the codes",
        },
    },
    functions = {
        {
            name = "now_ns",
            doc = "The monotonic clock, in nanoseconds since some moment: what policies see as"
                .. " `facts.now_ns`.",
            params = {},
            returns = { { type = "integer", name = "now_ns" } },
            errors = {},
        },
    },
}

local device = {
    name = "freehold.Device",
    noun = "device",
    title = "Devices",
    doc = [[
One adapter, opened through one backend. Parcels, pools, queues and views keep their device open:
losing the variable closes nothing that is in use. A `<close>` variable and `close` do.]],
    methods = {},
}

-- Types that are more than a class.
local aliases = {
    {
        name = "freehold.Bytes",
        type = "integer|string",
        doc = "a size in bytes, or a text such as \"64MiB\" (B, KiB, MiB, GiB, TiB)",
    },
    {
        name = "freehold.UsageFlags",
        type = "string|freehold.Usage[]|table<freehold.Usage, boolean>",
        doc = "\"storage|copy_dst\", a list of names, or a set of them; what comes out is a set",
    },
    {
        name = "freehold.MemoryFlags",
        type = "string|freehold.MemoryFlag[]|table<freehold.MemoryFlag, boolean>",
        doc = "the same, such as \"host_visible|host_cached\"",
    },
    {
        name = "freehold.Script",
        type = "string|freehold.ScriptText",
        doc = "a policy's script: the path of a file, or a text",
    },
    {
        name = "freehold.OptionValue",
        type = "integer|number|boolean|string",
        doc = "a value for a policy's option; sizes may be texts, such as \"256MiB\"",
    },
    {
        name = "freehold.EventKinds",
        type = "string|freehold.EventKind[]|table<freehold.EventKind, boolean>",
        doc = "the same, such as \"parcel_created|tick\"",
    },
}

-- Words that the headers list; `macro` is the list's name there.
local choices = {
    {
        name = "freehold.Usage",
        macro = "FH_USAGES",
        words = {
            "copy_src", "copy_dst", "vertex", "index", "uniform", "storage", "indirect", "texel",
            "device_address", "sampled", "color_target", "depth_target", "input",
            "transient_target",
        },
    },
    {
        name = "freehold.MemoryFlag",
        macro = "FH_MEMORY_FLAGS",
        words = {
            "device_local", "host_visible", "host_coherent", "host_cached", "lazily_allocated",
            "protected", "device_coherent", "device_uncached",
        },
    },
    {
        name = "freehold.EventKind",
        macro = "FH_EVENTS",
        words = {
            "parcel_created", "parcel_used", "parcel_retired", "parcel_freed", "parcel_resized",
            "parcel_mapped", "parcel_unmapped", "memory_allocated", "memory_freed", "copied",
            "refused", "budget_crossed", "evict_asked", "evict_ignored", "tick", "policy_set",
            "device_lost", "parcel_named", "decided", "device_closed",
        },
    },
    {
        name = "freehold.Hook",
        macro = "FH_HOOKS",
        words = {
            "place", "relieve", "limits", "frame", "pressure", "retain", "recycle", "evict",
            "alias", "defrag", "migrate",
        },
    },
    {
        name = "freehold.OptionType",
        macro = "FH_OPTION_TYPES",
        words = { "bytes", "integer", "number", "boolean", "choice", "text" },
    },
    {
        name = "freehold.BackendCall",
        macro = "FH_BACKEND_CALLS",
        words = {
            "any", "memory_alloc", "memory_map", "memory_flush", "memory_invalidate",
            "memory_import", "buffer_create", "texture_create", "bind", "budget", "submit",
            "progress", "wait",
        },
    },
}

-- Of fh.result, and the third value of every failure. `ok` is never returned.
local results = {
    { "ok", "success" },
    { "invalid", "an argument is wrong" },
    { "out_of_memory", "no free range or device memory fits the request" },
    { "host_memory", "an allocation of host memory failed" },
    { "budget", "the request would exceed a limit or budget" },
    { "stale", "the handle names something that no longer exists" },
    { "unsupported", "this object, backend or build cannot do that" },
    { "busy", "something still uses what the call would change" },
    { "timeout", "the wait ended before what it waited for happened" },
    { "device_lost", "the device is lost" },
    { "io", "reading or writing failed" },
    { "format", "the data is not in the expected format" },
    { "script", "a script failed" },
}

local essay = [[
What can fail returns `nil, message, code`: the message is a sentence for a person, the code a
word for a program. So `assert(…)` raises the sentence, and a script that wants to go on
compares the code.

Two kinds of mistakes are told apart. What a program **spells** wrong raises an error that names
the argument: a wrong type, an option that does not exist ("did you mean 'algorithm'?"), a
strategy that does not exist. What a **number** gets wrong (a size of 0, an alignment that is no
power of two, a negative size) is returned, with the code `"invalid"`. Integers may be given as
floats with an integer's value; strings are not numbers here, but sizes in bytes may be texts with
a unit, such as `"64MiB"`.

Functions that are given to a device (its `log`, its `evict`, observers, allocators, policies in
trusted mode) run on the main Lua thread, within the call that caused them, and cannot yield. They
may use the device. An error in one stops nothing: it goes to the device's `log`, or, without one,
becomes a warning (`warn`). On another OS thread than the one that opened the device they do not
run: there the device does as if they were not there, and notices, and lines of the log, wait until
Lua is back.

One device may serve many threads, but a Lua state, and with it what is described here, is for one
thread; so is a block.]]

local parts, classes = {}, { device }
for i, noun in ipairs {
    "device", "parcel", "options", "pool", "account", "observer", "policies", "policy_test",
    "simulated", "traces", "replays", "block",
} do
    local part = assert(loadfile(here .. noun .. ".lua"))(shared)
    module.functions = shared.join(module.functions, part.functions or {})
    device.methods = shared.join(device.methods, part.device_methods or {})
    classes = shared.join(classes, part.classes)
    parts[i] = { name = noun, classes = part.classes, device_methods = part.device_methods }
end

return {
    module = module,
    device = device,
    classes = classes,
    parts = parts, -- the same classes, by file; the methods of a device with what they do it to
    aliases = aliases,
    choices = choices,
    results = results,
    essay = essay,
}
