-- The report: one HTML file that shows what a comparison of replays came to. It needs no network
-- and no other file: style, script and figures are in it.
--
-- What is large is made small here, in Lua, so that the page opens at once after ten events as
-- after a million: lines become points (timeline.lua), blocks and spans those that can be seen
-- (map.lua). The parts of the page lie beside this file: template.html, report.css and the scripts
-- below, which share one scope, in this order. The page draws on canvases by scripts of its own: a
-- charting library would do the lines, but not the map of blocks, and not in the same hand.

local json = require "freehold.cli.json"
local text = require "freehold.cli.text"
local map = require "freehold.report.map"
local notes = require "freehold.report.notes"
local resources = require "freehold.report.resources"
local timeline = require "freehold.report.timeline"

local html = {}

local MODULE = "freehold.report.html"
local TEXT_MAX = 300           -- columns of any text
local SCRIPTS = {
    "format.js", "theme.js", "range.js", "line_chart.js", "map_layout.js", "map_paint.js",
    "map_panel.js", "tables.js", "page.js",
}

---@class freehold.Comparison a trace, and the runs of it that stand side by side
---@field freehold string the version
---@field trace table path, program, tool, damage, dropped, event_count, duration_ns, frame_count,
--- frames_by, device, has_uses, peak_reserved, peak_committed
---@field profile string
---@field what_if string[]
---@field frames integer[]? first and last, of those that count
---@field runs freehold.ComparedRun[]
---@field resource? fun(id: integer): table? what a resource of the trace is: for spans whose
--- columns do not say it

---@class freehold.ComparedRun
---@field name string
---@field as_recorded boolean?
---@field policy string[]
---@field options table<string, any>
---@field option_types table<string, string>?
---@field device table? the heaps and types that it ran on; that of the trace
---@field problems table[]? script, error: what went wrong in scripts
---@field figures table those of fh_replay_figures
---@field timing table
---@field samples table<string, any[]>? columns, a value for each frame
---@field causes table[]
---@field blocks table<string, any[]>? columns
---@field spans table<string, any[]>? columns; `block` counts from 1; `count`: how many there were,
--- if these are not all
---@field watermarks number[]? parts of the limit

local function folder()
    local path = assert(package.searchpath(MODULE, package.path))
    return path:match("^(.*[/\\])") or ""
end

local function read(name)
    local file = assert(io.open(folder() .. name, "rb"))
    local content = assert(file:read("a"))
    file:close()
    return content
end

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escaped(source)
    return (text.clean(source):gsub('[&<>"]', escapes))
end

-- A table of plain values, as the page takes it; whatever else is in it is left out.
local function plain(source)
    local copy = {}
    for key, value in pairs(source or {}) do
        local kind = type(value)
        if kind == "table" then
            copy[key] = plain(value)
        elseif kind == "string" then
            copy[key] = text.cut(text.clean(value, true), TEXT_MAX)
        elseif kind == "boolean" or math.type(value) == "integer"
            or kind == "number" and value == value and math.abs(value) < math.huge
        then
            copy[key] = value
        end
    end
    return copy
end

local function list_of(source)
    return json.list(plain(source))
end

-- Heaps and memory types.
local function device_of(source)
    local device = plain(source)
    device.heaps = list_of(device.heaps)
    device.types = json.list {}
    for i, memory_type in ipairs(source and source.types or {}) do
        device.types[i] = { heap = memory_type.heap, flags = resources.words(memory_type.flags) }
    end
    return device
end

local function page_run(run, axis, known, comparison)
    local causes = json.list {}
    for i, cause in ipairs(run.causes or {}) do
        causes[i] = plain(cause)
    end
    local figures = plain(run.figures)
    figures.heaps = json.list(figures.heaps or {})
    return {
        name = run.name,
        as_recorded = run.as_recorded or false,
        policy = list_of(run.policy),
        options = plain(run.options),
        option_types = plain(run.option_types),
        device = run.device and device_of(run.device),
        figures = figures,
        timing = plain(run.timing),
        watermarks = list_of(run.watermarks),
        lines = timeline.lines(run, axis),
        causes = causes,
        map = map.of(run, axis, known, comparison.resource),
    }
end

local function page_comparison(comparison)
    local axis = timeline.axis(comparison)
    local known = resources.new()
    local runs = json.list {}
    for i, run in ipairs(comparison.runs or {}) do
        runs[i] = page_run(run, axis, known, comparison)
    end
    local trace = plain(comparison.trace)
    trace.device = device_of(comparison.trace and comparison.trace.device)
    return {
        freehold = comparison.freehold or "",
        trace = trace,
        profile = comparison.profile or "as recorded",
        what_if = list_of(comparison.what_if),
        frames = list_of(comparison.frames),
        axis = axis:page(),
        notes = notes.of(comparison),
        runs = runs,
        resources = known:page(),
    }
end

-- What the page is called: the programs that were recorded.
local function title_of(comparisons)
    local names, seen = {}, {}
    for _, comparison in ipairs(comparisons) do
        local trace = comparison.trace or {}
        local path = trace.path or "a trace"
        local name = trace.program and trace.program ~= "" and trace.program
            or path:gsub("^.*[/\\]", "")
        name = text.cut(text.clean(name), 60)
        if not seen[name] then
            seen[name] = true
            names[#names + 1] = name
        end
    end
    if #names > 3 then
        names = { names[1], names[2], ("%d more"):format(#names - 2) }
    end
    return #names > 0 and table.concat(names, ", ") or "nothing recorded"
end

-- The figures as JSON that can stand in a page: no text in it can end the element it is in.
local function data_of(comparisons)
    local page = { comparisons = json.list {} }
    for i, comparison in ipairs(comparisons) do
        page.comparisons[i] = page_comparison(comparison)
    end
    return (json.line(page):gsub("<", "\\u003c"))
end

--- Writes the report of a comparison, or of a list of them, as one HTML file: `write` is called
--- with one piece of text after the other.
---@param comparison freehold.Comparison|freehold.Comparison[]
---@param write fun(piece: string)
function html.render(comparison, write)
    local comparisons = comparison
    if comparison.runs or comparison.trace then
        comparisons = { comparison }
    end
    local parts = {
        title = function()
            write(escaped(title_of(comparisons)))
        end,
        style = function()
            write(read("report.css"))
        end,
        data = function()
            write(data_of(comparisons))
        end,
        script = function()
            for _, name in ipairs(SCRIPTS) do
                write(read(name))
            end
        end,
    }
    local template, at = read("template.html"), 1
    for before, name, after in template:gmatch("(){{(%l+)}}()") do
        write(template:sub(at, before - 1))
        parts[name]()
        at = after
    end
    write(template:sub(at))
end

return html
