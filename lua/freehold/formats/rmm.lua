-- RMM's log of allocations, a CSV: `Thread,Time,Action,Pointer,Size,Stream`.
-- Source: the documentation of RMM, "CSV log format". Times are of the day, `HH:MM:SS.µs` (older
-- logs have a colon before the fraction), or seconds.

local text = require "freehold.cli.text"
local build = require "freehold.formats.build"
local lines = require "freehold.formats.lines"
local state = require "freehold.formats.state"
local words = require "freehold.formats.words"

local rmm = {
    name = "rmm", doc = "a log of the RAPIDS Memory Manager (CSV)", extension = "csv",
    one_device = true,
}

local HEADER = "Thread,Time,Action,Pointer,Size,Stream"
local NS = 1000000000
local DAY_NS = 86400 * NS
local ALIGNMENT = 256          -- what RMM promises of every allocation

--------------------------------------------------------------------------------------------------
-- Export

local APART = 1 << 21          -- addresses of memories begin at multiples of it
local FIRST = 0x100000000
local ALIASED = 0x7f0000000000 -- addresses of what lies where another does

-- Addresses that look like a program's: of a memory, and in it. What shares its bytes with another
-- has one of its own, since a log matches frees by addresses.
local Addresses = {}
Addresses.__index = Addresses

function Addresses:of_memory(memory)
    local base = self.bases[memory]
    if not base then
        base = self.next
        self.bases[memory] = base
        self.next = base + (math.max(memory.size, 1) + APART - 1) // APART * APART
        if self.next < base or self.next > ALIASED then
            self.next = FIRST
        end
    end
    return base
end

function Addresses:take(address, size)
    if self.live[address] then
        address = self.aliased
        self.aliased = address + (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
    end
    self.live[address] = true
    return address
end

local function time_of_day(ns)
    local seconds = ns // NS
    return ("%02d:%02d:%02d.%06d"):format(seconds // 3600 % 24, seconds // 60 % 60, seconds % 60,
        ns % NS // 1000)
end

--- Writes a trace as such a log: a row for each allocation, free and refusal. Threads of an
--- imported log are called as it called them: traces number them anew.
---@param source freehold.TraceSource
---@param options freehold.ExportOptions `device`, `what`, `window`
---@param write fun(text: string)
function rmm.export(source, options, write)
    local addresses = setmetatable({
        bases = setmetatable({}, { __mode = "k" }), live = {}, next = FIRST, aliased = ALIASED,
    }, Addresses)
    local at, thread = 0, "0"
    local pointers = {}
    local numbers, is_imported = {}, false

    local function row(action, address, size)
        write(("%s,%s,%s,0x%x,%d,0x0\n"):format(thread, time_of_day(at), action, address, size))
    end
    local function begin(object, address, size)
        if object.device.id == options.device.id and not object.imported then
            address = addresses:take(address, size)
            pointers[object] = { address = address, size = size }
            if options.window.open then
                row("allocate", address, size)
            end
        end
    end
    local function finish(object)
        local pointer = pointers[object]
        if pointer then
            pointers[object] = nil
            addresses.live[pointer.address] = nil
            if options.window.open then
                row("free", pointer.address, pointer.size)
            end
        end
    end

    local now
    if options.what == "memories" then
        now = state.new {
            memory = function(memory)
                begin(memory, addresses:of_memory(memory), memory.size)
            end,
            memory_freed = finish,
        }
    else
        now = state.new {
            bound = function(resource)
                begin(resource, addresses:of_memory(resource.memory) + resource.offset,
                    resource.taken)
            end,
            unbound = finish,
        }
    end
    -- What lived before the first frame that was asked for is allocated at its beginning.
    function options.window.on_open()
        local list = {}
        for object, pointer in pairs(pointers) do
            list[#list + 1] = { object.id, pointer }
        end
        table.sort(list, function(a, b)
            return math.ult(a[1], b[1])
        end)
        for _, one in ipairs(list) do
            row("allocate", one[2].address, one[2].size)
        end
    end

    write(HEADER .. "\n")
    source:pass(function(event)
        if event.kind == "note" and event.topic == words.number.topic.source then
            is_imported = true
        elseif event.kind == "thread_seen" and is_imported then
            numbers[event.named_thread] = event.text:match("^thread (%w+)$")
        end
        at, thread = math.max(at, event.time_ns), numbers[event.thread] or event.thread
        if options.window:before(event, now) then
            return true
        end
        now:apply(event)
        if event.kind == "refused" and event.device == options.device.id and options.window.open
        then
            row("allocate failure", 0, event.size)
        end
        return options.window:after()
    end, options.share, options.shares)
end

--------------------------------------------------------------------------------------------------
-- Import

--- Whether a file that begins so is one.
---@param head string
---@return boolean
function rmm.detect(head)
    local first = head:match("^%s*([^\r\n]*)") or ""
    return first:gsub("[%s\"]", ""):lower():find("^thread,time,action,pointer,size") ~= nil
        or first:find("^%s*%w+,%s*%d+:%d+:%d+[.:]%d+,%s*%l+[%l ]*,%s*[%w()]+,%s*%d+") ~= nil
end

local function fraction_ns(digits)
    if #digits == 6 then
        return tonumber(digits) * 1000
    end
    return tonumber((digits .. "000000000"):sub(1, 9))
end

-- Nanoseconds since midnight, or since whenever seconds are counted from; and whether they are of
-- the day. Rows of one second come one after the other: `seen` is the last one.
local function to_ns(time, seen)
    local second, digits = time:match("^(%d%d?:%d%d:%d%d)[.:]?(%d*)$")
    if second then
        if second ~= seen.second then
            local hours, minutes, seconds = second:match("^(%d+):(%d+):(%d+)$")
            seen.second = second
            seen.ns = (tonumber(hours) * 3600 + tonumber(minutes) * 60 + tonumber(seconds)) * NS
        end
        return seen.ns + fraction_ns(digits), true
    end
    second, digits = time:match("^(%d+)%.?(%d*)$")
    if second and #second <= 10 and tonumber(second) <= 9000000000 then
        return tonumber(second) * NS + fraction_ns(digits), false
    end
end

-- A row as RMM writes it, and one with blanks.
local ROW = "^([^,%s]+),([^,%s]+),(%l[%l ]*),([^,%s]+),(%d+),"
local WIDE_ROW = "^%s*([^,]-)%s*,%s*([^,]-)%s*,%s*([^,]-)%s*,%s*([^,]-)%s*,%s*(%d+)%s*,?"

-- Plays the log for a builder.
local function play(path, progress, builder, first)
    local name = path:match("[^/\\]*$")
    if first then
        builder:begin(path, "RMM log")
        builder:note("remark", "Each allocation of the log is taken as one of the driver's. Where "
            .. "RMM used a pool, that is the least it can have taken.")
        builder:device("RMM, " .. name, first.peak)
    end
    local live = {}
    local base, last, day = nil, 0, 0
    local seen, unknown, again = {}, 0, 0

    local actions = {}
    function actions.allocate(pointer, size)
        if size == 0 then
            return
        end
        local old = live[pointer]
        if old then
            again = again + 1
            builder:free(old)
        end
        live[pointer] = builder:allocate {
            size = size, fields = {
                needs_size = size, needs_alignment = ALIGNMENT, needs_types = 1,
            },
        }
    end
    function actions.free(pointer)
        local made = live[pointer]
        if made then
            live[pointer] = nil
            builder:free(made)
        elseif not pointer:find("^0?x?0*$") then
            unknown = unknown + 1
        end
    end
    actions["allocate failure"] = function(_, size)
        builder:refuse(size, "raw")
    end

    lines.each(path, function(line, number)
        if not line then
            builder:lose(number, "it is too long to be a line of a log.")
            return
        end
        local thread, time, action, pointer, digits = line:match(ROW)
        local call = actions[action]
        if not call then
            thread, time, action, pointer, digits = line:match(WIDE_ROW)
            call = actions[action]
        end
        if not call then
            if line:find("^%s*\"?Thread") then
                return
            end
            builder:lose(number, thread
                and ("%s is no action: there are allocate, free and allocate failure.")
                    :format(build.shown(action)) or ("it is no row of %s."):format(HEADER))
            return
        end
        local ns, of_day = to_ns(time, seen)
        local size = #digits <= 18 and math.tointeger(tonumber(digits))
        if not ns or not size then
            builder:lose(number, ns and ("%s is no size."):format(digits)
                or ("%s is no time, such as 15:47:02.841961."):format(build.shown(time)))
            return
        end
        ns = ns + day
        if of_day and last - ns > DAY_NS // 2 then
            day = day + DAY_NS
            ns = ns + DAY_NS
        end
        last = math.max(last, ns)
        base = base or ns
        builder.now = math.max(builder.now, ns - base)
        builder:on_thread(thread)
        call(pointer:lower(), size)
    end, progress)

    if unknown > 0 then
        builder:remark(("%s without an allocation in the log, left out."):format(
            text.counted(unknown, "free")))
    end
    if again > 0 then
        builder:remark(("%s of an address that was not freed: it counts as freed then."):format(
            text.counted(again, "allocation")))
    end
end

--- Makes a trace of such a log.
---@param path string
---@param trace string
---@param progress fun(read: integer, all: integer)?
---@return freehold.TraceBuilder
function rmm.import(path, trace, progress)
    return build.trace(trace, function(builder, first)
        play(path, progress and function(read, all)
            progress(read + (first and all or 0), 2 * all)
        end, builder, first)
    end)
end

return rmm
