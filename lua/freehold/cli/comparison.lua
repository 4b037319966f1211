-- A comparison: one recording, played several times, and what each time came to, on one axis: what
-- the program did itself, and what it would have done under policies. The table of it is what
-- `freehold replay --json` prints and what the report shows.
--
-- Everything in it but `timing` follows from its inputs alone: no clock, no order of hash tables.

local fh = require "freehold"
local contender = require "freehold.cli.contender"
local formats = require "freehold.formats"
local json = require "freehold.cli.json"
local profiles = require "freehold.cli.profile"
local text = require "freehold.cli.text"
local what_if = require "freehold.cli.what_if"
local words = require "freehold.formats.words"

local comparison = {}

local NS = 1000000000
local STEP_NS = NS // 50       -- between two times that who watches is told
local SPANS_MAX = 200000       -- of a run, that are kept
local REMARKS_MAX = 5          -- of a trace, that are shown

--- What is to be compared.
---@class freehold.ReplayPlan
---@field contenders freehold.Contender[]
---@field native boolean a run under the native rules, too
---@field profile string|table|nil
---@field profile_name string
---@field backend string?
---@field what_if table[] what what_if.read() gave
---@field frames { first: integer?, last: integer? }?
---@field device integer? id
---@field full boolean with samples, blocks and spans

--- Who watches: each may be missing.
---@class freehold.ReplayWatcher
---@field reading fun(done: integer, all: integer)?
---@field begin fun(run: table, replay: freehold.Replay, policy: freehold.ScriptPolicy?)?
---@field frame fun(run: table, frame: integer): integer? how many frames to play next
---@field finish fun(run: table)?
---@field log fun(run: table, level: string, line: string)?

local function nothing()
end

-- "text." for a sentence of the library's.
local function sentence(message)
    return message:find("[.?!]$") and message or message .. "."
end

-- What an import noted in its trace: what the log does not tell, and was made up. Each once.
local function remarks_of(path, info)
    local list, seen = json.list {}, {}
    local reader <close> = info.devices[1] and info.devices[1].api == "other"
        and fh.trace_reader(path) or nil
    if not reader then
        return list
    end
    for event in reader:events() do
        if event.kind == "note" and event.topic == words.number.topic.remark
            and not seen[event.text] and #list < REMARKS_MAX
        then
            seen[event.text] = true
            list[#list + 1] = event.text
        end
    end
    return list
end

-- A log of another tool's, by way of a trace that is made of it for a moment.
local function read_log(host, path, watcher)
    local opened <close>, message = formats.open(path, watcher.reading)
    if not opened then
        host.fail("cannot replay " .. text.about(path, message))
    end
    local recording
    recording, message = fh.recording(opened.path, { progress = watcher.reading })
    if not recording then
        host.fail("cannot replay " .. text.about(path, message))
    end
    return recording, opened.report, remarks_of(opened.path, recording:info())
end

--- Reads a trace, or a log of another tool's. Ends with what is wrong with it.
---@param host freehold.CliHost
---@param path string
---@param watcher freehold.ReplayWatcher
---@return freehold.Recording
---@return freehold.ImportReport? log
---@return string[]? remarks that the import left in the trace
function comparison.read(host, path, watcher)
    local recording, message, code = fh.recording(path, { progress = watcher.reading })
    if not recording and code == "format" and formats.detect(path) ~= "trace" then
        return read_log(host, path, watcher)
    elseif not recording then
        host.fail("cannot replay " .. text.about(path, message))
    end
    return recording, nil, remarks_of(path, recording:info())
end

local function device_of(host, info, id)
    if not id then
        return info.devices[info.main_device]
    end
    local known = {}
    for i, device in ipairs(info.devices) do
        if device.id == id then
            return device
        end
        known[i] = tostring(device.id)
    end
    host.misuse(("the trace has no device %d. It has %s."):format(id, table.concat(known, ", ")))
end

-- The frames that count, as numbers.
local function frames_of(host, plan, device)
    local first = plan.frames and plan.frames.first or 1
    local last = plan.frames and plan.frames.last or math.max(device.frame_count, 1)
    if plan.frames and first > device.frame_count then
        host.misuse(("the trace has %d frames, and --frames begins at %d."):format(
            device.frame_count, first))
    end
    return { first, math.min(last, math.max(device.frame_count, 1)) }
end

local function flags_of(set)
    local flags = json.list {}
    for name in pairs(set) do
        flags[#flags + 1] = name
    end
    table.sort(flags)
    return flags
end

-- The heaps and memory types of the card that a run was played on.
local function card_table(adapter)
    local heaps, types = json.list {}, json.list {}
    for i, heap in ipairs(adapter.heaps) do
        heaps[i] = { size = heap.size, device_local = heap.device_local }
    end
    for i, memory_type in ipairs(adapter.types) do
        types[i] = { heap = memory_type.heap, flags = flags_of(memory_type.flags) }
    end
    return { heaps = heaps, types = types }
end

local function device_table(device)
    local heaps, types = json.list {}, json.list {}
    for i, heap in ipairs(device.profile.heaps) do
        heaps[i] = { size = heap.size, device_local = heap.device_local or false,
            peak_reserved = device.heap_peaks[i] }
    end
    for i, memory_type in ipairs(device.profile.types) do
        types[i] = { heap = memory_type.heap, flags = flags_of(memory_type.flags) }
    end
    return { id = device.id, name = device.name, api = device.api, heaps = heaps, types = types }
end

local function trace_table(path, info, device, log, remarks)
    local others = json.list {}
    for _, other in ipairs(info.devices) do
        if other.id ~= device.id then
            others[#others + 1] = { id = other.id, name = other.name,
                peak_reserved = other.peak_reserved }
        end
    end
    return {
        path = path, program = info.program, tool = info.tool,
        damage = info.file.damage, dropped = info.file.dropped_count,
        ignored = info.ignored_count, event_count = info.event_count,
        duration_ns = info.duration_ns, frame_count = device.frame_count,
        frames_by = device.frames_by, device = device_table(device), other_devices = others,
        has_uses = device.has_uses, peak_reserved = device.peak_reserved,
        peak_committed = device.peak_committed,
        imported = log and { format = log.format, lost_count = log.lost_count,
            remarks = json.list(log.remarks) },
        remarks = remarks or json.list {},
    }
end

-- How many frames to play at once, so that who watches is told about fifty times a second.
local function next_count(count, took)
    if took < STEP_NS // 2 then
        return math.min(count * 2, 1 << 20)
    end
    return took > 2 * STEP_NS and math.max(1, count // 2) or count
end

local function play(host, replay, run, watcher)
    local count, told = 1, watcher.frame or nothing
    repeat
        local start = fh.now_ns()
        local frame, done = replay:step(count)
        if not frame then
            host.fail(("cannot go on under '%s': %s"):format(run.name, sentence(done)))
        end
        count = told(run, frame) or next_count(count, fh.now_ns() - start)
    until done
end

local function take_figures(run, replay)
    local figures = assert(replay:figures())
    local timing = figures.timing
    figures.timing = nil
    json.list(figures.heaps)
    timing.decisions_per_second = figures.decision_count * NS // math.max(timing.wall_ns, 1)
    run.figures, run.timing = figures, timing
end

-- What went wrong in scripts: the last of each.
local function problems_of(policy)
    local list = {}
    for _, script in ipairs(policy and assert(policy:status()).scripts or {}) do
        if script.error then
            list[#list + 1] = { script = script.name, error = script.error,
                state = script.state }
        end
    end
    return #list > 0 and list or nil
end

local function columns(given)
    for _, column in pairs(given) do
        if type(column) == "table" then
            json.list(column)
        end
    end
    return given
end

local function new_run(name, one)
    return {
        name = name, as_recorded = name == "as recorded",
        policy = json.list(one and table.move(one.words, 1, #one.words, 1, {}) or {}),
        options = {},
    }
end

-- A replay of `given`. Ends with what is wrong with it.
local function open_replay(host, recording, name, given)
    local replay, message, code = profiles.checked(host, recording.replay, recording, given)
    if not replay then
        message = ("cannot replay %s: %s"):format(name, sentence(message));
        (code == "invalid" and host.misuse or host.fail)(message)
    end
    return replay
end

local function play_run(host, compared, recording, plan, watcher, run, one, given)
    given.log = function(level, line)
        (watcher.log or nothing)(run, level, line)
    end
    local replay <close> = open_replay(host, recording, run.name, given)
    local policy = one and contender.install(host, one, replay:device(),
        compared.trace.peak_reserved, compared.trace.path)
    if policy then
        run.options, run.option_types = contender.values(one, policy)
        run.watermarks = json.list(contender.watermarks(one, run.options))
    end
    (watcher.begin or nothing)(run, replay, policy)
    play(host, replay, run, watcher)
    take_figures(run, replay)
    run.problems = problems_of(policy)
    run.causes = json.list(assert(replay:causes()))
    if not run.as_recorded then
        run.limit = assert(replay:device():account("total")).limit
    end
    if plan.full then
        run.samples = columns(assert(replay:samples()))
        run.blocks = columns(assert(replay:blocks()))
        run.spans = columns(assert(replay:spans { limit = SPANS_MAX }))
        run.device = not run.as_recorded and card_table(replay:device():adapter()) or nil
    end
    (watcher.finish or nothing)(run)
end

--- A comparison without runs yet.
---@param host freehold.CliHost
---@param path string
---@param recording freehold.Recording
---@param plan freehold.ReplayPlan
---@param log freehold.ImportReport?
---@param told string[]? remarks of the trace
---@return table
function comparison.new(host, path, recording, plan, log, told)
    local info = assert(recording:info())
    local device = device_of(host, info, plan.device)
    local texts = json.list {}
    for i, one in ipairs(plan.what_if) do
        texts[i] = one.text
    end
    return {
        freehold = fh.version,
        trace = trace_table(path, info, device, log, told),
        profile = plan.profile_name,
        what_if = texts,
        frames = json.list(frames_of(host, plan, device)),
        runs = json.list {},
        device = device,
    }
end

-- What the program's card is replaced by.
local function stage_of(host, compared, plan)
    local heaps, message = what_if.heaps(plan.what_if, compared.device.heap_peaks)
    if not heaps then
        host.misuse(message)
    end
    return {
        profile = plan.profile, backend = plan.backend, heaps = heaps,
        device = compared.device.id, frames = compared.frames,
    }
end

--- Tries all that can be wrong before anything is played: the card, the settings of the policies.
---@param host freehold.CliHost
---@param compared table what comparison.new() gave
---@param recording freehold.Recording
---@param plan freehold.ReplayPlan
function comparison.check(host, compared, recording, plan)
    local given = stage_of(host, compared, plan)
    given.log = nothing
    for _, one in ipairs(plan.contenders) do
        local replay <close> = open_replay(host, recording, one.name, given)
        contender.install(host, one, replay:device(), compared.trace.peak_reserved,
            compared.trace.path)
    end
    if #plan.contenders == 0 then
        open_replay(host, recording, "native", given):close()
    end
end

--- Plays all runs, one after the other. A run is in the comparison when it is done: what raises, or
--- is interrupted, leaves those before it there.
---@param host freehold.CliHost
---@param compared table what comparison.new() gave
---@param recording freehold.Recording
---@param plan freehold.ReplayPlan
---@param watcher freehold.ReplayWatcher
function comparison.play(host, compared, recording, plan, watcher)
    local function run(name, one, given)
        local new = new_run(name, one)
        given.keep_spans = plan.full
        play_run(host, compared, recording, plan, watcher, new, one, given)
        compared.runs[#compared.runs + 1] = new
    end
    local function played(name, one)
        run(name, one, stage_of(host, compared, plan))
    end
    -- Budgets that are asked about are held against what the program did, too; those of another
    -- card are not.
    local stage = stage_of(host, compared, plan)
    run("as recorded", nil, { as_recorded = true, device = stage.device, frames = stage.frames,
        heaps = not stage.profile and not stage.backend and stage.heaps or nil })
    if plan.native then
        played("native")
    end
    for _, one in ipairs(plan.contenders) do
        played(one.name, one)
    end
end

--- How many runs a plan has.
---@param plan freehold.ReplayPlan
---@return integer
function comparison.run_count(plan)
    return 1 + (plan.native and 1 or 0) + #plan.contenders
end

--- The comparison as JSON has it.
---@param compared table
---@return table
function comparison.plain(compared)
    local plain = {}
    for key, value in pairs(compared) do
        if key ~= "device" then
            plain[key] = value
        end
    end
    return plain
end

return comparison
