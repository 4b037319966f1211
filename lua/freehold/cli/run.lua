-- `freehold run`: plays a workload on a device, under policies that may be edited meanwhile, and
-- shows what happens.

local fh = require "freehold"
local events = require "freehold.cli.events"
local measure = require "freehold.cli.measure"
local profiles = require "freehold.cli.profile"
local report = require "freehold.cli.report"
local scripts = require "freehold.cli.scripts"
local setting = require "freehold.cli.setting"
local text = require "freehold.cli.text"
local workload = require "freehold.cli.workload"

local command = {}

local NS = 1000000000
local NAP_NS = NS // 10        -- at most: Ctrl-C is noticed after it
local LATE_NS = NS // 4        -- who is later than this does not catch up
local WATCH_FPS = 60

local function to_count(source)
    local count = math.tointeger(tonumber(source))
    if not count or count < 1 or count > 1000000000 then
        return nil, ("'%s' is no count. Give a whole number from 1 to 1000000000."):format(source)
    end
    return count
end

local function to_rate(source)
    local rate = tonumber(source)
    if not rate or not (rate >= 0 and rate <= 1000) then
        return nil, ("'%s' is no rate. Give frames a second from 0 (as fast as it can) to 1000.")
            :format(source)
    end
    return rate
end

local function to_seed(source)
    local seed = math.tointeger(tonumber(source))
    if not seed then
        return nil, ("'%s' is no seed. Give a whole number."):format(source)
    end
    return seed
end

--- Adds the command to the parser of `freehold`.
function command.describe(parser)
    parser:summary "play a workload under policies, and watch"
    parser:description(
        "Plays a workload: a Lua file that makes and releases memory frame by frame, as a program\n"
        .. "would. Policies decide meanwhile, and with --watch they can be edited while it runs.\n"
        .. "In a terminal the run is shown live; elsewhere it prints lines, or JSON.")
    parser:argument("workload", ("a file, or one that comes along: %s"):format(
        table.concat(scripts.names("workloads"), ", "))):argname "WORKLOAD"
    parser:option("--policy", "a policy's file, or one that comes along (" .. table.concat(
        scripts.names("policies"), ", ") .. "). Given several times, the first that has an opinion "
        .. "decides, and the strictest limit holds; default: the native rules")
        :argname "FILE":count "*"
    parser:flag("--watch", "load policies again when their files change; runs without end, at "
        .. WATCH_FPS .. " frames a second, unless --frames and --fps say otherwise")
    setting.describe(parser)
    parser:option("--backend", "whose device (default: host, a simulated GPU)"):argname "NAME"
    parser:option("--profile", "backend host: a built-in profile, or a Lua file that returns such"
        .. " a table (freehold info shows them)"):argname "NAME|FILE.lua"
    parser:option("--frames", "how many (default: what the workload says)"):argname "N"
        :convert(to_count)
    parser:option("--fps", "frames a second; 0, the default, is as fast as it can"):argname "R"
        :convert(to_rate)
    parser:option("--seed", "of the workload's random numbers; one seed, one run", "1")
        :argname "N":convert(to_seed)
    parser:flag("--json", "print events, one JSON object a line")
    parser:epilog([[
Examples:
   freehold run streaming_world
   freehold run streaming_world --policy budget --set limit=512MiB
   freehold run streaming_world --policy my.lua --watch      then edit my.lua
   freehold run renderer --policy tiers --profile mobile-4g --json

A workload is a Lua file that returns a table; only frame is required:
   name, doc                    for people
   frames = 600, latency = 2    how many; by how many the GPU is behind
   setup(world)                 called once, before the first frame
   frame(world, n)              plays the n-th frame, from 1
   evict(world, parcel, user)   asked to let go of a parcel that it made evictable:
                                releases it and returns true
The world has device, queue, frame and seed, and these calls:
   world:buffer{}, world:texture{}, world:raw{}
                                as those of the device; nil where memory is refused,
                                which is counted
   world:resize(parcel, size)   true; nil where it is refused, or a frame still uses it
   world:use(parcel)            this frame uses it; it may be released right after
   world:scratch{}              a buffer for this frame alone, written by the CPU
   world:random(m, n)           as math.random; world:say(format, ...) tells who watches
It has neither clock nor files: with one seed it does the same at every run.]])
end

-- What is wrong with the arguments together, as a sentence; nil when nothing is.
local function complaint(args)
    if #args.policy == 0 and args.watch then
        return "--watch needs something to watch. Give --policy FILE."
    elseif #args.policy == 0 and #args.set > 0 then
        return "--set is for the options of policies. Give --policy FILE."
    elseif args.profile and args.backend and args.backend ~= "host" then
        return ("profiles are of the backend host, and not of '%s'."):format(args.backend)
    end
end

---@class freehold.Run
local Run = {}
Run.__index = Run

--- What measure.brief() says.
function Run:brief()
    return measure.brief(self.world, self.status)
end

local function open_device(host, args, run)
    local options = {
        backend = args.backend,
        profile = args.profile and profiles.of(host, args.profile),
        -- What lives at the end is the workload's to leave: that is no remark.
        log = function(level, line)
            if not run.closing then
                run.report:log(run.world.frame, level, text.clean(line))
            end
        end,
    }
    local function open(given)
        return profiles.checked(host, fh.device, given)
    end
    local world, message = workload.open(run.definition, open, options, args.seed, function(line)
        run.report:say(run.world.frame, line)
    end)
    if not world then
        host.fail(("cannot open the device: %s"):format(message))
    end
    run.world = world
    run.adapter = world.device:adapter()
end

local function load_policies(host, args, run)
    local paths = {}
    for i, name in ipairs(args.policy) do
        paths[i] = scripts.path("policies", name)
    end
    if #paths > 0 then
        local policy, message, code = profiles.checked(host, run.world.device.set_policy,
            run.world.device, paths, { watch = args.watch, options = setting.table(args.set) })
        if not policy then
            (code == "invalid" and host.misuse or host.fail)(message)
        end
        run.policy = policy
        run.watcher = events.watcher()
    end
end

local function look_at_policy(run)
    if run.policy then
        run.status = assert(run.policy:status())
        for _, event in ipairs(run.watcher:compare(run.status)) do
            run.report:policy(event)
        end
    end
end

-- Sleeps until that moment. The queue never gets to what is waited for.
local function sleep_until(run, moment)
    local left = moment - fh.now_ns()
    while left > 0 do
        run.world.device:wait(run.world.queue:epoch(math.maxinteger), math.min(left, NAP_NS))
        left = moment - fh.now_ns()
    end
end

local function play(run)
    look_at_policy(run)
    workload.setup(run.world)
    local moment = fh.now_ns()
    while not run.frames or run.world.frame < run.frames do
        workload.step(run.world)
        look_at_policy(run)
        run.report:frame(run)
        if run.fps then
            moment = moment + NS // run.fps
            local now = fh.now_ns()
            moment = now - moment > LATE_NS and now or moment
            sleep_until(run, math.floor(moment))
        end
    end
end

--- Runs the command.
function command.run(args, host)
    local wrong = complaint(args)
    if wrong then
        host.misuse(wrong)
    end
    local definition = workload.load(host, args.workload)
    local fps = args.fps or args.watch and WATCH_FPS or 0
    local run = setmetatable({
        definition = definition,
        frames = args.frames or not args.watch and definition.frames or nil,
        fps = fps > 0 and fps or nil,
        interrupted = false,
    }, Run)
    run.report = report.open(host, args.json)
    open_device(host, args, run)
    load_policies(host, args, run)
    run.report:start(run)

    local start = fh.now_ns()
    local done, problem = pcall(play, run)
    if not done and host.is_ending(problem) then
        run.closing = true
        error(problem, 0)
    end
    run.interrupted = not done and host.is_interrupt(problem)
    local failure = not done and not run.interrupted and ("%s, frame %d: %s"):format(
        definition.name, run.world.frame, tostring(problem)) or nil
    run.report:finish(run, (fh.now_ns() - start) / NS, failure)
    run.closing = true
    workload.close(run.world)
    if failure then
        host.fail(failure)
    elseif run.interrupted then
        host.interrupted()
    end
end

return command
