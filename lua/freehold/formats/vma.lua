-- Recordings of calls that the Vulkan Memory Allocator 2.x made of itself (`pRecordSettings`).
-- Source: "Recording file format", in VMA's documentation up to 2.3: versions 1,0 to 1,8.
--
-- A recording tells what the program asked VMA for, and not what VMA asked the driver for. So each
-- allocation becomes a memory of its own. Of images it tells the description and not the size: the
-- packed texels are taken. Which memory type a request got it does not tell either: it is chosen by
-- the rule that VMA documents, required bits hard, then the least cost.

local text = require "freehold.cli.text"
local build = require "freehold.formats.build"
local lines = require "freehold.formats.lines"
local source = require "freehold.formats.source"
local image = require "freehold.formats.vma_image"
local words = require "freehold.formats.words"

local vma = { name = "vma", doc = "a recording of Vulkan Memory Allocator 2.x (CSV)" }

local FIRST_LINE = "Vulkan Memory Allocator,Calls recording"
local NS = 1000000000

-- Bits of VmaAllocationCreateFlags.
local DEDICATED, MAPPED, CAN_BECOME_LOST, COPIES_STRING = 0x1, 0x4, 0x8, 0x20

local memory_flags = words.number.memory_flags
local LOCAL, VISIBLE, COHERENT, CACHED, LAZY = 1 << memory_flags.device_local,
    1 << memory_flags.host_visible, 1 << memory_flags.host_coherent,
    1 << memory_flags.host_cached, 1 << memory_flags.lazily_allocated

-- VmaMemoryUsage: bits that are required, preferred and not preferred, and fh_location + 1.
local USAGES = {
    [0] = { 0, 0, 0, 0 },                        -- unknown
    { 0, LOCAL, 0, 1 },                          -- GPU only
    { VISIBLE | COHERENT, 0, 0, 2 },             -- CPU only
    { VISIBLE, LOCAL, 0, 4 },                    -- CPU to GPU
    { VISIBLE, CACHED, 0, 3 },                   -- GPU to CPU
    { 0, 0, LOCAL, 2 },                          -- CPU copy
    { LAZY, 0, 0, 1 },                           -- lazily allocated
}

-- fh_usage bits by VkBufferUsageFlagBits and VkImageUsageFlagBits.
local function bit(name)
    return 1 << words.number.usage[name]
end
local BUFFER_USAGES = {
    [0x1] = bit "copy_src", [0x2] = bit "copy_dst", [0x4] = bit "texel", [0x8] = bit "texel",
    [0x10] = bit "uniform", [0x20] = bit "storage", [0x40] = bit "index", [0x80] = bit "vertex",
    [0x100] = bit "indirect", [0x20000] = bit "device_address",
}
local IMAGE_USAGES = {
    [0x1] = bit "copy_src", [0x2] = bit "copy_dst", [0x4] = bit "sampled", [0x8] = bit "storage",
    [0x10] = bit "color_target", [0x20] = bit "depth_target", [0x40] = bit "transient_target",
    [0x80] = bit "input",
}

local function usage_of(list, native)
    local usage = 0
    for flag, ours in pairs(list) do
        if native & flag ~= 0 then
            usage = usage | ours
        end
    end
    return usage
end

local function count_bits(value)
    local count = 0
    while value ~= 0 do
        value = value & value - 1
        count = count + 1
    end
    return count
end

--------------------------------------------------------------------------------------------------
-- The Config section

---@class freehold.VmaCard
---@field heaps { size: integer?, flags: integer }[]
---@field types { heap: integer, flags: integer }[]

local function new_card()
    return { heaps = {}, types = {}, device = {}, limits = {} }
end

local function indexed(list, digits, default)
    local index = math.tointeger(tonumber(digits))
    if not index or index < 0 or index > 31 then
        return nil
    end
    list[index + 1] = list[index + 1] or default
    return list[index + 1]
end

local function number_of(digits)
    return digits and #digits <= 20 and digits:find("^%d+$")
        and math.tointeger(tonumber(digits)) or nil
end

-- A line of it. Lines that say nothing of memory are left out.
local function configure(card, line)
    local group, rest = line:match("^([^,]*),(.*)$")
    if group == "PhysicalDevice" or group == "PhysicalDeviceLimits" then
        local key, value = rest:match("^([^,]*),(.*)$")
        if key then
            local into = group == "PhysicalDevice" and card.device or card.limits
            into[key] = key == "deviceName" and value or number_of(value:match("^%s*(.-)%s*$"))
        end
    elseif group == "PhysicalDeviceMemory" then
        local noun, index, key, value = rest:match("^(%a+),(%d+),(%a+),(%d+)%s*$")
        local heap = noun == "Heap" and indexed(card.heaps, index, { flags = 0 })
        local type = noun == "Type" and indexed(card.types, index, { heap = 0, flags = 0 })
        if heap then
            heap[key] = number_of(value)
        elseif type then
            type[key == "heapIndex" and "heap" or "flags"] = number_of(value) or 0
        end
    end
end

-- Whether the section described a card.
local function is_whole(card)
    for _, heap in ipairs(card.heaps) do
        if not heap.size then
            return false
        end
    end
    for _, type in ipairs(card.types) do
        if not card.heaps[type.heap + 1] then
            return false
        end
    end
    return #card.heaps > 0 and #card.heaps <= 16 and #card.types > 0 and #card.types <= 32
end

-- VkPhysicalDeviceType into fh_adapter_kind.
local ADAPTER_KINDS = { 1, 0, 0, 2 }

local function describe(builder, card, first)
    if not is_whole(card) then
        builder:device("VMA recording", first.peak)
        return
    end
    local list = {}
    for _, heap in ipairs(card.heaps) do
        list[#list + 1] = heap.size
        list[#list + 1] = heap.flags & 1
    end
    for _, type in ipairs(card.types) do
        list[#list + 1] = type.heap
        list[#list + 1] = type.flags & 0xFF
    end
    local device, limits = card.device, card.limits
    builder:add {
        kind = "device", device = 1, api = words.number.api.vulkan, heap_count = #card.heaps,
        type_count = #card.types, text = device.deviceName or "Vulkan device",
        adapter_kind = ADAPTER_KINDS[device.deviceType] or 0, vendor = device.vendorID or 0,
        product = device.deviceID or 0, api_version = device.apiVersion or 0,
        driver_version = device.driverVersion or 0,
        granularity = limits.bufferImageGranularity or 1, atom = limits.nonCoherentAtomSize or 64,
        allocation_count_max = limits.maxMemoryAllocationCount or 4096,
        allocation_size_max = 0, list = list,
    }
end

--------------------------------------------------------------------------------------------------
-- Calls

---@class freehold.VmaPlayer
local Player = {}
Player.__index = Player

-- The memory type that a request got: least cost wins, the lowest index a tie.
function Player:type_of(request)
    local pool = self.pools[request.pool]
    if pool then
        return pool.type
    end
    local usage = USAGES[request.usage] or USAGES[0]
    local required, preferred = request.required | usage[1], request.preferred | usage[2]
    local best, found = math.maxinteger, 0
    for i, type in ipairs(self.card.types) do
        local masked = request.bits ~= 0 and request.bits & 1 << i - 1 == 0
            or request.needs_types and request.needs_types & 1 << i - 1 == 0
        if not masked and type.flags & required == required then
            local cost = count_bits(preferred & ~type.flags) + count_bits(usage[3] & type.flags)
            if cost < best then
                best, found = cost, i - 1
            end
        end
    end
    return found
end

-- The six words of VmaAllocationCreateInfo from `at` on, then the pointer, then user data.
local function request_of(args, at)
    local request = {
        flags = number_of(args[at]), usage = number_of(args[at + 1]),
        required = number_of(args[at + 2]), preferred = number_of(args[at + 3]),
        bits = number_of(args[at + 4]), pool = args[at + 5], pointer = args[at + 6],
    }
    if not (request.flags and request.usage and request.required and request.preferred
        and request.bits and request.pointer)
    then
        return nil
    end
    if request.flags & COPIES_STRING ~= 0 and args[at + 7] and args[at + 7] ~= "" then
        request.name = table.concat(args, ",", at + 7)
    end
    return request
end

local function is_null(pointer)
    return not pointer:find("[1-9A-Fa-f]")
end

function Player:allocate(pointer, request, size, fields)
    if is_null(pointer) then
        self.builder:refuse(size, words.kind[fields.parcel_kind])
        return
    end
    local old = self.live[pointer]
    if old then
        self.again = self.again + 1
        self:free(pointer)
    end
    local usage = USAGES[request.usage] or USAGES[0]
    local flags = words.number.resource_flags
    fields.flags = (fields.flags or 0) | (request.flags & MAPPED ~= 0 and 1 << flags.mapped or 0)
        | (request.flags & CAN_BECOME_LOST ~= 0 and 1 << flags.evictable or 0)
    fields.location = usage[4]
    fields.tag = self.pools[request.pool] and self.pools[request.pool].tag or 0
    fields.needs_types = request.needs_types or 0
    local made = self.builder:allocate {
        size = size, type = self:type_of(request), name = request.name, fields = fields,
        dedicated = request.flags & DEDICATED ~= 0,
    }
    made.copies = request.flags & COPIES_STRING ~= 0
    self.live[pointer] = made
end

function Player:free(pointer)
    local made = self.live[pointer]
    if made then
        self.live[pointer] = nil
        self.builder:free(made)
    elseif not is_null(pointer) then
        self.unknown = self.unknown + 1
    end
end

-- By function: each returns what is wrong with its arguments, if anything is.
local calls = {}

function calls.vmaCreateBuffer(self, args)
    local size, usage, request = number_of(args[2]), number_of(args[3]), request_of(args, 5)
    if not size or not usage or not request or size == 0 then
        return "its arguments are not those of a buffer."
    end
    self:allocate(request.pointer, request, size, {
        parcel_kind = words.number.kind.buffer, size = size, native_usage = usage,
        usage = usage_of(BUFFER_USAGES, usage), native_flags = number_of(args[1]) or 0,
    })
end

function calls.vmaCreateImage(self, args)
    local numbers = {}
    for i = 1, 13 do
        numbers[i] = number_of(args[i])
        if not numbers[i] or numbers[i] > 0xFFFFFFFF then
            return "its arguments are not those of an image."
        end
    end
    local flags, kind, native, width, height, depth, mips, layers, samples, tiling, usage =
        table.unpack(numbers)
    local request = request_of(args, 14)
    local bytes, format = image.measure {
        format = native, width = width, height = height, depth = depth, mips = mips,
        layers = layers, samples = samples,
    }
    if not request or bytes == 0 or bytes == math.maxinteger then
        return "its arguments are not those of an image."
    end
    self.images = self.images + 1
    self:allocate(request.pointer, request, bytes, {
        parcel_kind = words.number.kind.texture, size = 0, needs_size = bytes,
        native_usage = usage, usage = usage_of(IMAGE_USAGES, usage), native_flags = flags,
        format = format, native_format = native, width = width, height = height, depth = depth,
        layers = layers, mips = mips, samples = samples,
        texture_kind = kind == 0 and 1 or kind == 2 and 2 or flags & 0x10 ~= 0 and 3 or 0,
        flags = tiling == 1 and 1 << words.number.resource_flags.linear or 0,
    })
end

-- Memory without an object that VMA made: with the requirements it was asked by.
local function plain_memory(kind, extra, many)
    return function(self, args)
        local size, alignment, types = number_of(args[1]), number_of(args[2]), number_of(args[3])
        local request = request_of(args, 4 + extra)
        if not size or not alignment or not types or not request or size == 0
            or alignment & alignment - 1 ~= 0
        then
            return "its arguments are not those of an allocation."
        end
        request.needs_types = types
        local pointers = many and request.pointer or request.pointer:match("^%s*(%S*)")
        for pointer in pointers:gmatch("%S+") do
            self:allocate(pointer, request, size, {
                parcel_kind = words.number.kind[kind], size = size, needs_size = size,
                needs_alignment = alignment,
                dedicated = extra > 0 and (args[4] == "1" and 2 or args[5] == "1" and 1) or 0,
            })
        end
    end
end

calls.vmaAllocateMemory = plain_memory("raw", 0)
calls.vmaAllocateMemoryPages = plain_memory("raw", 0, true)
calls.vmaAllocateMemoryForBuffer = plain_memory("buffer", 2)
calls.vmaAllocateMemoryForImage = plain_memory("raw", 2)

local function free_one(self, args)
    self:free(args[1] or "")
end
calls.vmaDestroyBuffer, calls.vmaDestroyImage, calls.vmaFreeMemory = free_one, free_one, free_one

function calls.vmaFreeMemoryPages(self, args)
    for pointer in (args[1] or ""):gmatch("%S+") do
        self:free(pointer)
    end
end

function calls.vmaCreatePool(self, args)
    local type, pointer = number_of(args[1]), args[7]
    if not type or not pointer or is_null(pointer) then
        return not (type and pointer) and "its arguments are not those of a pool." or nil
    end
    self.pool_count = self.pool_count + 1
    self.pools[pointer] = { type = math.min(type, 31), tag = self.pool_count }
    self.pool_names[self.pool_count] = self.pool_names[self.pool_count]
        or ("pool %d"):format(self.pool_count)
    self.builder:add {
        kind = "tag", tag = self.pool_count, device = 1,
        text = self.pool_names[self.pool_count],
    }
end

function calls.vmaDestroyPool(self, args)
    self.pools[args[1] or ""] = nil
end

-- Found at the first time through, and used at the second: a tag has its name from the beginning.
function calls.vmaSetPoolName(self, args)
    local pool = self.pools[args[1] or ""]
    if pool and args[2] and args[2] ~= "" then
        self.pool_names[pool.tag] = table.concat(args, ",", 2)
    end
end

function calls.vmaSetAllocationUserData(self, args)
    local made = self.live[args[1] or ""]
    if made and made.copies and args[2] and args[2] ~= "" then
        self.builder:add {
            kind = "named", noun = words.number.noun.resource, id = made.resource,
            text = table.concat(args, ",", 2),
        }
    end
end

local function mapping(kind)
    return function(self, args)
        local made = self.live[args[1] or ""]
        if made then
            local event = { kind = kind, resource = made.resource, memory = 0 }
            if kind == "mapped" then
                event.size = made.size
            end
            self.builder:add(event)
        end
    end
end
calls.vmaMapMemory, calls.vmaUnmapMemory = mapping "mapped", mapping "unmapped"

local function nothing()
end
for _, name in ipairs { "vmaCreateAllocator", "vmaDestroyAllocator", "vmaFlushAllocation",
    "vmaInvalidateAllocation", "vmaTouchAllocation", "vmaGetAllocationInfo",
    "vmaCreateLostAllocation" }
do
    calls[name] = nothing
end

-- What changes an allocation in a way that the recording does not tell the outcome of.
local OUTCOME_UNKNOWN = {
    vmaMakePoolAllocationsLost = true, vmaResizeAllocation = true, vmaDefragmentationBegin = true,
    vmaDefragmentationEnd = true,
}

-- A new frame of VMA's: where the count that stands in every line goes up.
function Player:on_frame(digits)
    local frame = number_of(digits)
    if frame and self.frame and frame > self.frame then
        self.builder:add { kind = "frame", device = 1, queue = 0, number = frame }
    end
    self.frame = frame and math.max(frame, self.frame or 0) or self.frame
end

local function arguments_of(rest)
    local args = {}
    for field in (rest .. ","):gmatch("([^,]*),") do
        args[#args + 1] = field
    end
    return args
end

function Player:call(line, number)
    local thread, seconds, frame, name, rest =
        line:match("^%s*(%d+),([%d.]+),(%d+),([%w_]+)%s*,?(.*)$")
    local time = thread and tonumber(seconds)
    if not time or time > 1e9 then
        self.builder:lose(number, "it is no call: that is thread, seconds, frame, function.")
        return
    end
    self.builder.now = math.max(self.builder.now, math.floor(time * NS + 0.5))
    local call = calls[name]
    if call then
        self.builder:on_thread(thread)
        self:on_frame(frame)
        local wrong = call(self, arguments_of(rest))
        if wrong then
            self.builder:lose(number, wrong)
        end
    else
        self.left[name] = (self.left[name] or 0) + 1
        self.left_count = self.left_count + (self.left[name] == 1 and 1 or 0)
        if self.left_count > 64 then
            source.fail(("line %d: more than 64 functions that VMA does not have; this is no "
                .. "recording of it."):format(number), "format")
        end
    end
end

--------------------------------------------------------------------------------------------------

--- Whether a file that begins so is one.
---@param head string
---@return boolean
function vma.detect(head)
    return head:find("^%s*" .. FIRST_LINE) ~= nil
end

local function check_version(line)
    local major, minor = line:match("^%s*(%d+),(%d+)%s*$")
    if not major then
        source.fail("the second line is no version of the format, such as 1,8.", "format")
    elseif major ~= "1" then
        source.fail(("it is of version %s,%s of the format. Those from 1,0 on can be imported.")
            :format(major, minor), "format")
    end
end

local function finish(player)
    local builder = player.builder
    local names = {}
    for name in pairs(player.left) do
        names[#names + 1] = name
    end
    table.sort(names)
    for _, name in ipairs(names) do
        builder:remark(("%s is left out (%s): %s."):format(name,
            text.counted(player.left[name], "call"),
            OUTCOME_UNKNOWN[name] and "the recording does not tell what came of it"
            or "it is no function that this knows"))
    end
    if player.unknown > 0 then
        builder:remark(("%s without an allocation in the recording, left out."):format(
            text.counted(player.unknown, "free")))
    end
    if player.again > 0 then
        builder:remark(("%s with the address of one that lives: that counts as freed then.")
            :format(text.counted(player.again, "allocation")))
    end
    if player.images > 0 then
        builder:note("remark", ("The size of %s is that of its texels: the recording does not have "
            .. "what the driver said."):format(text.counted(player.images, "image")))
    end
end

local function play(path, progress, builder, first, shared)
    local player = setmetatable({
        builder = builder, card = new_card(), live = {}, pools = {}, left = {}, left_count = 0,
        unknown = 0, again = 0, images = 0, pool_count = 0, pool_names = shared.pool_names,
    }, Player)
    local part = "first"
    local function begin_calls()
        part = "calls"
        if not is_whole(player.card) then
            player.card = new_card()
        end
        if first then
            builder:begin(path, "VMA calls recording " .. player.version)
            builder:note("remark", "The recording has what was asked of VMA, and not what VMA "
                .. "asked the driver for: each allocation is taken as one of the driver's.")
            describe(builder, player.card, first)
        end
    end
    lines.each(path, function(line, number)
        if not line then
            builder:lose(number, "it is too long to be a call.")
        elseif part == "first" then
            part = "version"
        elseif part == "version" then
            check_version(line)
            player.version = line:match("%S+")
            part = "config"
        elseif part == "config" and line:find("^Config,Begin") then
            part = "configuring"
        elseif part == "configuring" and not line:find("^Config,End") then
            configure(player.card, line)
        elseif part == "configuring" then
            begin_calls()
        else
            if part == "config" then
                begin_calls()
            end
            player:call(line, number)
        end
    end, progress)
    if part ~= "calls" then
        source.fail("the recording ends before its first call.", "format")
    end
    finish(player)
end

--- Makes a trace of such a recording.
---@param path string
---@param trace string
---@param progress fun(read: integer, all: integer)?
---@return freehold.TraceBuilder
function vma.import(path, trace, progress)
    local shared = { pool_names = {} }
    return build.trace(trace, function(builder, first)
        play(path, progress and function(done, all)
            progress(done + (first and all or 0), 2 * all)
        end, builder, first, shared)
    end)
end

return vma
