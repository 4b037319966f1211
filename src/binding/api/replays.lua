-- Recordings and replays: what a recorded program would have taken under another policy.

local shared = ...

local gone = { "stale", "the replay is closed" }
local busy = { "busy", "a step is under way: this is called by a function that it calls" }
local recording_gone = { "stale", "the recording is closed" }
local host_memory = { "host_memory", "the bookkeeping found no memory" }

local functions = {
    {
        name = "recording",
        doc = "Read a whole trace into memory, once for all replays of it. One that is cut off or"
            .. " damaged is read up to there: `info().file.damage` says so.",
        params = {
            { name = "path", type = "string" },
            { name = "options", type = "freehold.RecordingOptions", optional = true },
        },
        returns = { { type = "freehold.Recording", name = "recording" } },
        errors = {
            { "io", "the file cannot be read, or is none" },
            { "format", "it is no trace, is of a later format, or has no device" },
            { "timeout", "`progress` returned false" },
            host_memory,
        },
        raises = "unknown fields, with the nearest right name; what `progress` raises",
        cost = "some 100 bytes and 200 ns for each event",
        example = [[
local path = os.tmpname()
do
    local trace <close> = assert(device:record(path))
    for _ = 1, 10 do
        local buffer <close> = assert(device:buffer { size = "1MiB", usage = "storage" })
        device:tick()
    end
end
local recording <close> = assert(fh.recording(path))
local before <close> = assert(recording:replay { as_recorded = true })
local after <close> = assert(recording:replay {})
after:device():budget_policy { limit = "2MiB" }
before:step()
after:step()
print(before:figures().total.reserved_peak, after:figures().total.reserved_peak)
os.remove(path)]],
    },
}

local columns = "columns: an array for each field, row by row"

local function bytes(name, doc)
    return { name = name, type = "integer", doc = doc }
end

local function column(name, type, doc)
    return { name = name, type = type .. "[]", doc = doc }
end

local born_and_gone = {
    column("born_ns", "integer", "of the trace"),
    column("gone_ns", "integer|false", "false: it lives at the end"),
    column("born_frame", "integer"),
    column("gone_frame", "integer|false", "the same"),
}

local classes = {
    {
        name = "freehold.RecordingOptions",
        title = "Options of reading a recording",
        doc = shared.options_doc,
        fields = {
            { name = "progress", type = "fun(done: integer, all: integer): boolean?",
                optional = true, doc = "called now and then, with bytes; false ends the work" },
        },
    },
    {
        name = "freehold.Recording",
        noun = "recording",
        title = "Recordings",
        methods = {
            {
                name = "info",
                doc = "What was recorded.",
                params = {},
                returns = { { type = "freehold.RecordingInfo", name = "info" } },
                errors = { recording_gone },
            },
            {
                name = "resource",
                doc = "What a resource of the trace is.",
                params = { { name = "id", type = "integer" } },
                returns = { { type = "freehold.RecordedResource", name = "resource" } },
                errors = { { "invalid", "there is no such resource" }, recording_gone },
            },
            {
                name = "replay",
                doc = "Begin a replay. Replays of one recording do not disturb each other.",
                params = { { name = "options", type = "freehold.ReplayOptions", optional = true } },
                returns = { { type = "freehold.Replay", name = "replay" } },
                errors = {
                    { "invalid", "there is no such device, heap or frame, or the profile makes no"
                        .. " sense" },
                    { "unsupported", "this build has no such backend" },
                    host_memory, recording_gone,
                },
                raises = "unknown fields and names, with the nearest right one",
            },
            {
                name = "close",
                doc = "Close it. Its replays go on, and keep what they need. Again: false.",
                params = {},
                returns = { { type = "boolean", name = "was_open" } },
                errors = {},
            },
        },
    },
    {
        name = "freehold.RecordingInfo",
        title = "What was recorded",
        fields = {
            { name = "program", type = "string" },
            { name = "tool", type = "string", doc = "who recorded it" },
            { name = "file", type = "freehold.TraceFile", doc = "with `damage`" },
            { name = "event_count", type = "integer" },
            { name = "duration_ns", type = "integer" },
            { name = "ignored_count", type = "integer",
                doc = "events that make no sense where they are: of unknown objects" },
            { name = "main_device", type = "integer",
                doc = "place in `devices`, from 1, of the one with the largest peak" },
            { name = "devices", type = "freehold.RecordedDevice[]" },
        },
    },
    {
        name = "freehold.RecordedDevice",
        title = "A device of a recording",
        fields = {
            { name = "id", type = "integer" },
            { name = "name", type = "string" },
            { name = "api", type = '"other"|"freehold"|"vulkan"|"d3d12"|"metal"' },
            { name = "profile", type = "freehold.Profile" },
            { name = "resource_count", type = "integer" },
            { name = "memory_count", type = "integer" },
            bytes("peak_reserved", "of all heaps"),
            bytes("peak_committed", "the same"),
            { name = "heap_peaks", type = "integer[]", doc = "reserved bytes" },
            bytes("churn", "bytes of all driver memory and of all resources ever bound, whichever"
                .. " is more"),
            { name = "frame_count", type = "integer" },
            { name = "frames_by", type = '"presents"|"submits"|"time"', doc = "what ends a frame" },
            { name = "has_uses", type = "boolean", doc = "the trace tells which submit uses what" },
        },
    },
    {
        name = "freehold.RecordedResource",
        title = "A resource of a recording",
        fields = {
            { name = "name", type = "string", doc = "\"\" = none" },
            { name = "kind", type = "string" },
            { name = "usage", type = "table<freehold.Usage, boolean>" },
            { name = "location", type = '"device"|"upload"|"readback"|"device_upload"',
                doc = "as far as its use tells" },
            { name = "format", type = "string?", doc = "of textures, where Freehold has a name for"
                .. " it" },
            { name = "width", type = "integer" },
            { name = "height", type = "integer" },
            { name = "depth", type = "integer" },
            { name = "layers", type = "integer" },
            { name = "mips", type = "integer" },
            { name = "samples", type = "integer" },
            { name = "size", type = "integer" },
        },
    },
    {
        name = "freehold.ReplayOptions",
        title = "Options of a replay",
        doc = shared.options_doc,
        fields = {
            { name = "as_recorded", type = "boolean", optional = true,
                doc = "no device: what the program did itself" },
            { name = "device", type = "integer", optional = true,
                doc = "id of the recorded device; default the main one" },
            { name = "profile", type = "string|freehold.Profile", optional = true,
                doc = "the card; default the recorded one" },
            { name = "backend", type = "string", optional = true, doc = "default \"host\"" },
            { name = "heaps", type = "freehold.ReplayHeap[]", optional = true, doc = "what if" },
            { name = "frames", type = "integer[]", optional = true,
                doc = "{ first, last }: the figures count these, from 1. What is before is played,"
                    .. " too" },
            { name = "keep_spans", type = "boolean", optional = true, doc = "for `spans`" },
            { name = "log", type = "fun(level: string, message: string)", optional = true,
                doc = "of its device" },
        },
    },
    {
        name = "freehold.ReplayHeap",
        title = "A heap that is otherwise",
        fields = {
            { name = "heap", type = "integer", optional = true, doc = "index; default 0" },
            { name = "size", type = "freehold.Bytes", optional = true, doc = "default as it is" },
            { name = "budget", type = "freehold.Bytes", optional = true,
                doc = "what the system would let it have; default its rule, from the size" },
        },
    },
    {
        name = "freehold.Replay",
        noun = "replay",
        title = "Replays",
        methods = {
            {
                name = "device",
                doc = "The device that it plays on: put a policy in charge of it before the first"
                    .. " step or between two, look at it, observe it. It cannot be ticked or closed"
                    .. " by itself, and goes with the replay. Nil as recorded.",
                params = {},
                returns = { { type = "freehold.Device|nil", name = "device" } },
                errors = { gone },
            },
            {
                name = "step",
                doc = "Play on: at most so many frames, or to the end. After the end it does"
                    .. " nothing, and says the same.",
                params = {
                    { name = "frames", type = "integer", optional = true, doc = "default all" },
                },
                returns = {
                    { type = "integer", name = "frame" },
                    { type = "boolean", name = "done" },
                },
                errors = { busy, host_memory, { "device_lost", "the device is lost" }, gone },
                cost = "about a microsecond for each event",
            },
            {
                name = "figures",
                doc = "What it has come to so far. All but `timing` is the same at every run, on"
                    .. " every machine.",
                params = {},
                returns = { { type = "freehold.ReplayFigures", name = "figures" } },
                errors = { busy, gone },
            },
            {
                name = "samples",
                doc = "One row for each frame so far.",
                params = {},
                returns = { { type = "freehold.ReplaySamples", name = "samples" } },
                errors = { busy, { "unsupported", "there are too many" }, gone },
            },
            {
                name = "causes",
                doc = "The lines of scripts that decided.",
                params = {},
                returns = { { type = "freehold.ReplayCause[]", name = "causes" } },
                errors = { busy, gone },
            },
            {
                name = "blocks",
                doc = "The memories that the driver gave so far.",
                params = {},
                returns = { { type = "freehold.ReplayBlocks", name = "blocks" } },
                errors = { busy, { "unsupported", "there are too many" }, gone },
            },
            {
                name = "spans",
                doc = "Where resources lay, and for how long; none without `keep_spans`.",
                params = { { name = "options", type = "freehold.SpanOptions", optional = true } },
                returns = { { type = "freehold.ReplaySpans", name = "spans" } },
                errors = { busy, { "unsupported", "there are too many" }, gone },
                raises = "unknown fields, with the nearest right name",
            },
            {
                name = "close",
                doc = "End it, and close its device. Within a function that a step calls, that"
                    .. " happens when the step has ended. Again: false.",
                params = {},
                returns = { { type = "boolean", name = "was_open" } },
                errors = {},
            },
        },
    },
    {
        name = "freehold.ReplayFigures",
        title = "Figures of a replay",
        doc = "Within the frames that count.",
        fields = {
            { name = "frame_count", type = "integer" },
            { name = "heap_count", type = "integer" },
            { name = "total", type = "freehold.ReplayHeapFigures" },
            { name = "heaps", type = "freehold.ReplayHeapFigures[]", doc = "the first is heap 0" },
            { name = "driver_alloc_count", type = "integer" },
            { name = "driver_free_count", type = "integer" },
            bytes("driver_alloc_bytes"),
            { name = "request_count", type = "integer", doc = "resources that asked for memory" },
            bytes("request_bytes"),
            bytes("waste_peak", "reserved, and not committed"),
            bytes("waste_mean"),
            { name = "fragmentation_peak_ppm", type = "integer",
                doc = "1 - largest gap / all gaps, in millionths" },
            { name = "fragmentation_mean_ppm", type = "integer" },
            { name = "refused_count", type = "integer" },
            bytes("refused_bytes"),
            { name = "miss_count", type = "integer", doc = "uses of a resource without memory" },
            { name = "evicted_count", type = "integer" },
            bytes("evicted_bytes"),
            { name = "reload_count", type = "integer", doc = "evicted or refused, and used again" },
            bytes("reload_bytes"),
            { name = "moved_count", type = "integer", doc = "by defragmentation" },
            bytes("moved_bytes"),
            { name = "frames_over_budget", type = "integer",
                doc = "that ended with a heap over its budget, or the total over its limit" },
            { name = "decision_count", type = "integer", doc = "of scripts" },
            { name = "decision_failed_count", type = "integer",
                doc = "of these: failed or stopped" },
            { name = "can_evict", type = "boolean", doc = "the trace has uses" },
            { name = "timing", type = "freehold.ReplayTiming",
                doc = "of this machine and moment" },
        },
    },
    {
        name = "freehold.ReplayHeapFigures",
        title = "Figures of a heap",
        fields = {
            bytes("reserved_peak", "that the driver gave"),
            bytes("reserved_mean", "over frames"),
            bytes("committed_peak", "that the program asked for, and had"),
            bytes("committed_mean"),
            bytes("budget", "at the end; 0 = none"),
        },
    },
    {
        name = "freehold.ReplayTiming",
        title = "Times of a replay",
        fields = {
            { name = "wall_ns", type = "integer", doc = "of stepping" },
            { name = "policy_ns", type = "integer", doc = "in scripts" },
            { name = "event_count", type = "integer" },
        },
    },
    {
        name = "freehold.ReplaySamples",
        title = "Frames of a replay",
        doc = "In " .. columns .. ". And for each of the first four heaps that there are its bytes:"
            .. " `heap0`, `heap0_committed`, and so on.",
        fields = {
            column("frame", "integer", "from 1"),
            column("time_ns", "integer", "of the trace"),
            column("reserved", "integer", "bytes at the frame's end"),
            column("committed", "integer"),
            column("reserved_peak", "integer", "within the frame"),
            column("limit", "integer|false", "on the total; false = none"),
            column("budget", "integer|false", "of all heaps that have one"),
            column("block_count", "integer"),
            column("fragmentation_ppm", "integer"),
            column("driver_allocs", "integer", "within the frame, and so the others"),
            column("refused", "integer"),
            column("evicted", "integer"),
            column("reloaded", "integer"),
        },
    },
    {
        name = "freehold.ReplayCause",
        title = "A line that decided",
        fields = {
            { name = "script", type = "string", doc = "\"\" = the native rules" },
            { name = "hook", type = "freehold.Hook" },
            { name = "line", type = "integer", doc = "0 = not known" },
            { name = "decision_count", type = "integer" },
            { name = "resource_count", type = "integer",
                doc = "placed, evicted or refused by its decisions" },
            { name = "bytes", type = "integer", doc = "of these" },
            { name = "placed_count", type = "integer", doc = "of these, those that it placed" },
            { name = "placed_bytes", type = "integer" },
            { name = "evicted_count", type = "integer", doc = "and evicted" },
            { name = "evicted_bytes", type = "integer" },
            { name = "refused_count", type = "integer", doc = "and refused" },
            { name = "refused_bytes", type = "integer" },
            { name = "answer", type = "string", doc = "the last one, in words" },
        },
    },
    {
        name = "freehold.ReplayBlocks",
        title = "Memories of a replay",
        doc = "In " .. columns .. ".",
        fields = shared.join({
            column("heap", "integer", "index"),
            column("type", "integer", "index"),
            column("size", "integer"),
        }, born_and_gone, {
            column("dedicated", "boolean"),
        }),
    },
    {
        name = "freehold.SpanOptions",
        title = "Options of spans",
        doc = shared.options_doc,
        fields = {
            { name = "limit", type = "integer", optional = true,
                doc = "only so many, the largest by size and life; default all" },
        },
    },
    {
        name = "freehold.ReplaySpans",
        title = "Where resources lay",
        doc = "In " .. columns .. ".",
        fields = shared.join({
            { name = "count", type = "integer", doc = "how many there were in all" },
            column("block", "integer", "place in the columns of `blocks`, from 1"),
            column("resource", "integer", "id in the trace; 0 = a memory without one"),
            column("offset", "integer"),
            column("size", "integer"),
        }, born_and_gone, {
            column("cause", "integer", "place in the list of `causes`, from 1; 0 = the native"
                .. " rules, or the program"),
            column("aliased", "boolean", "others lie on the same bytes at the same time"),
            column("name", "string", "of the resource; \"\" = none"),
            column("kind", "string"),
            column("format", "string", "\"\" = none"),
            column("location", "string", "\"\" = not known"),
            column("usage", "string", "such as \"storage|copy_dst\""),
            column("width", "integer"),
            column("height", "integer"),
            column("depth", "integer"),
            column("layers", "integer"),
            column("mips", "integer"),
            column("samples", "integer"),
        }),
    },
}

return { functions = functions, classes = classes }
