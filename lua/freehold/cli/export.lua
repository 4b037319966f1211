-- `freehold export`: a trace in the format of another tool.

local formats = require "freehold.formats"
local progress = require "freehold.cli.progress"
local same_file = require "freehold.cli.same_file"
local size = require "freehold.cli.size"
local text = require "freehold.cli.text"

local command = {}

local function to_count(source)
    local count = math.tointeger(tonumber(source))
    if not count or count < 1 then
        return nil, ("'%s' is no number. Give a whole number from 1."):format(source)
    end
    return count
end

local function to_type(source)
    local type = math.tointeger(tonumber(source))
    if not type or type < 0 or type > 31 then
        return nil, ("'%s' is no memory type. Give its number, from 0 to 31."):format(source)
    end
    return type
end

local function to_frames(source)
    local first, last = source:match("^(%d*)%.%.(%d*)$")
    if not first then
        first = source:match("^%d+$")
        last = first
    end
    local low = first == "" and 1 or math.tointeger(tonumber(first))
    local high = last == "" and math.maxinteger or math.tointeger(tonumber(last))
    if not low or not high or low < 1 or high < low or first == last and first == "" then
        return nil, ("'%s' are no frames. Give the first and the last, such as 1..100, 100.. or "
            .. "..200."):format(source)
    end
    return { low, high }
end

local function list_of_formats()
    local out = {}
    for _, name in ipairs(formats.exports()) do
        out[#out + 1] = ("   %-12s %s"):format(name, formats.of(name).doc)
    end
    return table.concat(out, "\n")
end

--- Adds the command to the parser of `freehold`.
function command.describe(parser)
    parser:summary "turn a trace into the format of another tool"
    parser:description(
        "Reads a trace (of freehold record, device:record or freehold import) and writes what it\n"
        .. "tells in the format of another tool. Long traces are read and written piece by piece.")
    parser:argument("trace", "the trace"):argname "TRACE"
    parser:option("--to", "the format: " .. table.concat(formats.exports(), ", "))
        :argname "FORMAT":choices(formats.exports()):count(1)
    parser:option("-o --output", "the file to write (default: the standard output)")
        :argname "FILE"
    parser:option("--device", "only this device of the trace, by its id"):argname "ID"
        :convert(to_count)
    parser:option("--frames", "only these frames, such as 1..100; what lives when they begin is "
        .. "shown as born then"):argname "A..B":convert(to_frames)
    parser:option("--frame", "gpumemdump: at the end of this frame (default: at the peak)")
        :argname "N":convert(to_count)
    parser:option("--what", "rmm, minimalloc: resources (the default) where they lie in memory, or "
        .. "memories, which are what the driver was asked for"):argname "WHAT"
        :choices { "resources", "memories" }
    parser:option("--by", "minimalloc: what a step is: events (the default: births and deaths in "
        .. "their order), frames, or time in microseconds"):argname "UNIT"
        :choices { "events", "frames", "time" }
    parser:option("--type", "minimalloc: only what lies in memory of this type"):argname "N"
        :convert(to_type)
    parser:epilog("Formats:\n" .. list_of_formats() .. [[


Formats that show one device take the one with the largest peak, unless --device says otherwise.
A frame ends at a present; without presents, after each submit of work; without those, at each tick,
or every 16.7 ms.

Examples:
   freehold export run.fhtrace --to chrome -o run.json       then open it in ui.perfetto.dev
   freehold export run.fhtrace --to gpumemdump -o peak.json
   freehold export run.fhtrace --to minimalloc -o plan.csv   writes plan.CAPACITY.csv
   freehold export run.fhtrace --to json | jq 'select(.event == "refused")'

A trace that is cut off or damaged is exported up to there, with a warning on stderr.
Exit codes: 0 done, also up to such damage; 1 it could not be done; 2 asked for wrongly.]])
end

-- What is wrong with the arguments together, as a sentence; nil when nothing is.
local function complaint(args)
    local to = args.to
    if args.frame and to ~= "gpumemdump" then
        return "--frame is for --to gpumemdump. Others take --frames A..B."
    elseif args.frames and to == "gpumemdump" then
        return "--to gpumemdump shows one moment. Give --frame N."
    elseif args.what and to ~= "rmm" and to ~= "minimalloc" then
        return "--what is for --to rmm and --to minimalloc."
    elseif (args.by or args.type) and to ~= "minimalloc" then
        return ("--%s is for --to minimalloc."):format(args.by and "by" or "type")
    end
end

-- Where the text goes: a file, which is made when there is something to write, or the standard
-- output. Returns a function to write, and one that ends it.
local function output(host, path, bar)
    if not path then
        return host.print, host.flush
    end
    local file
    local function check(done, problem)
        if not done then
            bar:clear()
            host.fail(("cannot write %s: %s."):format(path, problem))
        end
    end
    return function(what)
        if not file then
            local why
            file, why = io.open(path, "wb")
            if not file then
                bar:clear()
                host.fail(("cannot write %s. Give a file in a folder that is there, and yours to "
                    .. "write to."):format(why))
            end
            file:setvbuf("full", 1 << 16)
        end
        check(file:write(what))
    end, function()
        if file then
            check(file:close())
        end
    end
end

-- The capacity belongs into the name of a MiniMalloc CSV.
local function with_capacity(host, path, capacity)
    if path:find("%.%d+%.[Cc][Ss][Vv]$") or path:find("^/dev/") then
        return path
    end
    local stem, extension = path:match("^(.*)(%.[Cc][Ss][Vv])$")
    local name = ("%s.%d%s"):format(stem or path, capacity, extension or ".csv")
    local done, why = os.rename(path, name)
    if not done then
        host.fail(("cannot rename it to what it has to be called: %s."):format(why))
    end
    return name
end

--- Runs the command.
function command.run(args, host)
    local wrong = complaint(args)
    if wrong then
        host.misuse(wrong)
    elseif args.output and same_file.among(args.output, { args.trace }) then
        host.misuse("the trace itself cannot be the output. Give another file.")
    end
    local kind, message = formats.detect(args.trace)
    if not kind then
        host.fail(text.about(args.trace, message))
    elseif kind ~= "trace" then
        host.fail(("%s is no trace, but %s. Make one of it: freehold import %s"):format(args.trace,
            formats.of(kind).doc, args.trace))
    end

    local bar = progress.open()
    local write, finish = output(host, args.output, bar)
    local report, code
    report, message, code = formats.export(args.trace, args.to, {
        device = args.device, frames = args.frames, frame = args.frame, what = args.what,
        by = args.by, type = args.type,
        progress = args.output and function(read, all)
            bar:show("exporting", read, all)
        end,
    }, write)
    bar:clear()
    finish()
    if not report then
        (code == "invalid" and host.misuse or host.fail)(text.about(args.trace, message))
    end
    local path = args.output
    if path and report.capacity then
        path = with_capacity(host, path, report.capacity)
        host.print(("%s: %s, capacity %s\n"):format(path, text.counted(report.count, "buffer"),
            size.format(report.capacity)))
    end
    if report.dropped_count > 0 then
        io.stderr:write(("freehold: the recorder lost %s: what they told is missing here, too.\n")
            :format(text.counted(report.dropped_count, "event")))
    end
    if report.damage ~= "" then
        io.stderr:write(text.clean(("freehold: %s: %s. What is before that was exported."):format(
            args.trace, (report.damage:gsub("%.$", "")))), "\n")
    end
end

return command
