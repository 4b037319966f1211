-- Traces for specs, made by hand: small programs whose figures can be told in one's head.

local assert = require "luassert"
local fh = require "freehold"

local traces = {}

local MiB = fh.MiB
local BUFFER, TEXTURE = 0, 1
local STORAGE, SAMPLED = 1 << 5, 1 << 9
local DEVICE_LOCAL, HOST_VISIBLE, HOST_COHERENT = 1, 2, 4

---@class freehold.SpecTrace
local Trace = {}
Trace.__index = Trace

--- Adds an event, a millisecond after the one before.
function Trace:add(event)
    self.time_ns = self.time_ns + 1000000
    event.time_ns = self.time_ns
    assert(self.writer:add(event))
end

--- Begins a trace: a program on a card with 256 MiB of its own, and 512 MiB of the host's.
function traces.open(path, name)
    local self = setmetatable({ writer = assert(fh.trace_writer(path)), path = path, time_ns = 0,
        resource_count = 0, memory_count = 0, frame_count = 0, submits = 0 }, Trace)
    self:add { kind = "note", topic = 1, text = name or "a program" }
    self:add { kind = "note", topic = 2, text = "a spec" }
    self:device(1, "a card")
    self:add { kind = "queue", queue = 1, device = 1 }
    return self
end

function Trace:device(id, name)
    self:add {
        kind = "device", device = id, api = 2, heap_count = 2, type_count = 2, granularity = 1,
        atom = 64, allocation_size_max = 1 << 32, allocation_count_max = 4096, text = name,
        list = { 256 * MiB, 1, 512 * MiB, 0, 0, DEVICE_LOCAL, 1, HOST_VISIBLE | HOST_COHERENT },
    }
end

--- A memory of the driver's.
function Trace:memory(size, type, device)
    self.memory_count = self.memory_count + 1
    self:add { kind = "memory", memory = self.memory_count, device = device or 1,
        type = type or 0, size = size }
    return self.memory_count
end

--- A texture of that many MiB, in a memory at an offset, also in MiB.
function Trace:texture(mib, memory, offset, name, device)
    self.resource_count = self.resource_count + 1
    local id = self.resource_count
    self:add {
        kind = "resource", resource = id, device = device or 1, parcel_kind = TEXTURE,
        needs_size = mib * MiB, needs_alignment = 65536, needs_types = 1, usage = SAMPLED,
        width = 512, height = 512 * mib, depth = 1, layers = 1, mips = 1, samples = 1,
    }
    if name then
        self:add { kind = "named", noun = 1, id = id, text = name }
    end
    self:add { kind = "bound", resource = id, memory = memory, offset = offset * MiB,
        size = mib * MiB }
    return id
end

--- The same, a buffer.
function Trace:buffer(mib, memory, offset)
    self.resource_count = self.resource_count + 1
    local id = self.resource_count
    self:add {
        kind = "resource", resource = id, device = 1, parcel_kind = BUFFER, size = mib * MiB,
        needs_size = mib * MiB, needs_alignment = 256, needs_types = 3, usage = STORAGE,
    }
    self:add { kind = "bound", resource = id, memory = memory, offset = offset * MiB,
        size = mib * MiB }
    return id
end

function Trace:destroy(resource)
    self:add { kind = "destroyed", resource = resource }
end

function Trace:free(memory)
    self:add { kind = "memory_freed", memory = memory }
end

--- A frame that uses these resources.
function Trace:frame(uses)
    self.submits = self.submits + 1
    self.frame_count = self.frame_count + 1
    if uses then
        self:add { kind = "submit", queue = 1, value = self.submits, batches = 1, commands = 1,
            list = uses }
    end
    self:add { kind = "frame", device = 1, queue = 1, number = self.frame_count }
end

function Trace:close()
    assert(self.writer:close())
    return self.path
end

--- A program that has sixteen textures of 4 MiB in two memories of 32 MiB, and uses four of them in
--- each of its 32 frames: of what it has, it never needs more than a quarter at once.
function traces.rotating(path)
    local self = traces.open(path, "rotating")
    local textures = {}
    for i = 0, 15 do
        if i % 8 == 0 then
            self:memory(32 * MiB)
        end
        textures[i] = self:texture(4, self.memory_count, i % 8 * 4, ("texture %d"):format(i))
    end
    for n = 0, 31 do
        local first = n // 2 * 4 % 16
        self:frame { textures[first], textures[first + 1], textures[first + 2],
            textures[first + 3] }
    end
    return self:close()
end

--- The same without submits: nobody can tell what is used when.
function traces.silent(path)
    local self = traces.open(path, "silent")
    for i = 0, 7 do
        self:texture(4, self:memory(4 * MiB), 0, ("texture %d"):format(i))
        self:frame()
    end
    return self:close()
end

return traces
