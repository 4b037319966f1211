-- Traces of programs that do anything, made by chance, with a list of what lived when: what the
-- exports of them are held against. The same seed makes the same trace.

local fh = require "freehold"

local random_trace = {}

local KiB = 1024

--- Names that a careless writer trips over.
random_trace.names = {
    'a "quoted" one', "back\\slash", "comma, comma", "line\nbreak", "tab\there", "\27[31mred",
    "invalid \xFF\xC3 bytes", "umlaut äöü", "emoji \u{1F600}", "</script><!--", "null-ish %s %d",
    "c1 \u{85}\u{9B}", "separators \u{2028}\u{2029}", "'", "{\"a\":[", "percent%%", "=cmd|' /C'!A0",
    ("long "):rep(300), "\u{202E}reversed",
}

local Maker = {}
Maker.__index = Maker

function Maker:random(low, high)
    -- xorshift: the same everywhere.
    local x = self.state
    x = x ~ x << 13
    x = x ~ x >> 7
    x = x ~ x << 17
    self.state = x
    return low + (x & math.maxinteger) % (high - low + 1)
end

function Maker:chance(percent)
    return self:random(1, 100) <= percent
end

function Maker:add(event)
    self.time_ns = self.time_ns + (self:chance(60) and self:random(1, 3000000) or 0)
    event.time_ns, event.thread = self.time_ns, self:random(0, 3)
    self.count = self.count + 1
    assert(self.writer:add(event))
end

function Maker:measure(device)
    local reserved, committed = 0, 0
    for _, memory in ipairs(self.memories) do
        if memory.device == device then
            reserved = reserved + memory.size
            for _, resource in ipairs(memory.resources) do
                committed = committed + resource.size
            end
        end
    end
    local peak = self.model.peaks[device] or { reserved = 0, committed = 0 }
    self.model.peaks[device] = peak
    peak.reserved = math.max(peak.reserved, reserved)
    peak.committed = math.max(peak.committed, committed)
end

-- A life, from now on.
function Maker:born(noun, life)
    life.noun, life.born_ns, life.born_at, life.frame = noun, self.time_ns, self.count,
        self.frame
    table.insert(self.model[noun], life)
    return life
end

function Maker:gone(life)
    life.gone_ns, life.gone_at, life.gone_frame = self.time_ns, self.count, self.frame
end

function Maker:name(noun, id)
    self:add { kind = "named", noun = noun, id = id,
        text = random_trace.names[self:random(1, #random_trace.names)] }
end

function Maker:memory()
    local device = self:random(1, self.device_count)
    local memory = {
        id = #self.model.memory + 1, device = device, type = self:random(0, 1),
        size = self:random(1, 64) * 64 * KiB, resources = {}, at = 0,
    }
    self:add { kind = "memory", memory = memory.id, device = device, type = memory.type,
        size = memory.size, dedicated = 0 }
    table.insert(self.memories, self:born("memory", memory))
    self:measure(device)
    if self:chance(20) then
        self:name(2, memory.id)
    end
end

-- The next resource of a memory lies behind the last: none on another.
function Maker:resource()
    local memory = self.memories[self:random(1, math.max(#self.memories, 1))]
    if not memory or memory.at >= memory.size then
        return self:memory()
    end
    local size = math.min(self:random(1, 96) * 4 * KiB, memory.size - memory.at)
    local resource = { id = #self.model.resource + 1, device = memory.device, size = size,
        memory = memory, offset = memory.at, kind = self:random(0, 2) }
    self:add {
        kind = "resource", resource = resource.id, device = memory.device,
        parcel_kind = resource.kind, size = resource.kind == 1 and 0 or size - 1, needs_size = size,
        needs_alignment = 1 << self:random(0, 12), usage = self:random(0, 1023),
        format = resource.kind == 1 and 9 or 0, width = 64, height = 64, depth = 1, mips = 1,
        layers = 1, samples = 1, native_usage = self:random(0, 255),
    }
    if self:chance(50) then
        self:name(1, resource.id)
    end
    self:add { kind = "bound", resource = resource.id, memory = memory.id, offset = memory.at,
        size = size }
    memory.at = memory.at + size
    table.insert(memory.resources, resource)
    table.insert(self.resources, self:born("resource", resource))
    self:measure(memory.device)
end

function Maker:destroy()
    local at = self:random(1, math.max(#self.resources, 1))
    local resource = table.remove(self.resources, at)
    if not resource then
        return
    end
    self:add { kind = "destroyed", resource = resource.id }
    self:gone(resource)
    for i, other in ipairs(resource.memory.resources) do
        if other == resource then
            table.remove(resource.memory.resources, i)
            break
        end
    end
end

-- With what is in it, or once it is empty.
function Maker:free()
    local at = self:random(1, math.max(#self.memories, 1))
    local memory = self.memories[at]
    if not memory or #memory.resources > 0 and self:chance(70) then
        return
    end
    table.remove(self.memories, at)
    self:add { kind = "memory_freed", memory = memory.id }
    self:gone(memory)
    for _, resource in ipairs(memory.resources) do
        self:gone(resource)
        resource.is_left = true
        for i, other in ipairs(self.resources) do
            if other == resource then
                table.remove(self.resources, i)
                break
            end
        end
    end
    memory.resources = {}
end

function Maker:something()
    local what = self:random(1, 8)
    local device = self:random(1, self.device_count)
    if what == 1 then
        self:add { kind = "refused", device = device, result = self:random(0, 20),
            size = self:random(1, 1 << 40), parcel_kind = self:random(0, 7) }
    elseif what == 2 then
        self:add { kind = "decision", device = device, hook = self:random(0, 12),
            outcome = self:random(0, 7), line = self:random(0, 99), sequence = self.count,
            size = -1, text = random_trace.names[self:random(1, #random_trace.names)] }
    elseif what == 3 then
        self:add { kind = "crossed", device = device, account = self:random(0, 5), used = -1,
            limit = -1, up = self:random(0, 1) }
    elseif what == 4 then
        self:add { kind = "eviction", resource = self:random(1, 50), size = 4096,
            ignored = self:random(0, 1) }
    elseif what == 5 then
        self:add { kind = "budget", device = device, heap = self:random(0, 3), budget = 1 << 28,
            usage = 1 << 20 }
    elseif what == 6 then
        self:add { kind = "note", topic = self:random(0, 6),
            text = random_trace.names[self:random(1, #random_trace.names)] }
    elseif what == 7 then
        self:add { kind = "thread_seen", named_thread = self:random(0, 5),
            text = random_trace.names[self:random(1, #random_trace.names)] }
    else
        self:add { kind = "policy", device = device, text = "budget" }
    end
end

function Maker:step()
    local what = self:random(1, 100)
    if what <= 12 then
        self:memory()
    elseif what <= 55 then
        self:resource()
    elseif what <= 80 then
        self:destroy()
    elseif what <= 90 then
        self:free()
    elseif what <= 94 then
        self:something()
    elseif self.frames == "presents" then
        self:add { kind = "frame", device = 1, queue = 1, number = self.frame }
        self.frame = self.frame + 1
    elseif self.frames == "submits" then
        self:add { kind = "submit", queue = 1, value = self.frame, batches = 1, commands = 1 }
        self.frame = self.frame + 1
    end
end

---@class freehold.RandomTrace
---@field path string
---@field event_count integer
---@field end_ns integer
---@field frame integer that was under way at the end
---@field memory table[] id, device, type, size, and when it lived: born_ns, gone_ns, born_at, …
---@field resource table[] and memory, offset, size; is_left: it lost its memory, and is there still
---@field peaks table<integer, { reserved: integer, committed: integer }> by device

--- Makes one.
---@param path string
---@param options { seed: integer, steps: integer?, devices: integer?, frames: string? }
---@return freehold.RandomTrace
function random_trace.make(path, options)
    local self = setmetatable({
        writer = assert(fh.trace_writer(path)), state = options.seed * 2654435769 + 12345,
        time_ns = 0, count = 0, frame = 1, memories = {}, resources = {},
        device_count = options.devices or 1, frames = options.frames or "presents",
        model = { path = path, memory = {}, resource = {}, peaks = {} },
    }, Maker)
    self:add { kind = "note", topic = 1, text = 'the "program"' }
    for device = 1, self.device_count do
        self:add {
            kind = "device", device = device, api = 2, heap_count = 2, type_count = 2,
            text = 'card "' .. device .. '"', list = { 1 << 32, 1, 1 << 33, 0, 0, 1, 1, 6 },
        }
    end
    self:add { kind = "queue", queue = 1, device = 1 }
    for _ = 1, options.steps or 400 do
        self:step()
    end
    assert(self.writer:close())
    self.model.event_count, self.model.end_ns, self.model.frame = self.count, self.time_ns,
        self.frame
    return self.model
end

return random_trace
