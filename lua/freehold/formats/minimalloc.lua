-- MiniMalloc's CSV of buffers for static planning: `id,lower,upper,size` and, when they are there,
-- `alignment`, `hint`, `gaps`, and the `offset` of a solution. A buffer lives in the half-open
-- interval [lower, upper). The file's name holds the capacity: `NAME.CAPACITY.csv`.
-- Source: the documentation of MiniMalloc. Its older files have `start` (or `begin`) and an
-- inclusive `end`.
--
-- What a step of such a file is, only its maker knows. Imported, a step is a microsecond; exported
-- again, it is a step. Of other traces the steps are those at which anything happens, so that the
-- file says what lives beside what, and nothing else.

local text = require "freehold.cli.text"
local build = require "freehold.formats.build"
local lines = require "freehold.formats.lines"
local scan = require "freehold.formats.scan"
local source_of = require "freehold.formats.source"
local state = require "freehold.formats.state"

local minimalloc = {
    name = "minimalloc", doc = "buffers for static planning, of MiniMalloc (CSV)",
    extension = "csv", one_device = true,
}

local STEP_NS = 1000

--------------------------------------------------------------------------------------------------
-- Export

-- Steps: `lower` of what is born now, and `upper` of what dies now.
local steps = {}

-- A step for each change from deaths to births: what does not live at one time shares none.
function steps.events()
    local step, dying = 0, false
    local function born()
        dying = false
        return step
    end
    local function died()
        if not dying then
            step, dying = step + 1, true
        end
        return step
    end
    return born, died
end

-- Whole frames: what lives in one at all lives in all of it. What ends a frame changes no memory.
function steps.frames(options, now)
    local counter = scan.counter(options.device.id, options.device.frames_by)
    local last = math.min(options.window.last or math.maxinteger, options.device.frame_count)
    local function born()
        return counter.frame - 1
    end
    local function died(lower)
        return math.max(math.min(counter.frame, last), lower + 1)
    end
    local function tick(event)
        counter:take(event, now)
    end
    return born, died, tick
end

function steps.time(_, now, ns)
    local function born()
        return now.now // ns
    end
    local function died(lower)
        return math.max((now.now + ns - 1) // ns, lower + 1)
    end
    return born, died
end

-- What the trace of such a file says of it.
local function origin(note)
    local ns = note and note:match("MiniMalloc CSV: a step is (%d+) ns")
    if not ns then
        return {}
    end
    return {
        ns = math.tointeger(tonumber(ns)),
        capacity = math.tointeger(tonumber(note:match(", capacity (%d+)"))),
        solution = note:find(", a solution", 1, true) ~= nil,
    }
end

local function numbers_of(count)
    local order = {}
    for i = 1, count do
        order[i] = i
    end
    return order
end

local function id_text(id)
    return id < 0 and ("0x%x"):format(id) or tostring(id)
end

--- Writes what lived on a device as such a file: rows in the order of ids. A resource that is bound
--- again elsewhere has a row for each time.
---@param source freehold.TraceSource
---@param options freehold.ExportOptions `device`, `what`, `by`, `type`, `window`
---@param write fun(text: string)
---@return { capacity: integer, count: integer }
function minimalloc.export(source, options, write)
    local window = options.window
    local from = origin(options.scanned.state.source)
    local rows = { id = {}, time = {}, name = {}, lower = {}, upper = {}, size = {},
        alignment = {}, offset = {} }
    local count, aligned, times, live = 0, false, {}, {}
    local reserved, peak = 0, 0
    local born, died, tick

    local function wanted(object, type)
        return object.device.id == options.device.id and not object.imported
            and (not options.type or options.type == type)
    end
    local function begin(object, type, size, alignment)
        if not wanted(object, type) or size < 1 then
            return
        end
        count = count + 1
        live[object] = count
        times[object.id] = (times[object.id] or 0) + 1
        rows.id[count], rows.time[count] = object.id, times[object.id]
        rows.size[count], rows.alignment[count] = size, math.max(alignment, 1)
        rows.offset[count] = object.offset or 0
        rows.lower[count] = window.open and born() or -1
        rows.upper[count], rows.name[count] = -1, false
        aligned = aligned or alignment > 1
    end
    local function finish(object)
        local row = live[object]
        if row then
            live[object] = nil
            rows.upper[row] = window.open and died(rows.lower[row]) or -1
            rows.name[row] = from.ns and object.name or false
        end
    end
    local resources = options.what ~= "memories"
    local now = state.new {
        memory = function(memory)
            if wanted(memory, memory.type) then
                reserved = reserved + memory.size
                peak = window.open and math.max(peak, reserved) or peak
            end
            if not resources then
                begin(memory, memory.type, memory.size, 1)
            end
        end,
        memory_freed = function(memory)
            if wanted(memory, memory.type) then
                reserved = reserved - memory.size
            end
            finish(memory)
        end,
        bound = resources and function(resource)
            begin(resource, resource.memory.type, resource.taken,
                resource.event.needs_alignment or 1)
        end,
        unbound = finish,
    }
    local by = options.by or from.ns and "time" or "events"
    born, died, tick = steps[by](options, now, from.ns or STEP_NS)

    function window.on_open()
        peak = math.max(peak, reserved)
        for _, row in pairs(live) do
            rows.lower[row] = born()
        end
    end
    source:pass(function(event)
        if tick then
            tick(event)
        end
        if window:before(event, now) then
            return true
        end
        now:apply(event)
        return window:after()
    end, options.share, options.shares)
    window.open = true
    for object, row in pairs(live) do
        if rows.lower[row] < 0 then
            live[object] = nil
        end
    end
    while next(live) do
        finish((next(live)))
    end

    local solution = from.solution and resources
    local order = numbers_of(count)
    table.sort(order, function(a, b)
        if rows.id[a] ~= rows.id[b] then
            return math.ult(rows.id[a], rows.id[b])
        end
        return rows.time[a] < rows.time[b]
    end)
    write("id,lower,upper,size" .. (aligned and ",alignment" or "")
        .. (solution and ",offset" or "") .. "\n")
    local written = 0
    for _, i in ipairs(order) do
        if rows.upper[i] >= 0 then
            local id = rows.name[i] or id_text(rows.id[i])
            if rows.time[i] > 1 then
                id = id .. "." .. rows.time[i]
            end
            write(("%s,%d,%d,%d%s%s\n"):format(id:gsub("[,%c]", "_"), rows.lower[i],
                rows.upper[i], rows.size[i], aligned and "," .. rows.alignment[i] or "",
                solution and "," .. rows.offset[i] or ""))
            written = written + 1
        end
    end
    local whole = not options.type and not options.frames
    return { capacity = whole and from.capacity or peak, count = written }
end

--------------------------------------------------------------------------------------------------
-- Import

local MEANINGS = {
    id = "id", buffer = "id", buffer_id = "id", lower = "lower", start = "lower", begin = "lower",
    upper = "upper", ["end"] = "last", size = "size", alignment = "alignment", hint = "hint",
    gaps = "gaps", offset = "offset",
}

local function fields_of(line)
    local fields = {}
    for field in (line .. ","):gmatch("%s*([^,]-)%s*,") do
        fields[#fields + 1] = field
    end
    return fields
end

-- Which column is what; nil when the line is no heading of such a file.
local function columns_of(line)
    local columns = {}
    for i, name in ipairs(fields_of(line)) do
        local meaning = MEANINGS[name:gsub('^"(.*)"$', "%1"):lower()]
        if meaning then
            columns[meaning] = columns[meaning] or i
        end
    end
    return columns.lower and (columns.upper or columns.last) and columns.size and columns or nil
end

--- Whether a file that begins so is one.
---@param head string
---@return boolean
function minimalloc.detect(head)
    return columns_of(head:match("^%s*([^\r\n]*)") or "") ~= nil
end

local function number_of(digits)
    return digits and #digits <= 19 and digits:find("^%d+$")
        and math.tointeger(tonumber(digits)) or nil
end

local function power_of_two(value)
    local power = 1
    while power < value and power < 1 << 62 do
        power = power << 1
    end
    return power
end

-- What is wrong with a row; nil when nothing is.
local function complaint(row)
    if not row.lower or not row.upper then
        return "its interval is not of whole numbers from 0."
    elseif row.upper <= row.lower then
        return ("it lives from %d until %d, which is never."):format(row.lower, row.upper)
    elseif not row.size or row.size < 1 or row.size > 1 << 62 then
        return "its size is no whole number from 1."
    elseif row.alignment and (row.alignment < 1 or row.alignment > 1 << 62) then
        return "its alignment is no whole number from 1."
    end
end

-- All rows of the file, and what it says of itself.
local function read(path, progress, builder)
    local file = { rows = {}, gaps = 0, hints = 0, odd = 0, solution = false, last = 0 }
    local columns, number_of_row = nil, 0
    lines.each(path, function(line, number)
        if not line then
            builder:lose(number, "it is too long to be a row.")
            return
        elseif not columns then
            columns = columns_of(line)
            if not columns then
                source_of.fail(("line %d is no heading of a MiniMalloc CSV: that has id, lower, "
                    .. "upper and size."):format(number), "format")
            end
            file.solution = columns.offset ~= nil
            return
        end
        local fields = fields_of(line)
        local last = number_of(fields[columns.last])
        number_of_row = number_of_row + 1
        local row = {
            name = columns.id and fields[columns.id] or tostring(number_of_row),
            lower = number_of(fields[columns.lower]),
            upper = last and last < math.maxinteger and last + 1
                or number_of(fields[columns.upper]),
            size = number_of(fields[columns.size]),
            alignment = number_of(fields[columns.alignment]),
            offset = number_of(fields[columns.offset]),
        }
        local wrong = complaint(row)
        if wrong then
            builder:lose(number, wrong)
            return
        end
        row.name = row.name and row.name ~= "" and row.name or tostring(number_of_row)
        file.solution = file.solution and row.offset ~= nil
            and row.offset <= math.maxinteger - row.size
        if row.alignment and row.alignment & row.alignment - 1 ~= 0 then
            row.alignment = power_of_two(row.alignment)
            file.odd = file.odd + 1
        end
        file.gaps = file.gaps + ((fields[columns.gaps] or "") ~= "" and 1 or 0)
        file.hints = file.hints + ((fields[columns.hint] or "") ~= "" and 1 or 0)
        file.last = math.max(file.last, row.upper)
        file.rows[#file.rows + 1] = row
    end, progress)
    if not columns then
        source_of.fail("the file is empty.", "format")
    end
    return file
end

local function remark(builder, count, noun, what)
    if count > 0 then
        builder:remark(("%s %s"):format(text.counted(count, noun), what))
    end
end

-- The memory of a solution: it holds them all, each where the file says.
local function reserve(builder, file, capacity)
    local size = capacity or 0
    for _, row in ipairs(file.rows) do
        size = math.max(size, row.offset + row.size)
    end
    builder.peak = math.max(builder.peak, size)
    builder:add { kind = "memory", memory = 1, device = 1, type = 0, size = size }
    return size
end

local function play(path, progress, builder, first)
    local file = read(path, progress, builder)
    local rows = file.rows
    if #rows == 0 then
        return
    end
    local name = path:match("[^/\\]*$")
    local capacity = number_of(name:match("%.(%d+)%.[Cc][Ss][Vv]$"))
    capacity = capacity and capacity > 0 and capacity <= 1 << 62 and capacity or nil
    local ns = file.last < math.maxinteger // STEP_NS and STEP_NS or 1
    if first then
        builder:begin(path, ("MiniMalloc CSV: a step is %d ns%s%s"):format(ns,
            capacity and (", capacity %d"):format(capacity) or "",
            file.solution and ", a solution" or ""))
        builder:note("remark", file.solution
            and "The plan is one memory of the driver's, which all buffers lie in."
            or "Each buffer is taken as one of the driver's allocations.")
        builder:device("MiniMalloc, " .. name, math.max(first.peak, capacity or 0))
        remark(builder, file.gaps, "buffer", "with gaps in its life: it is taken to live on.")
        remark(builder, file.hints, "buffer", "with a hint where to lie, which is left out.")
        remark(builder, file.odd, "alignment", "that is no power of two: the next one is taken.")
    end

    local births, deaths = {}, {}
    for i = 1, #rows do
        births[i], deaths[i] = i, i
    end
    local function by(key)
        return function(a, b)
            local x, y = rows[a][key], rows[b][key]
            return x < y or x == y and a < b
        end
    end
    table.sort(births, by "lower")
    table.sort(deaths, by "upper")
    builder.now = rows[births[1]].lower * ns
    local memory = file.solution and 1 or nil
    if memory then
        reserve(builder, file, capacity)
    end
    local made, dead = {}, 1
    local function bury(before)
        while dead <= #deaths and rows[deaths[dead]].upper <= before do
            local i = deaths[dead]
            builder.now = rows[i].upper * ns
            builder:free(made[i])
            dead = dead + 1
        end
    end
    for _, i in ipairs(births) do
        local row = rows[i]
        bury(row.lower)
        builder.now = row.lower * ns
        made[i] = builder:allocate {
            id = i, size = row.size, name = row.name, memory = memory, offset = row.offset,
            fields = {
                needs_size = row.size, needs_alignment = row.alignment or 1, needs_types = 1,
            },
        }
    end
    bury(math.maxinteger)
    if memory then
        builder:add { kind = "memory_freed", memory = memory }
    end
end

--- Makes a trace of such a file.
---@param path string
---@param trace string
---@param progress fun(read: integer, all: integer)?
---@return freehold.TraceBuilder
function minimalloc.import(path, trace, progress)
    return build.trace(trace, function(builder, first)
        play(path, progress and function(done, all)
            progress(done + (first and all or 0), 2 * all)
        end, builder, first)
    end)
end

return minimalloc
