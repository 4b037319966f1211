-- The live view of a replay: what `freehold run` shows of a workload. A replay takes no time to
-- speak of, so here it is slowed down to some seconds; the last picture stays above the table.

local fh = require "freehold"
local measure = require "freehold.cli.measure"
local terminal = require "freehold.cli.terminal"
local view = require "freehold.cli.view"

local live = {}

local NS = 1000000000
local RUN_NS = 5 * NS          -- that a run is shown
local DRAW_NS = NS // 15       -- between two pictures
local NAP_NS = NS // 10        -- at most: Ctrl-C is noticed after it

---@class freehold.ReplayLive
local Live = {}
Live.__index = Live

--- One that writes by the host; nil where there is no terminal.
---@param host freehold.CliHost
---@return freehold.ReplayLive?
function live.open(host)
    local settings = terminal.open()
    if not settings then
        return nil
    end
    local clock = assert(fh.device {})
    return setmetatable({
        host = host, settings = settings, clock = clock, queue = assert(clock:queue("clock")),
    }, Live)
end

-- The queue never gets to what is waited for.
local function sleep_until(self, moment)
    local left = moment - fh.now_ns()
    while left > 0 do
        self.clock:wait(self.queue:epoch(math.maxinteger), math.min(left, NAP_NS))
        left = moment - fh.now_ns()
    end
end

--- A run begins. As recorded there is nothing to look at.
function Live:begin(compared, run, replay, policy)
    self.run = not run.as_recorded and run or nil
    if not self.run then
        return
    end
    local frames = math.max(compared.trace.frame_count, 1)
    local program = compared.trace.program
    self.replay, self.policy, self.frames = replay, policy, frames
    self.world = { device = replay:device(), frame = 0, made = 0, evicted = 0, tags = {} }
    self.began, self.marks = fh.now_ns(), { ns = fh.now_ns(), frame = 0, decisions = 0 }
    self.columns, self.rows = terminal.size()
    self.view = view.live(("%s under %s"):format(program ~= "" and program or compared.trace.path,
        run.name), frames, self.settings, function(picture)
        self.host.print(picture)
        self.host.flush()
    end)
end

local function draw(self, frame)
    local world, figures = self.world, assert(self.replay:figures())
    world.frame, world.made = frame, figures.request_count - figures.refused_count
    world.evicted = figures.evicted_count
    local status = self.policy and assert(self.policy:status())
    local brief = measure.brief(world, status)
    local now, marks = fh.now_ns(), self.marks
    local seconds = math.max(now - self.began, 1) / NS
    marks.frame, marks.decisions = frame, brief.decisions or 0
    self.view:draw(brief, measure.accounts(world), status,
        { frames = frame / seconds, decisions = marks.decisions / seconds }, self.columns,
        self.rows)
end

--- Something that the device says.
function Live:log(level, line)
    if self.run then
        self.view:remark(("%s: %s"):format(level, line))
    end
end

--- So many frames were played. Returns how many to play until the next picture.
function Live:frame(frame)
    if not self.run then
        return nil
    end
    draw(self, frame)
    local per_picture = math.max(1, self.frames * DRAW_NS // RUN_NS)
    sleep_until(self, self.began + RUN_NS * math.min(frame, self.frames) // self.frames)
    return per_picture
end

--- The run is done.
function Live:finish()
    if self.run then
        self.run = nil
        self.host.print("\n")
    end
end

return live
