-- Makes a trace of what an importer tells: allocations and frees, by thread and time. An importer
-- goes through its log twice. The first time nothing is written: then the peak is known, and with
-- it how large the heap has to be, which is what a trace begins with.
--
-- A log of allocations does not tell what the driver was asked for. So each allocation becomes a
-- memory of the driver's, with a resource that fills it: as recorded, *reserved* is what was asked
-- for, and the count of driver allocations is the log's. Where the log is of an allocator that
-- takes large blocks from the driver, that is the least it can have taken. The trace says so.

local fh = require "freehold"
local text = require "freehold.cli.text"
local source = require "freehold.formats.source"
local words = require "freehold.formats.words"

local build = {}

local TEXT_MAX = 4095          -- FH_TRACE_TEXT_MAX
local REMARKS_MAX = 5

---@class freehold.TraceBuilder
---@field writer table? nil: nothing is written
---@field now integer
---@field live integer bytes
---@field peak integer bytes
---@field event_count integer
---@field resource_count integer
---@field lost_count integer lines that were left out
---@field remarks string[]
local Builder = {}
Builder.__index = Builder

--- Begins a trace, or the look before one.
---@param writer table?
---@return freehold.TraceBuilder
function build.new(writer)
    return setmetatable({
        writer = writer, now = 0, thread = 0, live = 0, peak = 0, event_count = 0,
        resource_count = 0, memory_count = 0, lost_count = 0, remarks = {}, unsaid = 0,
        threads = {}, thread_count = 0,
    }, Builder)
end

-- A text as a trace can hold it.
local function clean(given)
    local valid = text.valid(given)
    if #valid > TEXT_MAX then
        local stop = utf8.offset(valid, 0, TEXT_MAX + 1)
        valid = valid:sub(1, stop - 1)
    end
    return valid
end

--- Text of a log, for people.
---@param given string
---@return string
function build.shown(given)
    return "'" .. text.cut(text.clean(given), 40) .. "'"
end

--- Adds an event, now, of this thread.
---@param event table
function Builder:add(event)
    self.event_count = self.event_count + 1
    if self.writer then
        event.time_ns = event.time_ns or self.now
        event.thread = self.thread
        if event.text then
            event.text = clean(event.text)
        end
        local done, message, code = self.writer:add(event)
        if not done then
            source.fail(message, code)
        end
    end
end

--- What the log has, in the words of the trace.
---@param topic string
---@param what string
function Builder:note(topic, what)
    self:add { kind = "note", topic = words.number.topic[topic], text = what }
end

--- A line that could not be used.
---@param number integer
---@param what string
function Builder:lose(number, what)
    self.lost_count = self.lost_count + 1
    self:remark(("line %d: %s"):format(number, what))
end

--- Something to be said to who imports. Only the first ones are: a log that is wrong throughout
--- would say the same for ever.
---@param what string
function Builder:remark(what)
    if #self.remarks < REMARKS_MAX then
        self.remarks[#self.remarks + 1] = what
    else
        self.unsaid = self.unsaid + 1
    end
end

--- The thread of what comes now, by the log's own name for it.
---@param name string
function Builder:on_thread(name)
    local number = self.threads[name]
    if not number then
        number = self.thread_count
        self.threads[name] = number
        self.thread_count = number + 1
        self.thread = number
        self:add { kind = "thread_seen", named_thread = number, text = "thread " .. name }
    end
    self.thread = number
end

--- Says what is imported from where, and by what.
---@param path string
---@param what string
function Builder:begin(path, what)
    local name = path:match("[^/\\]*$")
    self:note("program", name)
    self:note("recorder", ("freehold %s import"):format(fh.version))
    self:note("source", ("%s, %s"):format(name, what))
end

--- The heap of a log that knows none: a power of two, and at least twice the peak. So an allocator
--- that takes more than was asked for has room, also within the four fifths of a heap that a system
--- lets one process have; whoever wants it tighter says so when replaying.
---@param peak integer
---@return integer
function build.heap_size(peak)
    local size = 1 << 20
    while size < 1 << 62 and size // 2 < peak do
        size = size << 1
    end
    return size
end

--- The one device of a log that knows none.
---@param name string
---@param peak integer
function Builder:device(name, peak)
    local flags = words.number.memory_flags
    local size = build.heap_size(peak)
    self:add {
        kind = "device", device = 1, api = 0, heap_count = 1, type_count = 1, granularity = 1,
        atom = 64, allocation_size_max = size, allocation_count_max = 0xFFFFFFFF, text = name,
        list = {
            size, 1,
            0, 1 << flags.device_local | 1 << flags.host_visible | 1 << flags.host_coherent,
        },
    }
end

--- An allocation: a resource, and the memory it fills.
---@class freehold.TracedAllocation
---@field size integer what it takes
---@field type integer? memory type
---@field name string?
---@field fields table? of the resource's event
---@field memory integer? that is there already, instead of one of its own
---@field offset integer? in that memory

---@param given freehold.TracedAllocation
---@return { resource: integer, memory: integer?, size: integer }
function Builder:allocate(given)
    local size = given.size
    local id = given.id or self.resource_count + 1
    self.resource_count = self.resource_count + 1
    self.live = self.live + size
    if self.live < 0 then
        source.fail("what lives at one time is more than 2^63 bytes: this is no log of memory.",
            "format")
    end
    self.peak = math.max(self.peak, self.live)
    local own
    if not given.memory then
        self.memory_count = self.memory_count + 1
        own = self.memory_count
    end
    if not self.writer then
        self.event_count = self.event_count + 3
        return { resource = id, memory = own, size = size, type = given.type }
    end
    local event = given.fields or {}
    event.kind, event.resource, event.device = "resource", id, 1
    event.parcel_kind = event.parcel_kind or words.number.kind.raw
    event.size = event.size or size
    self:add(event)
    if given.name then
        self:add { kind = "named", noun = words.number.noun.resource, id = id, text = given.name }
    end
    if own then
        self:add {
            kind = "memory", memory = own, device = 1, type = given.type or 0, size = size,
            dedicated = given.dedicated and id or 0,
        }
    end
    self:add {
        kind = "bound", resource = id, memory = own or given.memory, offset = given.offset or 0,
        size = size,
    }
    return { resource = id, memory = own, size = size, type = given.type }
end

--- And its end.
---@param made { resource: integer, memory: integer?, size: integer }
function Builder:free(made)
    self.live = self.live - made.size
    self:add { kind = "destroyed", resource = made.resource }
    if made.memory then
        self:add { kind = "memory_freed", memory = made.memory }
    end
end

--- A request that was refused.
---@param size integer
---@param kind string
function Builder:refuse(size, kind)
    self:add {
        kind = "refused", device = 1, result = words.number.result.out_of_memory, size = size,
        parcel_kind = words.number.kind[kind],
    }
end

--- Goes through a log twice, and writes its trace.
---@param path string of the trace
---@param play fun(builder: freehold.TraceBuilder, first: freehold.TraceBuilder?) with what the
--- first time found, the second time
---@return freehold.TraceBuilder
function build.trace(path, play)
    local first = build.new()
    play(first)
    if first.resource_count == 0 then
        return first
    end
    local writer <close>, message, code = build.open(path)
    if not writer then
        source.fail(message, code)
    end
    local second = build.new(writer)
    play(second, first)
    for _, remark in ipairs(second.remarks) do
        second:note("problem", remark)
    end
    local done
    done, message, code = writer:close()
    if not done then
        source.fail(message, code)
    end
    return second
end

build.open = fh.trace_writer

return build
