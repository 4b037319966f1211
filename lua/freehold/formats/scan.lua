-- A first look through a trace, for the formats that need to know before they begin: which devices
-- there are, how their frames are told apart, and when each of them held most.
--
-- Frames are those of replays (replay.h): one ends where the trace says so, at a present or a tick;
-- in a trace that never does, after each submit of work; without those, when anything happens in
-- the next FH_REPLAY_FRAME_NS. What comes after the last end is one more.

local state = require "freehold.formats.state"

local scan = {}

local FRAME_NS = 16666667      -- FH_REPLAY_FRAME_NS

-- Kinds of events that time goes on by: those that a replay does something for.
local DONE = {}
for _, kind in ipairs { "memory", "memory_freed", "bound", "released", "destroyed", "submit",
    "used", "budget", "refused", "eviction", "decision" }
do
    DONE[kind] = true
end

---@class freehold.FrameCounter
---@field by "presents"|"submits"|"time"
---@field device integer
---@field frame integer the one that is under way, from 1
local FrameCounter = {}
FrameCounter.__index = FrameCounter

-- By what frames are told: whether a new one begins, after this event or, by time, with it.
local begins = {}

function begins.presents(self, event)
    return event.kind == "frame" and (event.device == self.device or event.device == 0)
end

function begins.submits(self, event, now)
    local queue = event.kind == "submit" and now.queues[event.queue]
    return queue and queue.device == self.device
        and (event.commands > 0 or event.list and #event.list > 0) or false
end

function begins.time(self, event, now)
    local slot = event.time_ns // FRAME_NS
    if not DONE[event.kind] or slot == self.slot then
        return false
    end
    local device = now:device_of(event)
    if not device or device.id ~= self.device then
        return false
    end
    local first = not self.slot
    self.slot = slot
    return not first
end

--- Counts frames of a device.
---@param device integer
---@param by string
---@return freehold.FrameCounter
function scan.counter(device, by)
    return setmetatable({ device = device, by = by, frame = 1 }, FrameCounter)
end

--- Takes the next event, before it is applied. True when a new frame begins: after it, or, by time,
--- with it.
---@param event table
---@param now freehold.TraceState
---@return boolean
function FrameCounter:take(event, now)
    if not begins[self.by](self, event, now) then
        return false
    end
    self.frame = self.frame + 1
    return true
end

local SOURCES = { "presents", "submits", "time" }

---@class freehold.ScannedDevice
---@field id integer
---@field name string
---@field frames_by string
---@field frame_count integer
---@field peak_reserved integer bytes
---@field peak_committed integer at some moment of the peak, the most
---@field peak_frame integer
---@field peak_index integer which event of the trace made it so

-- What is seen of a device while the trace goes by.
local function watch(device)
    local seen = {
        id = device.id, device = device, peak_reserved = 0, peak_committed = 0, peak_index = 0,
        last_done = 0, counters = {}, at = {}, ended = {},
    }
    for i, by in ipairs(SOURCES) do
        seen.counters[i], seen.at[by], seen.ended[by] = scan.counter(device.id, by), 1, 0
    end
    return seen
end

-- Whether this is a new peak.
local function look(seen, index)
    local device = seen.device
    if device.reserved > seen.peak_reserved
        or device.reserved == seen.peak_reserved and device.committed > seen.peak_committed
    then
        seen.peak_reserved, seen.peak_committed = device.reserved, device.committed
        seen.peak_index = index
        for _, counter in ipairs(seen.counters) do
            seen.at[counter.by] = counter.frame
        end
    end
end

local function count(seen, event, now, index)
    for _, counter in ipairs(seen.counters) do
        if counter:take(event, now) then
            seen.ended[counter.by] = index
        end
    end
end

-- What it came to.
local function settle(seen)
    local presents, submits, time = table.unpack(seen.counters)
    local counter = presents.frame > 1 and presents or submits.frame > 1 and submits or time
    seen.frames_by, seen.name = counter.by, seen.device.name
    local has_rest = counter == time or seen.last_done > seen.ended[counter.by]
    seen.frame_count = has_rest and counter.frame or counter.frame - 1
    seen.peak_frame = math.min(seen.at[counter.by], seen.frame_count)
end

--- Looks through the whole trace.
---@param source freehold.TraceSource
---@param shares integer how many passes there will be
---@return { devices: freehold.ScannedDevice[], main: freehold.ScannedDevice?, state:
--- freehold.TraceState }
function scan.of(source, shares)
    local by_id, devices, index = {}, {}, 0
    local function seen_of(device)
        local seen = by_id[device.id]
        if not seen then
            seen = watch(device)
            by_id[device.id] = seen
            devices[#devices + 1] = seen
        end
        return seen
    end
    local function changed(object)
        look(seen_of(object.device), index)
    end
    local now = state.new { device = seen_of, memory = changed, bound = changed }
    source:pass(function(event)
        index = index + 1
        local is_done = DONE[event.kind]
        if is_done or event.kind == "frame" then
            for _, seen in ipairs(devices) do
                count(seen, event, now, index)
            end
            local device = is_done and now:device_of(event)
            if device then
                seen_of(device).last_done = index
            end
        end
        now:apply(event)
    end, 1, shares)

    local main
    for _, seen in ipairs(devices) do
        settle(seen)
        if not main or seen.peak_reserved > main.peak_reserved then
            main = seen
        end
    end
    return { devices = devices, main = main, state = now }
end

return scan
