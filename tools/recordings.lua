-- The recordings in tests/data: what they are, what is in them, and the table of that in their
-- README. tools/record_samples runs it, and a spec loads it.
--
--   lua5.4 tools/recordings.lua check TRACE…   is it whole, small enough, and does it tell all?
--   lua5.4 tools/recordings.lua write README   renew the table there, and the versions

-- Run, and not loaded by another script.
local is_program = arg and (arg[0] or ""):match("[^/]*$") == "recordings.lua"
if is_program then
    dofile((arg[0]:gsub("[^/]*$", "lib.lua"))).help(arg)
end

local fh = require "freehold"

local recordings = {}

recordings.folder = "tests/data"
recordings.bytes_max = fh.MiB

--- In the order of the table. `packages`: what Debian calls it, the program's own first.
recordings.list = {
    { name = "vkcube", packages = { "vulkan-tools" } },
    { name = "ffmpeg", packages = { "ffmpeg" } },
    { name = "qml", packages = { "qml-qt6", "libqt6quick6" } },
    { name = "warzone2100", packages = { "warzone2100", "warzone2100-data" } },
}

local IMPORTED = 1 -- of memory: made elsewhere

-- Driver memory and what is bound to it, as it comes and goes. Memory that the program imported is
-- its own, and not the driver's: it is left out.
local function follow_memory(figures)
    local sizes, bound = {}, {}
    local live = 0
    local follow = {}
    function follow.memory(event)
        if event.flags & IMPORTED == 0 then
            sizes[event.memory] = event.size
            live = live + event.size
            figures.allocations = figures.allocations + 1
            figures.peak = math.max(figures.peak, live)
            figures.left = live
        end
    end
    function follow.memory_freed(event)
        live = live - (sizes[event.memory] or 0)
        sizes[event.memory] = nil
        figures.left = live
    end
    function follow.bound(event)
        if sizes[event.memory] then
            bound[event.resource] = event.size
            figures.churn = figures.churn + event.size
            figures.bound_left = figures.bound_left + event.size
        end
    end
    function follow.destroyed(event)
        figures.bound_left = figures.bound_left - (bound[event.resource] or 0)
        bound[event.resource] = nil
    end
    return follow
end

--- What is in a trace; nil and why when it cannot be read. `peak`: the most driver memory at one
--- time; `churn`: what all resources took, one after the other; `left`, `bound_left`: what was not
--- given back when the trace ended.
function recordings.figures(path)
    local reader, why = fh.trace_reader(path)
    if not reader then
        return nil, why
    end
    local figures = {
        frames = 0, submits = 0, submits_with_uses = 0, resources = 0, allocations = 0, names = 0,
        peak = 0, churn = 0, left = 0, bound_left = 0, program = "", tool = "", problems = {},
    }
    local follow = follow_memory(figures)
    function follow.note(event)
        if event.topic == 1 then
            figures.program = event.text
        elseif event.topic == 2 then
            figures.tool = event.text
        elseif event.topic == 4 then
            table.insert(figures.problems, event.text)
        end
    end
    function follow.frame()
        figures.frames = figures.frames + 1
    end
    function follow.submit(event)
        figures.submits = figures.submits + 1
        if event.list and #event.list > 0 then
            figures.submits_with_uses = figures.submits_with_uses + 1
        end
    end
    function follow.resource()
        figures.resources = figures.resources + 1
    end
    function follow.named()
        figures.names = figures.names + 1
    end
    for event in reader:events() do
        figures.last_ns = event.time_ns
        if follow[event.kind] then
            follow[event.kind](event)
        end
    end
    local info = reader:info()
    reader:close()
    figures.events, figures.bytes = info.event_count, info.file_bytes
    figures.dropped, figures.damage, figures.complete = info.dropped_count, info.damage,
        info.complete
    return figures
end

--- What is wrong with a recording that is to be shipped, or nil.
function recordings.fault(path)
    local figures, why = recordings.figures(path)
    if not figures then
        return why
    elseif figures.damage ~= "" or not figures.complete then
        return "it is damaged, or did not come to its end. " .. figures.damage
    elseif figures.dropped > 0 then
        return ("%d events were lost"):format(figures.dropped)
    elseif figures.bytes >= recordings.bytes_max then
        return ("it has %d bytes, and %d are too many"):format(figures.bytes, recordings.bytes_max)
    elseif #figures.problems > 0 then
        return "the layer could not follow: " .. figures.problems[1]
    elseif figures.submits_with_uses == 0 then
        return "no submit says what it uses"
    end
end

local function mib(bytes)
    return ("%.1f MiB"):format(bytes / fh.MiB)
end

--- The row of the table, of one recording.
function recordings.row(recording, folder)
    local path = ("%s/%s.fhtrace"):format(folder or recordings.folder, recording.name)
    local figures = assert(recordings.figures(path))
    return ("| %s.fhtrace | %.0f KiB | %d | %s | %d | %d | %d | %s | %s |"):format(recording.name,
        figures.bytes / fh.KiB, figures.events, figures.frames > 0 and figures.frames or "none",
        figures.submits, figures.allocations, figures.resources, mib(figures.peak),
        mib(figures.churn))
end

local header = [[
| file | size | events | frames | submits | allocations | resources | peak | churn |
|---|---|---|---|---|---|---|---|---|]]

--- The table of all.
function recordings.table(folder)
    local lines = { header }
    for _, recording in ipairs(recordings.list) do
        lines[#lines + 1] = recordings.row(recording, folder)
    end
    return table.concat(lines, "\n")
end

local function version_of(package)
    local pipe = io.popen("dpkg-query -f '${Version}' -W " .. package .. " 2>/dev/null")
    local version = pipe and pipe:read("a") or ""
    if pipe then
        pipe:close()
    end
    return version ~= "" and version or nil
end

-- The versions of what is installed; of what is not, those that stood there before.
local function versions(before)
    local lines = {}
    local function add(package)
        local old = before:match("%- " .. package:gsub("%p", "%%%0") .. " (%S+)")
        lines[#lines + 1] = ("- %s %s"):format(package, version_of(package) or old or "?")
    end
    add "mesa-vulkan-drivers"
    for _, recording in ipairs(recordings.list) do
        for _, package in ipairs(recording.packages) do
            add(package)
        end
    end
    return table.concat(lines, "\n")
end

-- `text` with what stands between the two marks of that name replaced.
local function replace_between(text, name, make)
    local from, to = ("<!-- %s -->\n"):format(name), ("\n<!-- end of %s -->"):format(name)
    local _, first = text:find(from, 1, true)
    local last = text:find(to, first, true)
    assert(first and last, "there is no place for the " .. name)
    return text:sub(1, first) .. make(text:sub(first + 1, last - 1)) .. text:sub(last)
end

--- Renews table and versions in a README.
function recordings.write(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("a")
    file:close()
    text = replace_between(text, "figures", function()
        return recordings.table(path:match("^(.*)/[^/]*$"))
    end)
    text = replace_between(text, "versions", versions)
    file = assert(io.open(path, "wb"))
    assert(file:write(text))
    assert(file:close())
end

local verb = is_program and (arg[1] or "")
if verb == "check" then
    for i = 2, #arg do
        local fault = recordings.fault(arg[i])
        if fault then
            io.stderr:write(("recordings: %s: %s\n"):format(arg[i], fault))
            os.exit(1)
        end
    end
elseif verb == "write" then
    recordings.write(arg[2])
elseif verb then
    io.stderr:write("recordings: say check or write, not '", verb, "'.\n")
    os.exit(2)
end

return recordings
