-- What traces are exported to, and what is imported as one. Each format is a module in formats/,
-- which says what it is and where it is described; docs/formats.md says for users what each keeps
-- and loses.

local lines = require "freehold.formats.lines"
local scan = require "freehold.formats.scan"
local source = require "freehold.formats.source"
local window = require "freehold.formats.window"

local formats = {}

local TRACE_MAGIC = "\x89FHTR\r\n\x1a"

---@class freehold.Format
---@field name string
---@field doc string
---@field extension string? of files that are exported
---@field one_device boolean? an export is of one device
---@field export? fun(source: freehold.TraceSource, options: freehold.ExportOptions,
--- write: fun(text: string)): table?
---@field import? fun(path: string, trace: string, progress: fun(read: integer, all: integer)?):
--- freehold.TraceBuilder
---@field detect? fun(head: string): boolean

local list = {}
for i, name in ipairs { "chrome", "gpumemdump", "text", "minimalloc", "rmm", "vma" } do
    list[i] = require("freehold.formats." .. name)
end

local function names(field)
    local found = {}
    for _, format in ipairs(list) do
        if format[field] then
            found[#found + 1] = format.name
        end
    end
    return found
end

--- The names of what traces can be exported to.
---@return string[]
function formats.exports()
    return names "export"
end

--- The names of what can be imported.
---@return string[]
function formats.imports()
    return names "import"
end

--- The format of that name.
---@param name string
---@return freehold.Format?
function formats.of(name)
    for _, format in ipairs(list) do
        if format.name == name then
            return format
        end
    end
end

--------------------------------------------------------------------------------------------------
-- Exporting

---@class freehold.ExportRequest
---@field device integer? id; default: of formats that show one device, the one with the largest
--- peak; of the others, all
---@field frames integer[]? the first and the last, from 1
---@field frame integer? gpumemdump: at the end of it; default: at the peak
---@field what "resources"|"memories"|nil rmm, minimalloc; default resources
---@field by "events"|"frames"|"time"|nil minimalloc: what a step is; default events
---@field type integer? minimalloc: only what lies in this memory type
---@field progress fun(read: integer, all: integer)?

---@class freehold.ExportOptions
---@field device freehold.ScannedDevice?
---@field only boolean? nothing but this device was asked for
---@field window freehold.FrameWindow
---@field frames integer[]?
---@field frame integer?
---@field what string
---@field by string?
---@field type integer?
---@field share integer
---@field shares integer

---@class freehold.ExportReport
---@field damage string "" or where the trace is damaged: what is before that was exported
---@field dropped_count integer events that the recorder lost
---@field device freehold.ScannedDevice?
---@field capacity integer? minimalloc
---@field frame integer? gpumemdump

local function device_of(scanned, id)
    if not id then
        return scanned.main
    end
    local known = {}
    for i, device in ipairs(scanned.devices) do
        if device.id == id then
            return device
        end
        known[i] = ("%d (%s)"):format(device.id, device.name)
    end
    source.fail(("the trace has no device %d. It has %s."):format(id,
        #known > 0 and table.concat(known, ", ") or "none"), "invalid")
end

local function check_frames(device, first, last)
    local count = device.frame_count
    if first < 1 or last < first or first > count then
        source.fail(("there %s: device %d has %d of them (by %s)."):format(
            first == last and ("is no frame %d"):format(first)
            or ("are no frames %d..%d"):format(first, last), device.id, count, device.frames_by),
            "invalid")
    end
end

local function export(path, format, request, write)
    local from = source.new(path, request.progress)
    local frames = request.frame and { request.frame, request.frame } or request.frames
    local options = {
        what = request.what or "resources", by = request.by, type = request.type,
        frame = request.frame, frames = frames, only = request.device ~= nil, share = 1, shares = 1,
        window = window.new(),
    }
    if format.one_device or request.device or frames then
        local scanned = scan.of(from, 2)
        options.share, options.shares, options.scanned = 2, 2, scanned
        options.device = device_of(scanned, request.device)
        if not options.device then
            source.fail(from.damage ~= "" and from.damage
                or "the trace has no device, so there is nothing to export.", "format")
        end
        if frames then
            check_frames(options.device, frames[1], frames[2])
            options.window = window.new(options.device, frames[1], frames[2])
        end
    end
    local report = format.export(from, options, write) or {}
    report.damage, report.dropped_count = from.damage, from.dropped_count
    report.device = options.device
    return report
end

--- Exports a trace, to the end or to where it is damaged.
---@param path string
---@param name string of the format
---@param request freehold.ExportRequest
---@param write fun(text: string)
---@return freehold.ExportReport? report
---@return string? message
---@return string? code
function formats.export(path, name, request, write)
    return source.guard(export, path, assert(formats.of(name)), request, write)
end

--------------------------------------------------------------------------------------------------
-- Importing

---@class freehold.ImportReport
---@field format string
---@field event_count integer
---@field resource_count integer
---@field peak integer bytes
---@field lost_count integer lines that were left out
---@field remarks string[] what else there is to say
---@field unsaid integer how many more remarks there were

local function detect(path)
    local head = lines.head(path)
    if head:sub(1, #TRACE_MAGIC) == TRACE_MAGIC then
        return "trace"
    elseif not head:find("%S") then
        source.fail("the file is empty.", "format")
    end
    for _, format in ipairs(list) do
        if format.detect and format.detect(head) then
            return format.name
        end
    end
    source.fail((head:find("^\xFF\xFE") or head:find("^\xFE\xFF"))
        and "this is text in UTF-16. Save it as UTF-8."
        or ("this is neither a trace nor a log that can be imported (%s).")
            :format(table.concat(formats.imports(), ", ")), "format")
end

--- What a file is, by what it begins with: "trace", or a format.
---@param path string
---@return string? name
---@return string? message
---@return string? code
function formats.detect(path)
    return source.guard(detect, path)
end

local function import(path, name, trace, progress)
    local format = formats.of(name or detect(path))
    if not format then
        source.fail("this is a trace already.", "format")
    end
    local builder = format.import(path, trace, progress)
    if builder.resource_count == 0 then
        source.fail(builder.remarks[1] and ("nothing of it could be read, as a log of %s. %s")
            :format(format.name, builder.remarks[1])
            or "there is no allocation in it.", "format")
    end
    return {
        format = format.name, event_count = builder.event_count,
        resource_count = builder.resource_count, peak = builder.peak,
        lost_count = builder.lost_count, remarks = builder.remarks, unsaid = builder.unsaid,
    }
end

--- Makes a trace of a log. What cannot be read of it is left out, and said.
---@param path string
---@param name string? of the format; default: by what the file begins with
---@param trace string where to write it: replaced, but not by what is no log at all
---@param progress fun(read: integer, all: integer)?
---@return freehold.ImportReport? report
---@return string? message
---@return string? code
function formats.import(path, name, trace, progress)
    return source.guard(import, path, name, trace, progress)
end

---@class freehold.OpenedTrace
---@field path string of a trace
---@field report freehold.ImportReport? when it was made of a log
local Opened = {}
Opened.__index = Opened

--- Takes away what was made. A recording that was read is whole without it.
function Opened:close()
    if self.report then
        os.remove(self.path)
    end
end
Opened.__close = Opened.close

--- A trace, or one that is made of a log.
---@param path string
---@param progress fun(read: integer, all: integer)?
---@return freehold.OpenedTrace? opened to be closed when the trace was read
---@return string? message
---@return string? code
function formats.open(path, progress)
    local name, message, code = formats.detect(path)
    if not name then
        return nil, message, code
    elseif name == "trace" then
        return setmetatable({ path = path }, Opened)
    end
    local trace = os.tmpname()
    local report
    report, message, code = formats.import(path, name, trace, progress)
    if not report then
        os.remove(trace)
        return nil, message, code
    end
    return setmetatable({ path = trace, report = report }, Opened)
end

return formats
