-- `freehold import`: a trace made of another tool's log.

local formats = require "freehold.formats"
local progress = require "freehold.cli.progress"
local same_file = require "freehold.cli.same_file"
local size = require "freehold.cli.size"
local text = require "freehold.cli.text"

local command = {}

local function list_of_formats()
    local out = {}
    for _, name in ipairs(formats.imports()) do
        out[#out + 1] = ("   %-12s %s"):format(name, formats.of(name).doc)
    end
    return table.concat(out, "\n")
end

--- Adds the command to the parser of `freehold`.
function command.describe(parser)
    parser:summary "turn another tool's log into a trace"
    parser:description(
        "Reads a log of allocations and makes a trace of it, which can be replayed under policies\n"
        .. "(freehold replay takes such logs directly, too) and exported to other formats.")
    parser:argument("file", "the log"):argname "FILE"
    parser:option("--from", "its format: " .. table.concat(formats.imports(), ", ")
        .. " (default: by what the file begins with)"):argname "FORMAT"
        :choices(formats.imports())
    parser:option("-o --output", "the trace to write, which is replaced (default: the log's name "
        .. "with .fhtrace, beside it, unless that is there)"):argname "FILE.fhtrace"
    parser:epilog("Formats:\n" .. list_of_formats() .. [[


Such logs know what was asked for, and not what the driver was asked for: each allocation is taken
as one of the driver's, so as recorded is the least that it can have been. docs/formats.md tells
what each format keeps and loses.

Examples:
   freehold import rmm_log.dev0.csv                 writes rmm_log.dev0.fhtrace
   freehold import vma_calls.csv -o game.fhtrace
   freehold replay game.fhtrace --policy budget

Lines that cannot be read are left out; that is said, and the exit code is 1. (A replay of
such a log says so among its notes.)]])
end

local function is_there(path)
    local file = io.open(path, "rb")
    if file then
        file:close()
    end
    return file ~= nil
end

local function output_of(host, args)
    if args.output then
        if same_file.among(args.output, { args.file }) then
            host.misuse("the log itself cannot be the output. Give another file.")
        end
        return args.output
    end
    local folder, name = args.file:match("^(.*[/\\])([^/\\]*)$")
    folder, name = folder or "", name or args.file
    local path = folder .. (name:match("^(.+)%.[^.]*$") or name) .. ".fhtrace"
    if is_there(path) then
        host.misuse(("%s is there already. Say where to write to: -o FILE.fhtrace"):format(path))
    end
    return path
end

--- Runs the command.
function command.run(args, host)
    local path = output_of(host, args)
    local bar = progress.open()
    local report, message = formats.import(args.file, args.from, path, function(read, all)
        bar:show("importing", read, all)
    end)
    bar:clear()
    if not report then
        host.fail(text.about(args.file, message))
    end
    host.print(("%s: %s, peak %s, %s\n"):format(path,
        text.counted(report.resource_count, "resource"), size.format(report.peak),
        text.counted(report.event_count, "event")))
    for _, remark in ipairs(report.remarks) do
        io.stderr:write(text.clean(("%s: %s"):format(args.file, remark)), "\n")
    end
    if report.unsaid > 0 then
        io.stderr:write(("and %s like these\n"):format(
            text.counted(report.unsaid, "more remark")))
    end
    if report.lost_count > 0 then
        host.fail(("%s: %s could not be read."):format(args.file,
            text.counted(report.lost_count, "line")))
    end
end

return command
