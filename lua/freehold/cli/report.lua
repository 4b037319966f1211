-- Who tells what happens in a run: a live view in a terminal, lines of text, or lines of JSON. All
-- three are told the same: start, policy events, remarks, frames, and the end.

local fh = require "freehold"
local json = require "freehold.cli.json"
local measure = require "freehold.cli.measure"
local size = require "freehold.cli.size"
local terminal = require "freehold.cli.terminal"
local text = require "freehold.cli.text"
local view = require "freehold.cli.view"

local report = {}

local NS = 1000000000
local DRAW_NS = NS // 15       -- between two pictures of the live view
local SIZE_NS = 2 * NS         -- between two looks at the terminal's size
local FLUSH_NS = NS // 20      -- between two times that JSON is sent off

local function of_limit(used, limit)
    return limit and ("%s of %s"):format(size.format(used), size.format(limit))
        or size.format(used)
end

-- What happened to a policy, in words.
local function policy_line(event)
    local line = ("policy %s: %s version %d"):format(event.script,
        event.hook and ("hook %s is in quarantine, of"):format(event.hook)
            or event.state == "rejected" and "a new text was rejected; in force is"
            or event.state == "failed" and "a hook failed, of" or event.state,
        event.version)
    return event.error and line .. "\n" .. event.error or line
end

--------------------------------------------------------------------------------------------------
-- Lines of JSON

local Json = {}
Json.__index = Json

local first = { "event", "frame", "used", "limit", "state", "script", "version", "error" }

function Json:event(name, fields)
    fields.event = name
    self.host.print(json.line(fields, first))
    self.host.flush()
end

function Json:start(run)
    self:event("start", {
        freehold = fh.version, workload = run.definition.name, path = run.definition.path,
        seed = run.world.seed, frames = run.frames or json.null, fps = run.fps or json.null,
        backend = run.adapter.backend, adapter = run.adapter.name,
    })
end

function Json:policy(event)
    local fields = { error = json.null }
    for key, item in pairs(event) do
        fields[key] = item
    end
    self:event("policy", fields)
end

function Json:say(frame, line)
    self:event("say", { frame = frame, text = line })
end

function Json:log(frame, level, line)
    self:event("log", { frame = frame, level = level, text = line })
end

-- Sent off now and then only: most runs have no time to wait for who reads.
function Json:frame(run)
    local brief = run:brief()
    brief.event = "frame"
    brief.limit = brief.limit or json.null
    self.host.print(json.line(brief, first))
    local now = fh.now_ns()
    if now - self.flushed >= FLUSH_NS then
        self.flushed = now
        self.host.flush()
    end
end

local function hooks_of(script)
    local hooks = {}
    for name, hook in pairs(script.hooks) do
        if hook.present or hook.calls > 0 then
            hooks[name] = {
                calls = hook.calls, decided = hook.decided, failed = hook.failed, busy = hook.busy,
                charge = hook.charge, quarantined = hook.quarantined,
            }
        end
    end
    return hooks
end

function Json:finish(run, seconds, problem)
    local brief = run:brief()
    local policies = json.list {}
    for i, script in ipairs(run.status and run.status.scripts or {}) do
        policies[i] = {
            name = script.name, path = script.path, state = script.state, version = script.version,
            accepted = script.accepted, rejected = script.rejected, hooks = hooks_of(script),
        }
    end
    brief.limit = brief.limit or json.null
    brief.frames, brief.frame = brief.frame, nil
    brief.interrupted = run.interrupted
    brief.seed = run.world.seed
    brief.policies = policies
    brief.error = problem
    brief.timing = { seconds = seconds, frames_per_second = brief.frames / seconds }
    self:event("end", brief)
end

--------------------------------------------------------------------------------------------------
-- Lines of text

local Plain = {}
Plain.__index = Plain

function Plain:line(source, ...)
    self.host.print(text.clean(select("#", ...) > 0 and source:format(...) or source, true) .. "\n")
    self.host.flush()
end

function Plain:start(run)
    self:line("%s, seed %d, %s on %s", run.definition.name, run.world.seed,
        run.frames and text.counted(run.frames, "frame") or "frames without end", run.adapter.name)
    -- A tenth of the run, or, where frames take their time, a second of it.
    self.every = run.fps and math.max(1, math.floor(run.fps + 0.5))
        or math.max(1, (run.frames or 600) // 10)
end

function Plain:policy(event)
    self:line((policy_line(event):gsub("\n", "\n  ")))
end

function Plain:say(frame, line)
    self:line("frame %d: %s", frame, line)
end

function Plain:log(_, level, line)
    self:line("%s: %s", level, line)
end

function Plain:frame(run)
    if run.world.frame % self.every == 0 then
        local brief = run:brief()
        self:line("frame %d%s: %s, %d refused, %d evicted", brief.frame,
            run.frames and "/" .. run.frames or "", of_limit(brief.used, brief.limit),
            brief.refused, brief.evicted)
    end
end

function Plain:finish(run, seconds)
    local brief = run:brief()
    self:line("")
    self:line("%s in %.1f s%s", text.counted(brief.frame, "frame"), seconds,
        run.interrupted and ", interrupted" or "")
    self:line("  memory     %s at the end, %s at most, in %s", of_limit(brief.used, brief.limit),
        size.format(brief.peak), text.counted(brief.driver_allocations, "driver allocation"))
    self:line("  requests   %d served, %d refused, %d saved by relief", brief.made,
        brief.refused, brief.relieved)
    self:line("  eviction   %d parcels let go, %d times declined", brief.evicted, brief.declined)
    for _, script in ipairs(run.status and run.status.scripts or {}) do
        local calls, decided, failed = 0, 0, 0
        for _, hook in pairs(script.hooks) do
            calls, decided = calls + hook.calls, decided + hook.decided
            failed = failed + hook.failed
        end
        self:line("  policy     %s, version %d, %s: %d calls, %d decisions, %d failures",
            script.name, script.version, script.state, calls, decided, failed)
    end
end

--------------------------------------------------------------------------------------------------
-- The live view

local Live = {}
Live.__index = Live

function Live:start(run)
    local title = ("%s on %s"):format(run.definition.name, run.adapter.name)
    self.view = view.live(title, run.frames, self.settings, function(picture)
        self.host.print(picture)
        self.host.flush()
    end)
    self.marks = { { ns = fh.now_ns(), frame = 0, decisions = 0 } }
    self.rates = { frames = 0.0, decisions = 0.0 }
end

function Live:policy(event)
    self.view:remark((policy_line(event):gsub("\n.*", "")))
end

function Live:say(frame, line)
    self.view:remark(("frame %d: %s"):format(frame, line))
end

function Live:log(_, level, line)
    self.view:remark(("%s: %s"):format(level, line))
end

-- Over the last second or so.
local function renew_rates(self, now, brief)
    local marks = self.marks
    local oldest = marks[1]
    local seconds = (now - oldest.ns) / NS
    if seconds > 0 then
        self.rates.frames = (brief.frame - oldest.frame) / seconds
        self.rates.decisions = ((brief.decisions or 0) - oldest.decisions) / seconds
    end
    marks[#marks + 1] = { ns = now, frame = brief.frame, decisions = brief.decisions or 0 }
    while #marks > 2 and now - marks[2].ns > NS do
        table.remove(marks, 1)
    end
end

local function draw(self, run, now)
    if now - self.sized >= SIZE_NS then
        self.sized = now
        self.columns, self.rows = terminal.size()
    end
    self.drawn = now
    local brief = run:brief()
    renew_rates(self, now, brief)
    self.view:draw(brief, measure.accounts(run.world), run.status, self.rates, self.columns,
        self.rows)
end

function Live:frame(run)
    local now = fh.now_ns()
    if now - self.drawn >= DRAW_NS then
        draw(self, run, now)
    end
end

function Live:finish(run, seconds)
    draw(self, run, fh.now_ns())
    Plain.finish(setmetatable({ host = self.host }, Plain), run, seconds)
end

--------------------------------------------------------------------------------------------------

--- Who tells: JSON when that is asked for, a live view where a terminal is, else lines of text.
---@param host freehold.CliHost
---@param as_json boolean
function report.open(host, as_json)
    if as_json then
        return setmetatable({ host = host, flushed = 0 }, Json)
    end
    local settings = terminal.open()
    if settings then
        return setmetatable({ host = host, settings = settings, drawn = 0, sized = -SIZE_NS },
            Live)
    end
    return setmetatable({ host = host }, Plain)
end

return report
