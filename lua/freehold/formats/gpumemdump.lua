-- A moment of a trace as the JSON that GpuMemDumpVis draws: the same schema as a device's own dump.
--
-- Memories are blocks, or dedicated allocations where the trace says so; what lies in a block are
-- rows in the order of addresses, with FREE rows in every gap, since the visualiser adds sizes up
-- and does not look at offsets. Resources that lie on the same bytes are one row with the names of
-- all: what is drawn must be true, and rows cannot overlap.

local fh = require "freehold"
local json = require "freehold.cli.json"
local label = require "freehold.formats.label"
local state = require "freehold.formats.state"
local words = require "freehold.formats.words"

local gpumemdump = {
    name = "gpumemdump", doc = "memory at one frame, for GpuMemDumpVis (JSON)",
    extension = "json", one_device = true,
}

local NAMES_MAX = 4            -- of resources on the same bytes

---@class freehold.DumpStats
local Stats = {}
Stats.__index = Stats

local function stats()
    return setmetatable({
        blocks = 0, bytes = 0, count = 0, taken = 0, free_count = 0, min = math.maxinteger,
        max = 0, free_min = math.maxinteger, free_max = 0,
    }, Stats)
end

function Stats:block(size)
    self.blocks, self.bytes = self.blocks + 1, self.bytes + size
end

function Stats:row(row)
    if row.type == "FREE" then
        self.free_count = self.free_count + 1
        self.free_min, self.free_max = math.min(self.free_min, row.size),
            math.max(self.free_max, row.size)
    else
        self.count, self.taken = self.count + 1, self.taken + row.size
        self.min, self.max = math.min(self.min, row.size), math.max(self.max, row.size)
    end
end

-- As the schema has it: what there is none of has neither least nor most.
function Stats:shown()
    local shown = {
        BlockCount = self.blocks, BlockBytes = self.bytes, AllocationCount = self.count,
        AllocationBytes = self.taken, UnusedRangeCount = self.free_count,
    }
    if self.count > 0 then
        shown.AllocationSizeMin, shown.AllocationSizeMax = self.min, self.max
    end
    if self.free_count > 0 then
        shown.UnusedRangeSizeMin, shown.UnusedRangeSizeMax = self.free_min, self.free_max
    end
    return shown
end

-- What the schema calls a resource.
local function type_of(resource)
    local event = resource.event
    if resource.kind == "texture" then
        if resource.device.api == "d3d12" then
            local kind = words.texture_kind[event.texture_kind]
            return kind == "1d" and "TEXTURE1D" or kind == "3d" and "TEXTURE3D" or "TEXTURE2D"
        end
        return event.flags and event.flags & 1 << words.number.resource_flags.linear ~= 0
            and "IMAGE_LINEAR" or "IMAGE_OPTIMAL"
    end
    return (resource.kind == "buffer" or resource.kind == "staging"
        or resource.kind == "transient") and "BUFFER" or "UNKNOWN"
end

-- Its colour: flags of the API, or what Freehold's own usages are there.
-- Source: VkBufferUsageFlagBits and VkImageUsageFlagBits; D3D12_RESOURCE_FLAGS.
local USAGES = {
    buffer = { copy_src = 0x1, copy_dst = 0x2, vertex = 0x80, index = 0x40, uniform = 0x10,
        storage = 0x20, indirect = 0x100, texel = 0x4, device_address = 0x20000 },
    texture = { copy_src = 0x1, copy_dst = 0x2, storage = 0x8, sampled = 0x4, color_target = 0x10,
        depth_target = 0x20, input = 0x80, transient_target = 0x40 },
    d3d12 = { storage = 0x4, color_target = 0x1, depth_target = 0x2 },
}

local function usage_of(resource)
    local event, api = resource.event, resource.device.api
    local native = event.native_usage or 0
    if native > 0 and (api == "vulkan" or api == "d3d12") then
        return native
    end
    local numbers = USAGES[api == "d3d12" and api or resource.kind] or {}
    local usage = 0
    for _, name in ipairs(words.bits(words.usage, event.usage or 0)) do
        usage = usage | (numbers[name] or 0)
    end
    return usage > 0 and usage or nil
end

local function row_of(resource, offset, size)
    return {
        offset = offset, size = size, type = type_of(resource), name = label.of(resource),
        usage = usage_of(resource),
    }
end

-- Another resource on the bytes of a row.
local function join(row, resource)
    row.others = (row.others or 0) + 1
    if row.others < NAMES_MAX then
        row.name = row.name .. " | " .. label.of(resource)
    end
    if row.type ~= type_of(resource) then
        row.type = "UNKNOWN"
    end
    row.usage = nil
end

-- The rows of a memory.
local function rows_of(memory)
    local rows, stop = {}, 0
    local function free(to)
        if to > stop then
            rows[#rows + 1] = { offset = stop, size = to - stop, type = "FREE" }
        end
    end
    for _, resource in ipairs(memory.bound) do
        local from = math.min(resource.offset, memory.size)
        local to = resource.taken > memory.size - from and memory.size or from + resource.taken
        if to > from then
            local last = rows[#rows]
            if from < stop and last then
                join(last, resource)
                last.size = math.max(last.size, to - last.offset)
            else
                free(from)
                rows[#rows + 1] = row_of(resource, from, to - from)
            end
            stop = math.max(stop, to)
        end
    end
    free(memory.size)
    for _, row in ipairs(rows) do
        if row.others and row.others >= NAMES_MAX then
            row.name = ("%s | and %d more"):format(row.name, row.others - NAMES_MAX + 1)
        end
        if row.others then
            row.name = row.name .. " (on the same bytes)"
        end
    end
    return rows
end

local function shown_row(row, with_offset)
    return {
        Offset = with_offset and row.offset or nil, Type = row.type, Size = row.size,
        Usage = row.usage, Name = row.name,
    }
end

-- A dedicated memory is one row: what lies in it, or nothing that is known.
local function dedicated_row(memory)
    local only = #memory.bound == 1 and memory.bound[1] or nil
    local row = only and row_of(only, 0, memory.size)
        or { type = "UNKNOWN", size = memory.size, name = memory.name }
    return shown_row(row, false)
end

local function is_dedicated(memory)
    local only = memory.bound[1]
    return memory.dedicated ~= 0 and (not only or #memory.bound == 1 and only.offset == 0)
end

local function add_pools(dump, device, memories, all)
    local pools = {}
    for i = 1, #device.types do
        pools[i] = {
            PreferredBlockSize = 0, Blocks = {}, DedicatedAllocations = json.list {},
        }
        dump.DefaultPools[("Type %d"):format(i - 1)] = pools[i]
    end
    for _, memory in ipairs(memories) do
        local pool = pools[memory.type + 1]
        local counted = { all.total, all.heaps[memory.heap_index + 1], all.types[memory.type + 1] }
        local function count(method, what)
            for _, one in ipairs(counted) do
                one[method](one, what)
            end
        end
        count("block", memory.size)
        if is_dedicated(memory) then
            local row = dedicated_row(memory)
            count("row", { type = row.Type, size = row.Size })
            table.insert(pool.DedicatedAllocations, row)
        else
            local block, own = json.list {}, stats()
            for i, row in ipairs(rows_of(memory)) do
                count("row", row)
                own:row(row)
                block[i] = shown_row(row, true)
            end
            pool.Blocks[("%d"):format(memory.id)] = {
                TotalBytes = memory.size, UnusedBytes = memory.size - own.taken,
                Allocations = own.count, UnusedRanges = own.free_count, Suballocations = block,
            }
            pool.PreferredBlockSize = math.max(pool.PreferredBlockSize, memory.size)
        end
    end
end

local function dump_of(source, now, device, frame)
    local all = { total = stats(), heaps = {}, types = {} }
    local memories = {}
    for _, memory in ipairs(now:memories_in_order()) do
        if memory.device == device and not memory.imported and memory.type < #device.types then
            memories[#memories + 1] = memory
        end
    end
    local dump = {
        General = {
            API = device.api == "d3d12" and "Direct3D 12" or "Vulkan", GPU = device.name,
            Freehold = fh.version, Trace = source.path:match("[^/\\]*$"), Frame = frame,
            TimeNs = now.now, Program = now.program,
        },
        MemoryInfo = {}, DefaultPools = {}, CustomPools = {},
    }
    for i in ipairs(device.heaps) do
        all.heaps[i] = stats()
    end
    for i in ipairs(device.types) do
        all.types[i] = stats()
    end
    add_pools(dump, device, memories, all)
    for i, heap in ipairs(device.heaps) do
        local shown = {
            Size = heap.size, Stats = all.heaps[i]:shown(), MemoryPools = {},
            Flags = json.list(heap.flags & 1 == 1 and { "device_local" } or {}),
            Budget = {
                BudgetBytes = heap.budget or heap.size, UsageBytes = heap.usage or heap.reserved,
            },
        }
        for j, type in ipairs(device.types) do
            if type.heap == i - 1 then
                shown.MemoryPools[("Type %d"):format(j - 1)] = {
                    Flags = json.list(words.bits(words.memory_flags, type.flags)),
                    Stats = all.types[j]:shown(),
                }
            end
        end
        dump.MemoryInfo[("Heap %d"):format(i - 1)] = shown
    end
    dump.Total = all.total:shown()
    return dump
end

--- Writes what a device held at the end of a frame, or at its peak.
---@param source freehold.TraceSource
---@param options freehold.ExportOptions `device`, `frame`
---@param write fun(text: string)
function gpumemdump.export(source, options, write)
    local now = state.new()
    local wanted = options.device
    local frame = options.frame or wanted.peak_frame
    local index, over = 0, options.window
    source:pass(function(event)
        index = index + 1
        if options.frame and over:before(event, now) then
            return true
        end
        now:apply(event)
        if options.frame then
            return over:after()
        end
        return index >= wanted.peak_index
    end, options.share, options.shares)
    write(json.encode(dump_of(source, now, now:device(wanted.id), frame)))
    return { frame = frame }
end

return gpumemdump
