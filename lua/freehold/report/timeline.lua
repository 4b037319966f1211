-- A run's samples as the lines of a chart. There is one sample for each frame; up to FRAMES_MAX of
-- them are drawn as they are. Of more, equally many frames in a row share a point, which has their
-- least and their most: whatever was reached for one frame only is still seen, and still exact.

local json = require "freehold.cli.json"

local timeline = {}

local FRAMES_MAX = 2400        -- more than are drawn each by itself
local POINTS_MAX = 1500        -- then

--- What all runs of a comparison share: which frames there are, and how many share a point.
---@class freehold.ReportAxis
---@field first integer frame
---@field last integer frame
---@field step integer frames in a point
---@field count integer points
---@field times integer[] where frames ended, ns, from `first` on
local Axis = {}
Axis.__index = Axis

local function add_times(times, samples, first)
    for i, frame in ipairs(samples.frame) do
        local ns = samples.time_ns and samples.time_ns[i]
        if ns then
            times[frame - first + 1] = ns
        end
    end
end

---@param comparison freehold.Comparison
---@return freehold.ReportAxis
function timeline.axis(comparison)
    local first, last
    for _, run in ipairs(comparison.runs or {}) do
        local frames = run.samples and run.samples.frame or {}
        if #frames > 0 then
            first = math.min(first or frames[1], frames[1])
            last = math.max(last or frames[#frames], frames[#frames])
        end
    end
    if not first then
        return setmetatable({ first = 1, last = 0, step = 1, count = 0, times = {} }, Axis)
    end
    local frames = last - first + 1
    local step = frames > FRAMES_MAX and (frames + POINTS_MAX - 1) // POINTS_MAX or 1
    local times = {}
    for _, run in ipairs(comparison.runs) do
        if run.samples and #times < frames then
            add_times(times, run.samples, first)
        end
    end
    return setmetatable({
        first = first, last = last, step = step, count = (frames + step - 1) // step,
        times = times,
    }, Axis)
end

--- Where a moment is among the frames: 2.5 is in the middle of the third. `frame` is that in which
--- the moment is.
---@param frame integer
---@param ns integer
---@return number
function Axis:place(frame, ns)
    local at = frame - self.first + 1
    if at < 1 then
        return self.first - 1
    elseif frame > self.last then
        return self.last
    end
    local from, to = self.times[at - 1], self.times[at]
    local part = from and to and to > from and (ns - from) / (to - from) or 0
    return frame - 1 + math.max(0, math.min(1, part))
end

-- The greatest common divisor of what is not negative in a list: most bytes are multiples of some
-- page, and shorter to write so. 1 at least.
local function unit_of(list)
    local unit = 0
    for i = 1, #list do
        local value = list[i]
        while value > 0 do
            unit, value = value, unit % value
        end
        if unit == 1 then
            return 1
        end
    end
    return unit > 0 and unit or 1
end

-- A list of integers, -1 for none, as the page takes it: in units, and where little changes, only
-- the changes: place and value by turns.
local function packed(list)
    local unit, changes = unit_of(list), 0
    for i = 1, #list do
        changes = changes + (list[i] ~= list[i - 1] and 1 or 0)
    end
    local out = json.list {}
    if changes * 2 >= #list then
        for i, value in ipairs(list) do
            out[i] = value < 0 and -1 or value // unit
        end
        return { unit = unit, values = out }
    end
    for i, value in ipairs(list) do
        if value ~= list[i - 1] then
            out[#out + 1] = i - 1
            out[#out + 1] = value < 0 and -1 or value // unit
        end
    end
    return { unit = unit, steps = out, count = #list }
end

-- What is not a count is none, and so is what is 2^63 or more: "no limit", of whoever says it so.
local function number_of(value)
    value = value and math.tointeger(value) or -1
    return value == math.maxinteger and -1 or math.max(value, -1)
end

-- A point that no sample falls into has what the one before it had.
local function fill(list, count)
    local before = -1
    for i = 1, count do
        before = list[i] or before
        list[i] = before
    end
    return list
end

-- The least and the most in each point, of what `value(i)` says of the sample i.
local function spread(axis, frames, low_of, high_of)
    local lows, highs = {}, {}
    for i = 1, #frames do
        local at = (frames[i] - axis.first) // axis.step + 1
        local low, high = low_of(i), high_of(i)
        local least, most = lows[at], highs[at]
        if not least or low < least then
            lows[at] = low
        end
        if not most or high > most then
            highs[at] = high
        end
    end
    return fill(lows, axis.count), fill(highs, axis.count)
end

local function same(a, b)
    for i = 1, #a do
        if a[i] ~= b[i] then
            return false
        end
    end
    return true
end

local function line(axis, frames, low_of, high_of)
    local lows, highs = spread(axis, frames, low_of, high_of)
    return { high = packed(highs), low = not same(lows, highs) and packed(lows) or nil }
end

-- Something that happens: at which points, and how often there: place and count by turns.
local function marks(axis, frames, column)
    local sums, out = {}, json.list {}
    for i = 1, #frames do
        local count = column[i] or 0
        if count > 0 then
            local at = (frames[i] - axis.first) // axis.step
            sums[at] = (sums[at] or 0) + count
        end
    end
    for at = 0, axis.count - 1 do
        if sums[at] then
            out[#out + 1] = at
            out[#out + 1] = sums[at]
        end
    end
    return out
end

--- The lines of one run, as the page takes them.
---@param run freehold.ComparedRun
---@param axis freehold.ReportAxis
---@return table
function timeline.lines(run, axis)
    local samples = run.samples or {}
    local frames = samples.frame or {}
    local lines = { heaps = json.list {} }
    local function of(name)
        local column = samples[name]
        return column and function(i)
            return number_of(column[i])
        end
    end
    local function add(name, low_of, high_of)
        if low_of and #frames > 0 then
            lines[name] = line(axis, frames, low_of, high_of or low_of)
        end
    end

    local reserved, committed, peak = of "reserved", of "committed", of "reserved_peak"
    add("reserved", reserved, peak and function(i)
        return math.max(peak(i), reserved(i))
    end)
    add("committed", committed)
    if reserved and committed then
        add("waste", function(i)
            return math.max(0, reserved(i) - committed(i))
        end)
    end
    add("fragmentation", of "fragmentation_ppm")
    add("driver_allocs", of "driver_allocs")
    add("limit", of "limit")
    add("budget", of "budget")
    for heap = 0, 15 do
        local used = of("heap" .. heap)
        if not used or #frames == 0 then
            break
        end
        local asked = of("heap" .. heap .. "_committed")
        lines.heaps[heap + 1] = {
            reserved = line(axis, frames, used, used),
            committed = asked and line(axis, frames, asked, asked),
        }
    end
    for _, name in ipairs { "refused", "evicted", "reloaded" } do
        lines[name] = marks(axis, frames, samples[name] or {})
    end
    return lines
end

--- The axis, as the page takes it: with the moments at which points end.
---@return table
function Axis:page()
    local ends = json.list {}
    for at = 1, self.count do
        ends[at] = number_of(self.times[math.min(at * self.step, self.last - self.first + 1)])
    end
    return {
        first = self.first, last = self.last, step = self.step, count = self.count,
        ends = packed(ends),
    }
end

return timeline
