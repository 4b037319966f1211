-- What a trace has at one moment: devices with their heaps, the memories that live, the resources,
-- and where they lie. Takes event by event and keeps only what lives, so a trace of any length can
-- be gone through. What makes no sense where it stands (an unknown object, one that is made twice)
-- is put right or left out, and counted: traces may be damaged, or a lie.
--
-- *reserved* are the bytes of memories; *committed* those of them that a resource lies on, and if
-- several do, once. Memories that were made elsewhere are not counted, nor what lies in them. A
-- resource that is bound to no memory that the trace knows of lies in one of its own, *implied*.

local words = require "freehold.formats.words"

local state = {}

local HEAPS_MAX, TYPES_MAX = 16, 32
local IMPORTED = 1             -- of a memory's flags
local NOWHERE = 2 | 4          -- of a resource's: swapchain, sparse

---@class freehold.TracedHeap
---@field size integer
---@field flags integer 1: device_local
---@field reserved integer
---@field committed integer
---@field budget integer? as last recorded
---@field usage integer?

---@class freehold.TracedDevice
---@field id integer
---@field name string
---@field api string
---@field heaps freehold.TracedHeap[] the first is heap 0
---@field types { heap: integer, flags: integer }[] the first is type 0
---@field reserved integer
---@field committed integer
---@field tags table<integer, string>

---@class freehold.TracedMemory
---@field noun "memory"
---@field id integer
---@field device freehold.TracedDevice
---@field type integer
---@field heap freehold.TracedHeap
---@field size integer
---@field dedicated integer
---@field flags integer
---@field name string?
---@field bound freehold.TracedResource[] in the order of their offsets
---@field covered integer bytes that resources lie on
---@field overlaps boolean some may lie on others
---@field imported boolean made elsewhere: not counted
---@field implied boolean? not in the trace: `id` is the resource's

---@class freehold.TracedResource
---@field noun "resource"
---@field id integer
---@field device freehold.TracedDevice
---@field kind string
---@field event table as it was described
---@field size integer as asked for
---@field name string?
---@field memory freehold.TracedMemory? where it lies
---@field offset integer?
---@field taken integer? bytes there

---@class freehold.TraceState
---@field devices table<integer, freehold.TracedDevice>
---@field memories table<integer, freehold.TracedMemory>
---@field resources table<integer, freehold.TracedResource>
---@field now integer the time of the last event
---@field ignored_count integer events that make no sense
---@field program string?
---@field source string?
local State = {}
State.__index = State

--- Begins a trace. What happens is told to the functions in `on`, as far as there are any:
--- device(d), memory(m), memory_freed(m), resource(r), destroyed(r), bound(r), unbound(r), each
--- after it happened; of unbound, r still says where it lay.
---@param on table<string, function>?
---@return freehold.TraceState
function state.new(on)
    return setmetatable({
        devices = {}, memories = {}, implied = {}, resources = {}, queues = {}, threads = {},
        now = 0, ignored_count = 0, on = on or {},
    }, State)
end

-- A size or an offset; what is beyond 2^63 - 1 is no such thing, and counts as that.
local function bytes(value)
    return value and (value < 0 and math.maxinteger or value) or 0
end

local function sum(a, b)
    return a > math.maxinteger - b and math.maxinteger or a + b
end

-- Objects by id, as a list in the order of ids.
local function sorted(objects)
    local list = {}
    for _, object in pairs(objects) do
        list[#list + 1] = object
    end
    table.sort(list, function(a, b)
        return math.ult(a.id, b.id)
    end)
    return list
end

function State:tell(what, object)
    local call = self.on[what]
    if call then
        call(object)
    end
end

---@return freehold.TracedDevice
function State:device(id)
    local device = self.devices[id]
    if not device then
        device = {
            id = id, name = ("device %d"):format(id), api = "other", heaps = {}, types = {},
            reserved = 0, committed = 0, tags = {},
        }
        self.only_device = next(self.devices) == nil and device or nil
        self.devices[id] = device
    end
    return device
end

local function heap_of(device, type)
    local known = device.types[type + 1]
    local index = known and known.heap or 0
    for i = #device.heaps, index do
        device.heaps[i + 1] = { size = 0, flags = 0, reserved = 0, committed = 0 }
    end
    return device.heaps[index + 1], index
end

-- The place of the first resource in `bound` at or after `offset`.
local function place(bound, offset)
    local low, high = 1, #bound + 1
    while low < high do
        local middle = (low + high) // 2
        if bound[middle].offset < offset then
            low = middle + 1
        else
            high = middle
        end
    end
    return low
end

-- Bytes that the resources of a memory lie on, each once.
local function covered(memory)
    local total, stop = 0, 0
    for _, resource in ipairs(memory.bound) do
        local from, to = resource.offset, sum(resource.offset, resource.taken)
        from, to = math.max(from, stop), math.min(to, memory.size)
        if to > from then
            total = total + to - from
            stop = to
        end
    end
    return total
end

local function set_covered(memory, value)
    local change = value - memory.covered
    memory.covered = value
    memory.heap.committed = memory.heap.committed + change
    memory.device.committed = memory.device.committed + change
end

-- Where nothing overlaps, only the neighbours can: that is the rule, and quick.
local function add_bound(memory, resource)
    local bound = memory.bound
    local at = place(bound, resource.offset)
    local before, after = bound[at - 1], bound[at]
    local stop = sum(resource.offset, resource.taken)
    local overlaps = before and sum(before.offset, before.taken) > resource.offset
        or after and after.offset < stop
    table.insert(bound, at, resource)
    if overlaps or memory.overlaps then
        memory.overlaps = true
        set_covered(memory, covered(memory))
    else
        set_covered(memory, memory.covered + resource.taken)
    end
end

local function remove_bound(memory, resource)
    local bound = memory.bound
    local at = place(bound, resource.offset)
    while bound[at] ~= resource do
        at = at + 1
    end
    table.remove(bound, at)
    if memory.overlaps then
        memory.overlaps = #bound > 0
        set_covered(memory, covered(memory))
    else
        set_covered(memory, memory.covered - resource.taken)
    end
end

-- Counts a memory; nil when there cannot be as much.
function State:reserve(memory)
    local device = memory.device
    if memory.size > math.maxinteger - device.reserved then
        return nil
    elseif not memory.imported then
        memory.heap.reserved = memory.heap.reserved + memory.size
        device.reserved = device.reserved + memory.size
    end
    local known = memory.implied and self.implied or self.memories
    known[memory.id] = memory
    self:tell("memory", memory)
    return memory
end

function State:free(memory)
    while #memory.bound > 0 do
        self:unbind(memory.bound[#memory.bound])
    end
    if not memory.imported then
        memory.heap.reserved = memory.heap.reserved - memory.size
        memory.device.reserved = memory.device.reserved - memory.size
    end
    local known = memory.implied and self.implied or self.memories
    known[memory.id] = nil
    self:tell("memory_freed", memory)
end

function State:unbind(resource)
    local memory = resource.memory
    if memory then
        remove_bound(memory, resource)
        self:tell("unbound", resource)
        resource.memory = nil
        if memory.implied then
            self:free(memory)
        end
    end
end

local function memory_of(device, id, size, type)
    local heap, index = heap_of(device, type)
    return {
        noun = "memory", id = id, device = device, type = type, heap = heap, heap_index = index,
        size = size, dedicated = 0, flags = 0, bound = {}, covered = 0, overlaps = false,
        imported = false,
    }
end

-- The memory that a resource lies in when the trace does not know it.
function State:imply(resource, size)
    local types = resource.event.needs_types or 0
    local type = 0
    while type < #resource.device.types and types & 1 << type == 0 do
        type = type + 1
    end
    local memory = memory_of(resource.device, resource.id, size,
        type < #resource.device.types and type or 0)
    memory.implied, memory.dedicated = true, resource.id
    return self:reserve(memory)
end

function State:destroy(resource)
    self:unbind(resource)
    self.resources[resource.id] = nil
    self:tell("destroyed", resource)
end

--------------------------------------------------------------------------------------------------

-- By kind of event. What returns false made no sense.
local handlers = {}

function handlers.note(self, event)
    local topic = words.topic[event.topic]
    if (topic == "program" or topic == "source" or topic == "recorder") and event.text then
        self[topic] = event.text
    end
end

function handlers.device(self, event)
    local device = self:device(event.device)
    local list = event.list or {}
    device.name = event.text and event.text ~= "" and event.text or device.name
    device.api = words.api[event.api] or "other"
    local heap_count = math.min(bytes(event.heap_count), HEAPS_MAX)
    for i = 1, heap_count do
        local heap = device.heaps[i] or { reserved = 0, committed = 0 }
        heap.size, heap.flags = bytes(list[2 * i - 1]), list[2 * i] or 0
        device.heaps[i] = heap
    end
    for i = 1, math.min(bytes(event.type_count), TYPES_MAX) do
        local at = 2 * heap_count + 2 * i
        local heap = list[at - 1] or 0
        device.types[i] = {
            heap = heap >= 0 and heap < HEAPS_MAX and heap or 0, flags = list[at] or 0,
        }
    end
    self:tell("device", device)
end

function handlers.queue(self, event)
    self.queues[event.queue] = { id = event.queue, device = event.device, name = event.text }
end

function handlers.thread_seen(self, event)
    self.threads[event.named_thread] = event.text
end

function handlers.memory(self, event)
    local old = self.memories[event.memory]
    if old then
        self:free(old)
    end
    local size = bytes(event.size)
    if size == 0 or event.type < 0 or event.type >= TYPES_MAX then
        return false
    end
    local memory = memory_of(self:device(event.device), event.memory, size, event.type)
    memory.dedicated, memory.flags = event.dedicated or 0, event.flags or 0
    memory.imported = memory.flags & IMPORTED ~= 0
    return self:reserve(memory) ~= nil and not old
end

function handlers.memory_freed(self, event)
    local memory = self.memories[event.memory]
    if not memory then
        return false
    end
    self:free(memory)
end

function handlers.resource(self, event)
    local old = self.resources[event.resource]
    if old then
        self:destroy(old)
    end
    local resource = {
        noun = "resource", id = event.resource, device = self:device(event.device),
        kind = words.kind[event.parcel_kind] or "raw", event = event, size = bytes(event.size),
    }
    self.resources[resource.id] = resource
    self:tell("resource", resource)
    return not old
end

function handlers.destroyed(self, event)
    local resource = self.resources[event.resource]
    if not resource then
        return false
    end
    self:destroy(resource)
end

-- Others own what it lies in, or nobody knows where that is.
local function is_elsewhere(resource)
    return resource.kind == "external" or (resource.event.flags or 0) & NOWHERE ~= 0
end

function handlers.bound(self, event)
    local resource = self.resources[event.resource]
    if not resource then
        return false
    elseif is_elsewhere(resource) then
        return
    elseif resource.memory and resource.device.api ~= "freehold" then
        return false           -- only Freehold moves what it has bound
    end
    local size = bytes(event.size)
    size = size > 0 and size or math.max(bytes(resource.event.needs_size), resource.size)
    local memory = event.memory == 0 and (resource.memory or self:imply(resource, size))
        or self.memories[event.memory]
    local offset = bytes(event.offset)
    if not memory or memory.device ~= resource.device or size == 0 or offset >= memory.size
        or size > memory.size - offset
    then
        return false
    elseif memory.imported or memory == resource.memory and memory.implied then
        return
    end
    self:unbind(resource)
    resource.memory, resource.offset, resource.taken = memory, offset, size
    add_bound(memory, resource)
    self:tell("bound", resource)
end

function handlers.resized(self, event)
    local resource = self.resources[event.resource]
    if not resource then
        return false
    end
    resource.size = bytes(event.size)
end

function handlers.named(self, event)
    local noun = words.noun[event.noun]
    local object = noun == "resource" and self.resources[event.id]
        or noun == "memory" and self.memories[event.id] or noun == "queue" and self.queues[event.id]
    if object then
        object.name = event.text ~= "" and event.text or nil
    end
end

function handlers.tag(self, event)
    self:device(event.device).tags[event.tag] = event.text
end

function handlers.budget(self, event)
    local heap = self:device(event.device).heaps[event.heap + 1]
    if heap then
        heap.budget, heap.usage = bytes(event.budget), bytes(event.usage)
    end
end

--- Takes the next event.
---@param event table
function State:apply(event)
    self.now = math.max(self.now, event.time_ns or 0)
    local handler = handlers[event.kind]
    if handler and handler(self, event) == false then
        self.ignored_count = self.ignored_count + 1
    end
end

--- The device that an event is of; nil when it does not say.
---@param event table
---@return freehold.TracedDevice?
function State:device_of(event)
    local resource = event.resource and self.resources[event.resource]
    local memory = event.memory and self.memories[event.memory]
    local queue = event.queue and self.queues[event.queue]
    local id = event.device or queue and queue.device
    return resource and resource.device or memory and memory.device or self.devices[id or 0]
        or id == 0 and self.only_device or nil
end

--- What lives, in the order of ids; of memories, those that are implied last.
---@return freehold.TracedMemory[]
function State:memories_in_order()
    local list, implied = sorted(self.memories), sorted(self.implied)
    return table.move(implied, 1, #implied, #list + 1, list)
end

---@return freehold.TracedResource[]
function State:resources_in_order()
    return sorted(self.resources)
end

---@return freehold.TracedDevice[]
function State:devices_in_order()
    return sorted(self.devices)
end

return state
