-- A comparison as text: figures as rows, runs as columns, each with its difference to what the
-- program did itself, and below what has to be known before they are believed, and which lines of
-- the scripts decided. Where a screen is too narrow for all runs, they come in several tables.

local remarks = require "freehold.cli.remarks"
local size = require "freehold.cli.size"
local text = require "freehold.cli.text"

local figures = {}

local NS = 1000000000
local GAP = "   "
local CAUSES_MAX = 5           -- of a run, that are shown

local colours = { green = 32, red = 31, faint = 2, bold = 1, yellow = 33 }

local function coloured(settings, colour, source)
    if not colour or not settings.colour or source == "" then
        return source
    end
    return ("\27[%dm%s\27[m"):format(colours[colour], source)
end

--- A count for people: "1,204,113".
---@param count integer
---@return string
function figures.count(count)
    local digits = ("%d"):format(count):reverse():gsub("(%d%d%d)", "%1,"):reverse()
    return (digits:gsub("^,", ""))
end

local function counted(count, noun)
    return ("%s %s%s"):format(figures.count(count), noun, count == 1 and "" or "s")
end

local function percent(ppm)
    return ("%.1f %%"):format(ppm / 10000)
end

local function duration(ns)
    if ns >= NS then
        return ("%.2f s"):format(ns / NS)
    end
    return ns >= 1000000 and ("%.1f ms"):format(ns / 1000000) or ("%d us"):format(ns // 1000)
end

--------------------------------------------------------------------------------------------------
-- Rows

-- What a row is: `of(run)` is its figure, `form` how it is written; `less` when less of it is
-- better. `always`: also when it is 0 in all runs.
local function row(label, form, of, more)
    return {
        label = label, form = form, of = of, less = more.less, always = more.always,
        plain = more.plain,
    }
end

local function field(name)
    return function(run)
        return run.figures[name]
    end
end

local function of_total(name)
    return function(run)
        return run.figures.total[name]
    end
end

local function heap_rows(rows, index)
    local function of(name)
        return function(run)
            local heap = run.figures.heaps[index + 1]
            return heap and heap[name] or 0
        end
    end
    for _, what in ipairs { "reserved", "committed" } do
        for _, kind in ipairs { "peak", "mean" } do
            rows[#rows + 1] = row(("heap %d %s %s"):format(index, what, kind), size.format,
                of(what .. "_" .. kind), { less = what == "reserved" })
        end
    end
end

-- The heaps that some run used.
local function used_heaps(runs)
    local used = {}
    for index = 0, 15 do
        for _, run in ipairs(runs) do
            local heap = run.figures.heaps[index + 1]
            if heap and heap.reserved_peak > 0 then
                used[#used + 1] = index
                break
            end
        end
    end
    return used
end

local less, always, neutral = { less = true }, { less = true, always = true }, { always = true }

local function rows_of(runs)
    local function bytes(label, name, more)
        return row(label, size.format, field(name), more or less)
    end
    local function count(label, name, more)
        return row(label, figures.count, field(name), more or less)
    end
    local rows = {
        row("reserved peak", size.format, of_total("reserved_peak"), always),
        row("reserved mean", size.format, of_total("reserved_mean"), always),
        row("committed peak", size.format, of_total("committed_peak"), neutral),
        row("committed mean", size.format, of_total("committed_mean"), neutral),
    }
    local heaps = used_heaps(runs)
    if #heaps > 1 then
        for _, index in ipairs(heaps) do
            heap_rows(rows, index)
        end
    end
    for _, one in ipairs {
        bytes("waste peak", "waste_peak", always),
        bytes("waste mean", "waste_mean", always),
        row("fragmentation peak", percent, field("fragmentation_peak_ppm"), always),
        row("fragmentation mean", percent, field("fragmentation_mean_ppm"), always),
        count("driver allocations", "driver_alloc_count", always),
        bytes("driver bytes", "driver_alloc_bytes", always),
        count("requests", "request_count", neutral),
        count("refused", "refused_count", always),
        bytes("bytes refused", "refused_bytes"),
        count("uses without memory", "miss_count"),
        count("evicted", "evicted_count", always),
        bytes("bytes evicted", "evicted_bytes"),
        count("reloads", "reload_count"),
        bytes("bytes reloaded", "reload_bytes"),
        count("moved", "moved_count"),
        bytes("bytes moved", "moved_bytes"),
        count("frames over budget", "frames_over_budget", always),
        count("decisions", "decision_count", {}),
        count("failed decisions", "decision_failed_count"),
    } do
        rows[#rows + 1] = one
    end
    return rows
end

-- Of this machine and moment: without differences, since as recorded nothing is decided.
local function timing_rows()
    local function of(name)
        return function(run)
            return run.timing[name]
        end
    end
    return {
        row("time to replay", duration, of("wall_ns"), { plain = true, always = true }),
        row("time in policy", duration, of("policy_ns"), { plain = true }),
        row("decisions a second", figures.count, of("decisions_per_second"), { plain = true }),
    }
end

-- How a figure differs from the first run's, and in which colour that is said.
local function difference(one, value, base)
    if one.plain or value == base then
        return "", nil
    elseif base == 0 then
        return "", one.less and "red" or nil
    end
    local share = (value - base) / base
    if math.abs(share) < 0.0005 then
        return "", nil
    end
    -- What is not all of it does not read as all of it.
    local is_fine = math.abs(share) < 0.0995 or share > -1 and share <= -0.995
    local form = is_fine and "%+.1f %%" or "%+.0f %%"
    local label = share >= 9.995 and ("x%.0f"):format(value / base) or form:format(100 * share)
    return label, one.less and (share < 0 and "green" or "red") or nil
end

-- The cells of a row that has something to say: text, difference and colour of each run.
local function cells_of(one, runs)
    local cells, says = {}, one.always
    local base = one.of(runs[1])
    for i, run in ipairs(runs) do
        local value = one.of(run)
        says = says or value ~= 0
        local change, colour = "", nil
        if i > 1 then
            change, colour = difference(one, value, base)
        end
        cells[i] = { value = one.form(value), change = change, colour = colour }
    end
    return says and cells or nil
end

--------------------------------------------------------------------------------------------------
-- Tables

-- How wide the parts of each run's column are.
local function widths_of(runs, lines)
    local widths = {}
    for i, run in ipairs(runs) do
        local one = { value = 0, change = 0 }
        for _, line in ipairs(lines) do
            one.value = math.max(one.value, #line.cells[i].value)
            one.change = math.max(one.change, #line.cells[i].change)
        end
        one.all = one.value + (one.change > 0 and one.change + 2 or 0)
        local head = math.min(text.width(text.clean(run.name)), 24)
        if one.all < head then
            one.value = one.value + head - one.all
            one.all = head
        end
        widths[i] = one
    end
    return widths
end

-- The runs, from the second on, in groups that fit beside the first one; where not even one does,
-- the first stands alone, and so do the others.
local function groups_of(widths, label, width)
    local first = #GAP + widths[1].all
    local groups, group, left = {}, { 1 }, width - label - first
    for i = 2, #widths do
        local needs = #GAP + widths[i].all
        if needs > left then
            groups[#groups + 1] = group
            local is_beside = label + first + needs <= width
            group = is_beside and { 1 } or {}
            left = width - label - (is_beside and first or 0)
        end
        group[#group + 1] = i
        left = left - needs
    end
    groups[#groups + 1] = group
    return groups
end

local function cell_text(settings, cell, widths)
    local value = (" "):rep(widths.value - #cell.value) .. cell.value
    if widths.change == 0 then
        return value
    end
    return value .. "  " .. (" "):rep(widths.change - #cell.change)
        .. coloured(settings, cell.colour, cell.change)
end

-- A text of `width` columns, to the right.
local function right(source, width)
    local cut = text.cut(text.clean(source), width)
    return (" "):rep(width - text.width(cut)) .. cut
end

local function add_table(out, runs, lines, settings, width)
    local label = 0
    for _, line in ipairs(lines) do
        label = math.max(label, #line.label)
    end
    local widths = widths_of(runs, lines)
    for g, group in ipairs(groups_of(widths, label, width)) do
        local head = { (" "):rep(label) }
        for k, i in ipairs(group) do
            head[k + 1] = coloured(settings, "bold", right(runs[i].name, widths[i].all))
        end
        out[#out + 1] = (g > 1 and "\n" or "") .. table.concat(head, GAP)
        for _, line in ipairs(lines) do
            local parts = { line.label .. (" "):rep(label - #line.label) }
            for k, i in ipairs(group) do
                parts[k + 1] = cell_text(settings, line.cells[i], widths[i])
            end
            out[#out + 1] = (table.concat(parts, GAP):gsub("%s+$", ""))
        end
    end
end

local function lines_of(rows, runs)
    local lines = {}
    for _, one in ipairs(rows) do
        local cells = cells_of(one, runs)
        if cells then
            lines[#lines + 1] = { label = one.label, cells = cells }
        end
    end
    return lines
end

--------------------------------------------------------------------------------------------------
-- Above and below

-- `source` in lines of at most `width` columns; the first begins with `first`, the others with
-- `rest`, by default as many blanks.
local function add_wrapped(out, first, source, width, rest)
    local indent = rest or (" "):rep(#first)
    local line, empty = first, true
    for word in text.clean(source):gmatch("%S+") do
        if not empty and text.width(line) + 1 + text.width(word) > width then
            out[#out + 1] = line
            line, empty = indent, true
        end
        line = line .. (empty and "" or " ") .. word
        empty = false
    end
    out[#out + 1] = line
end

local ends = {
    presents = "a frame ends when the program presents",
    submits = "a frame is a batch of submitted work: the program presents nothing",
    time = "a frame is 16.7 ms: the trace has neither presents nor submits",
}

local function add_head(out, compared, settings, width)
    local trace = compared.trace
    local name = trace.program ~= "" and trace.program or trace.path
    local first, last = compared.frames[1], compared.frames[2]
    out[#out + 1] = coloured(settings, "bold", text.cut(text.clean(name), width))
    add_wrapped(out, "  ", ("%s: %s, %s in %.1f s; %s"):format(trace.path,
        counted(trace.event_count, "event"), counted(trace.frame_count, "frame"),
        trace.duration_ns / NS, ends[trace.frames_by]), width)
    add_wrapped(out, "  ", ("recorded on %s (%s)%s"):format(trace.device.name, trace.device.api,
        trace.tool ~= "" and " by " .. trace.tool or ""), width)
    local played = {}
    if compared.profile ~= "as recorded" then
        played[1] = "on " .. compared.profile
    end
    if #compared.what_if > 0 then
        played[#played + 1] = "with " .. table.concat(compared.what_if, ", ")
    end
    if first > 1 or last < trace.frame_count then
        played[#played + 1] = ("frames %d to %d count"):format(first, last)
    end
    if #played > 0 then
        add_wrapped(out, "  ", "played " .. table.concat(played, "; "), width)
    end
    out[#out + 1] = ""
end

local function settings_text(run)
    local names = {}
    for name in pairs(run.options) do
        names[#names + 1] = name
    end
    table.sort(names)
    local parts = {}
    for i, name in ipairs(names) do
        local value = run.options[name]
        parts[i] = ("%s=%s"):format(name, run.option_types[name] == "bytes" and size.format(value)
            or math.type(value) == "float" and ("%.6g"):format(value) or tostring(value))
    end
    return table.concat(parts, ", ")
end

-- The causes that did something to resources, those with most bytes first.
local function effective(causes)
    local list = {}
    for _, cause in ipairs(causes) do
        if cause.resource_count > 0 then
            list[#list + 1] = cause
        end
    end
    table.sort(list, function(a, b)
        if a.bytes ~= b.bytes then
            return a.bytes > b.bytes
        elseif a.resource_count ~= b.resource_count then
            return a.resource_count > b.resource_count
        elseif a.script ~= b.script then
            return a.script < b.script
        end
        return a.line < b.line or a.line == b.line and a.hook < b.hook
    end)
    return list
end

-- What became of the resources of a cause, each by itself.
local function fates_of(cause)
    local parts = {}
    for _, fate in ipairs { "placed", "evicted", "refused" } do
        local count = cause[fate .. "_count"] or 0
        if count > 0 then
            parts[#parts + 1] = ("%s %s (%s)"):format(fate, figures.count(count),
                size.format(cause[fate .. "_bytes"]))
        end
    end
    return table.concat(parts, ", ")
end

local function add_causes(out, run, settings, width)
    local causes = effective(run.causes)
    out[#out + 1] = ""
    out[#out + 1] = coloured(settings, "bold", text.cut("What decided in " .. text.clean(run.name),
        width))
    if next(run.options) then
        add_wrapped(out, "  ", "options: " .. settings_text(run), width, "    ")
    end
    for i = 1, math.min(#causes, CAUSES_MAX) do
        local cause = causes[i]
        local where = cause.script == "" and "the native rules" or cause.line > 0
            and ("%s, line %d"):format(cause.script, cause.line) or cause.script
        add_wrapped(out, "  ", ("%s, %s: %s in %s%s"):format(where, cause.hook, fates_of(cause),
            counted(cause.decision_count, "decision"),
            cause.answer ~= "" and ": " .. cause.answer or ""), width, "    ")
    end
    local others = #run.causes - math.min(#causes, CAUSES_MAX)
    if #causes == 0 then
        add_wrapped(out, "  ", "nothing: no resource was placed, evicted or refused by it", width)
    elseif others > 0 then
        add_wrapped(out, "  ", ("and %s"):format(counted(others, "other line")), width)
    end
end

--- The comparison as text.
---@param compared table
---@param settings { colour: boolean }
---@param width integer
---@return string
function figures.render(compared, settings, width)
    width = math.max(width, 20)
    local out = {}
    add_head(out, compared, settings, width)
    if #compared.runs > 0 then
        local lines = lines_of(rows_of(compared.runs), compared.runs)
        table.move(lines_of(timing_rows(), compared.runs), 1, 3, #lines + 1, lines)
        add_table(out, compared.runs, lines, settings, width)
    end
    local notes = remarks.of(compared)
    if #notes > 0 then
        out[#out + 1] = ""
    end
    for _, note in ipairs(notes) do
        local start = #out + 1
        add_wrapped(out, "- ", note.text, width)
        for i = start, #out do
            out[i] = coloured(settings, note.level == "warning" and "yellow" or nil, out[i])
        end
    end
    for _, run in ipairs(compared.runs) do
        if #run.policy > 0 then
            add_causes(out, run, settings, width)
        end
    end
    return table.concat(out, "\n") .. "\n"
end

return figures
