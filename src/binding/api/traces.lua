-- Traces: recording a device, reading and writing trace files.

local shared = ...
local success, closed = shared.success, shared.closed

local io = { "io", "the file cannot be read, or is none" }
local host_memory = { "host_memory", "the bookkeeping found no memory" }

local functions = {
    {
        name = "trace_reader",
        doc = "Open a trace file, to read it event by event.",
        params = { { name = "path", type = "string" } },
        returns = { { type = "freehold.TraceReader", name = "reader" } },
        errors = { io, { "format", "it is no trace, or of a later format" }, host_memory },
        example = [[
local path = os.tmpname()
do
    local trace <close> = assert(device:record(path))
    local buffer <close> = assert(device:buffer { size = "1MiB", usage = "storage" })
end
local reader <close> = assert(fh.trace_reader(path))
for event in reader:events() do
    print(event.time_ns, event.kind, event.text)
end
os.remove(path)]],
    },
    {
        name = "trace_writer",
        doc = "Make a trace by hand: for imports, and for tests. The file is replaced.",
        params = { { name = "path", type = "string" } },
        returns = { { type = "freehold.TraceWriter", name = "writer" } },
        errors = { { "io", "the file cannot be made" }, host_memory },
        example = [[
local path = os.tmpname()
local writer <close> = assert(fh.trace_writer(path))
assert(writer:add {
    kind = "device", device = 1, heap_count = 1, type_count = 1, text = "a card",
    list = { 8 * fh.GiB, 1, 0, 1 },
})
assert(writer:add { kind = "memory", time_ns = 1000, memory = 1, device = 1, size = 64 * fh.MiB })
assert(writer:close())
os.remove(path)]],
    },
    {
        name = "trace_kinds",
        doc = "The kinds of events that traces have, by name, and the fields of each.",
        params = {},
        returns = { { type = "table<string, freehold.TraceKind>", name = "kinds" } },
        errors = {},
    },
}

local device_methods = {
    {
        name = "record",
        doc = "Record what happens in the device from now on into a file, which is replaced: first"
            .. " what lives already. It goes on until the trace is stopped or the device is closed;"
            .. " losing the trace ends nothing. Recording never blocks: what the writer cannot keep"
            .. " up with is dropped, counted, and said in the file.",
        params = {
            { name = "path", type = "string" },
            { name = "options", type = "freehold.TraceOptions", optional = true },
        },
        returns = { { type = "freehold.Trace", name = "trace" } },
        errors = {
            { "io", "the file cannot be made, or no thread" },
            { "invalid", "the ring would be larger than 1 GiB" },
            { "busy", "the device has 8 observers already" },
            host_memory, closed,
        },
        raises = "unknown fields of `options`, with the nearest right name",
        cost = "some 50 ns for each event, and 5 MiB of memory; a thread of its own writes",
        example = [[
local path = os.tmpname()
local trace <close> = assert(device:record(path, { program = "an example" }))
local buffer <close> = assert(device:buffer { size = "1MiB", usage = "storage" })
print(trace:stop().event_count)
os.remove(path)]],
    },
}

local stats = { { type = "freehold.TraceStats", name = "stats" } }

local classes = {
    {
        name = "freehold.TraceOptions",
        title = "Options of a recording",
        doc = shared.options_doc,
        fields = {
            { name = "buffer_size", type = "freehold.Bytes", optional = true,
                doc = "of the ring between the device and the writer; default 4 MiB" },
            { name = "program", type = "string", optional = true,
                doc = "what is recorded, for people; default what the system calls this process" },
        },
    },
    {
        name = "freehold.Trace",
        noun = "trace",
        title = "Recordings that go on",
        doc = "As a `<close>` variable it stops at the end of the block.",
        methods = {
            {
                name = "stop",
                doc = "End it, and close the file.",
                params = {},
                returns = stats,
                errors = {
                    { "io", "not everything could be written; the file is good up to there" },
                    { "busy", "this is called by a function that the device calls" },
                    { "stale", "it was stopped" },
                },
            },
            {
                name = "stats",
                doc = "How it fares.",
                params = {},
                returns = stats,
                errors = { { "stale", "it was stopped" } },
            },
        },
    },
    {
        name = "freehold.TraceStats",
        title = "How a recording fares",
        fields = {
            { name = "event_count", type = "integer", doc = "recorded" },
            { name = "dropped_count", type = "integer", doc = "lost: the ring was full, or the"
                .. " disk" },
            { name = "file_bytes", type = "integer", doc = "written so far" },
        },
    },
    {
        name = "freehold.TraceReader",
        noun = "reader",
        title = "Reading traces",
        methods = {
            {
                name = "next",
                doc = "The next event, as they were recorded; nil at the end, and where the file is"
                    .. " cut off or damaged: `info().damage` says so.",
                params = {},
                returns = { { type = "freehold.TraceEvent|nil", name = "event" } },
                errors = {
                    host_memory,
                    { "busy", "a finalizer has read on meanwhile" },
                    { "stale", "it is closed" },
                },
            },
            {
                name = "events",
                doc = "An iterator over the events that are left:"
                    .. " `for event in reader:events() do`.",
                params = {},
                returns = {
                    { type = "fun(reader: freehold.TraceReader): freehold.TraceEvent",
                        name = "next" },
                    { type = "freehold.TraceReader", name = "reader" },
                },
                errors = {},
            },
            {
                name = "info",
                doc = "What is known of the file so far.",
                params = {},
                returns = { { type = "freehold.TraceFile", name = "info" } },
                errors = { { "stale", "it is closed" } },
            },
            {
                name = "close",
                doc = "Close it. Again: false.",
                params = {},
                returns = { { type = "boolean", name = "was_open" } },
                errors = {},
            },
        },
    },
    {
        name = "freehold.TraceFile",
        title = "What is known of a trace file",
        fields = {
            { name = "version", type = "integer", doc = "of the format" },
            { name = "file_bytes", type = "integer", doc = "how large it is" },
            { name = "read_bytes", type = "integer", doc = "how far it was read" },
            { name = "event_count", type = "integer", doc = "read so far, without dropped ones" },
            { name = "dropped_count", type = "integer", doc = "what the recorder lost, so far" },
            { name = "complete", type = "boolean",
                doc = "the last event was read, and the recorder ended the file as it should" },
            { name = "damage", type = "string", doc = "\"\", or what is wrong with it: what is"
                .. " before that was read" },
        },
    },
    {
        name = "freehold.TraceEvent",
        title = "An event of a trace",
        doc = [[
Beside what is here it has the numbers of its kind, by their names: `fh.trace_kinds()` lists them,
and docs/trace-format.md says what they mean. All are integers with 64 bits, so what is 2^63 or more
is negative. Two fields have other names than there, because these are taken: the `kind` of a
resource, a refusal or a decision is `parcel_kind`, and the `thread` that a name is given to is
`named_thread`.]],
        fields = {
            { name = "kind", type = "string", doc = "such as \"memory\", \"bound\" or \"frame\"" },
            { name = "time_ns", type = "integer", optional = true,
                doc = "since the trace began; default 0" },
            { name = "thread", type = "integer", optional = true, doc = "default 0" },
            { name = "text", type = "string", optional = true,
                doc = "at most 4095 bytes; always there in one that is read" },
            { name = "list", type = "integer[]", optional = true,
                doc = "of a device: its heaps and types; of a submit: the resources it uses" },
        },
    },
    {
        name = "freehold.TraceKind",
        title = "A kind of events",
        fields = {
            { name = "number", type = "integer", doc = "in files" },
            { name = "fields", type = "freehold.TraceField[]", doc = "in their order" },
        },
    },
    {
        name = "freehold.TraceField",
        title = "A number of an event",
        fields = {
            { name = "name", type = "string" },
            { name = "unit", type = '"id"|"bytes"|"count"|"flags"|"word"|"ns"|"number"' },
        },
    },
    {
        name = "freehold.TraceWriter",
        noun = "writer",
        title = "Writing traces",
        methods = {
            {
                name = "add",
                doc = "Write an event. What is left out is 0. Times that run backwards are put"
                    .. " right: a trace's time never does.",
                params = { { name = "event", type = "freehold.TraceEvent" } },
                returns = success,
                errors = {
                    { "invalid", "the text or the list is too long" },
                    { "io", "it cannot be written" },
                    host_memory,
                    { "stale", "it is closed" },
                },
                raises = "an unknown kind and unknown fields, with the nearest right name",
            },
            {
                name = "close",
                doc = "Write what is left, and the end. Without it, a `<close>` variable does, but"
                    .. " cannot say that it failed.",
                params = {},
                returns = success,
                errors = {
                    { "io", "not everything could be written" },
                    { "stale", "it is closed" },
                },
            },
        },
    },
}

return { functions = functions, device_methods = device_methods, classes = classes }
