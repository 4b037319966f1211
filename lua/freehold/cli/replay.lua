-- `freehold replay`: what a recorded program would have taken under policies, on another card, with
-- less memory; beside what it took itself.

local fh = require "freehold"
local comparison = require "freehold.cli.comparison"
local contender = require "freehold.cli.contender"
local figures = require "freehold.cli.figures"
local json = require "freehold.cli.json"
local profiles = require "freehold.cli.profile"
local progress = require "freehold.cli.progress"
local replay_live = require "freehold.cli.replay_live"
local same_file = require "freehold.cli.same_file"
local scripts = require "freehold.cli.scripts"
local setting = require "freehold.cli.setting"
local terminal = require "freehold.cli.terminal"
local text = require "freehold.cli.text"
local what_if = require "freehold.cli.what_if"

local command = {}

local function to_frames(source)
    local first, last = source:match("^(%d*)%.%.(%d*)$")
    if not first then
        first = source:match("^%d+$")
        last = first
    end
    local low, high = math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
    if not first or first == "" and last == "" or first ~= "" and not low
        or last ~= "" and not high or (low or 1) < 1 or (high or low or 1) < (low or 1)
        or (high or low or 1) > 0xFFFFFFFF
    then
        return nil, ("'%s' are no frames. Give the first and the last, from 1, such as 100..200,"
            .. " 100.. or ..200."):format(source)
    end
    return { first = low, last = high }
end

local function to_id(source)
    local id = math.tointeger(tonumber(source))
    if not id or id < 1 then
        return nil, ("'%s' is no device of a trace. Give its number, from 1."):format(source)
    end
    return id
end

--- Adds the command to the parser of `freehold`.
function command.describe(parser)
    parser:summary "replay a recorded program under policies, and compare"
    parser:description(
        "Replays traces: what a program did with GPU memory, as 'freehold record' or\n"
        .. "fh_trace_start() wrote it down. The recorded requests are asked of Freehold, frame by\n"
        .. "frame, under each policy; what came of it is shown beside what the program did itself.")
    parser:argument("trace", "a recording, or several: each is compared by itself; or a log that"
        .. " freehold import can read")
        :argname "TRACE":args "+"
    parser:option("--policy", "a policy's file, or one that comes along (" .. table.concat(
        scripts.names("policies"), ", ") .. "): a run of its own for each, and one for several that"
        .. " stand together, as in streaming+tags; default: the native rules")
        :argname "FILE":count "*"
    parser:flag("--native", "beside the policies, the native rules")
    setting.describe(parser)
    parser:option("--profile", "another card: a built-in profile, or a Lua file that returns such a"
        .. " table (freehold info shows them); default: the recorded one"):argname "NAME|FILE.lua"
    parser:option("--backend", "whose device (default: host, a simulated GPU)"):argname "NAME"
    parser:option("--frames", "the figures count these, from 1; what is before is played, too")
        :argname "A..B":convert(to_frames)
    parser:option("--what-if", "with another heap, such as heap0=4GiB or heap0=60%, or another OS"
        .. " budget of it, such as heap0.budget=3GiB"):argname "HEAP=SIZE":count "*"
        :convert(what_if.read)
    parser:option("--device", "of a trace with several devices, the one with this number (default:"
        .. " the one that has most)"):argname "ID":convert(to_id)
    parser:flag("--json", "print the comparison as JSON")
    parser:flag("--full", "with --json: with each frame, block and resource")
    parser:option("--report", "write the comparison as a page for the browser"):argname "FILE.html"
    parser:flag("--live", "in a terminal, show each run for some seconds while it plays")
    parser:epilog([[
Examples:
   freehold replay game.fhtrace
   freehold replay game.fhtrace --policy budget --set limit=70%
   freehold replay game.fhtrace --policy budget --policy tiers --what-if heap0=60%
   freehold replay game.fhtrace --policy my.lua --profile mobile-4g --report game.html
   freehold replay a.fhtrace b.fhtrace --policy streaming --set budget=60% --json

A percentage is of what the trace had: of its peak of reserved bytes for options of
policies, of the heap's peak for --what-if. A setting is for each policy that has such
an option; script.option=value is for that script's alone.

Figures are for the frames that count; peaks and means of bytes are of frames. reserved
is what the driver gave, committed what the program had of it, waste the rest. What is
evicted is loaded again at its next use. All but the times are the same at every run.

A trace that is cut off or damaged is replayed up to there; a note says so.

Ctrl-C: the runs that are done are shown; --json and --report write nothing then.
Exit codes: 0 done, also up to such damage, 1 it could not be done, 2 asked for wrongly,
130 interrupted. All traces and policies are tried before the first run.]])
end

-- What is wrong with the arguments together, as a sentence; nil when nothing is.
local function complaint(args)
    if #args.policy == 0 and #args.set > 0 then
        return "--set is for the options of policies. Give --policy FILE."
    elseif args.full and not args.json then
        return "--full is for --json. Give both."
    elseif args.live and args.json then
        return "--live and --json do not go together."
    end
end

local function plan_of(host, args)
    return {
        contenders = contender.list(host, args.policy, args.set),
        native = args.native or #args.policy == 0,
        profile = args.profile and profiles.of(host, args.profile),
        profile_name = args.profile or "as recorded",
        backend = args.backend,
        what_if = args.what_if,
        frames = args.frames,
        device = args.device,
        full = args.full or args.report ~= nil,
    }
end

-- What is read, and must not be written over.
local function inputs_of(args, plan)
    local inputs = table.move(args.trace, 1, #args.trace, 1, {})
    for _, one in ipairs(plan.contenders) do
        table.move(one.paths, 1, #one.paths, #inputs + 1, inputs)
    end
    inputs[#inputs + 1] = args.profile
    return inputs
end

-- That the report can be written: found before the work, not after it.
local function try_report(host, path, inputs)
    local input = same_file.among(path, inputs)
    if input then
        host.misuse(("the report would take the place of %s. Give another file."):format(input))
    end
    local before = io.open(path, "rb")
    if before then
        before:close()
    end
    local file, why = io.open(path, "ab")
    if not file then
        host.fail(("cannot write %s. Give a file in a folder that is there, and yours to write to.")
            :format(why))
    end
    file:close()
    if not before then
        os.remove(path)
    end
end

local function write_report(host, path, compared)
    local pieces = {}
    require("freehold.report.html").render(#compared == 1 and compared[1] or compared,
        function(piece)
            pieces[#pieces + 1] = piece
        end)
    host.write_file(path, table.concat(pieces))
end

local function print_json(host, args, compared)
    local all = json.list {}
    for i, one in ipairs(compared) do
        all[i] = comparison.plain(one)
    end
    local out = #all == 1 and all[1] or { freehold = fh.version, comparisons = all }
    host.print((args.full and json.line or json.encode)(out))
end

-- Who watches the replay of one trace.
local function watcher_of(plan, bar, live, path, compared)
    local name = path:match("[^/\\]*$")
    local runs = comparison.run_count(plan)
    local watcher = {}
    function watcher.reading(done, all)
        bar:show("reading " .. name, done, all)
    end
    function watcher.begin(run, replay, policy)
        if live then
            bar:clear()
            live:begin(compared(), run, replay, policy)
        end
    end
    function watcher.frame(run, frame)
        local next_count = live and live:frame(frame)
        if not next_count then
            local one = compared()
            local frames = math.max(one.trace.frame_count, 1)
            bar:show(("%s, %s"):format(name, run.name), #one.runs * frames + frame, runs * frames)
        end
        return next_count
    end
    function watcher.log(_, level, line)
        if live then
            live:log(level, text.clean(line))
        end
    end
    function watcher.finish()
        if live then
            live:finish()
        end
    end
    return watcher
end

local function close_all(opened)
    for _, one in ipairs(opened) do
        if one.recording then
            one.recording:close()
        end
    end
end

--- Runs the command.
function command.run(args, host)
    local wrong = complaint(args)
    if wrong then
        host.misuse(wrong)
    end
    local plan = plan_of(host, args)
    if args.report then
        try_report(host, args.report, inputs_of(args, plan))
    end
    local bar, live = progress.open(), args.live and replay_live.open(host) or nil
    local settings = terminal.open()
    local width = settings and terminal.size() or math.tointeger(tonumber(os.getenv("COLUMNS")))
        or math.maxinteger
    settings = settings or { colour = false }

    local all, current = {}, nil
    local function show()
        if not args.json and current and #current.runs > 0 then
            host.print((#all > 1 and "\n" or "") .. figures.render(current, settings, width))
            host.flush()
        end
    end
    -- What is wrong with one trace is found before another is played.
    local opened <close> = setmetatable({}, { __close = close_all })
    local function open(path)
        local one = {}
        opened[#opened + 1] = one
        one.watcher = watcher_of(plan, bar, live, path, function()
            return current
        end)
        local log, told
        one.recording, log, told = comparison.read(host, path, one.watcher)
        one.compared = comparison.new(host, path, one.recording, plan, log, told)
        comparison.check(host, one.compared, one.recording, plan)
    end
    local function replay(one)
        current = one.compared
        all[#all + 1] = current
        comparison.play(host, current, one.recording, plan, one.watcher)
        one.recording:close()
        bar:clear()
        show()
        current = nil
    end
    local done, problem = xpcall(function()
        for _, path in ipairs(args.trace) do
            open(path)
        end
        for _, one in ipairs(opened) do
            replay(one)
        end
    end, function(problem)
        local is_known = host.is_ending(problem) or host.is_interrupt(problem)
        return is_known and problem or debug.traceback(tostring(problem), 2)
    end)
    bar:clear()
    if not done then
        if host.is_interrupt(problem) then
            show()
            if not args.json then
                host.print("\nInterrupted: what is not shown was not played to the end.\n")
            end
            host.interrupted()
        end
        error(problem, 0)
    end
    if args.json then
        print_json(host, args, all)
    end
    if args.report then
        write_report(host, args.report, all)
        if not args.json then
            host.print(("\nThe report is in %s\n"):format(text.clean(args.report)))
        end
    end
end

return command
