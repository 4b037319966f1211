-- Which frames of a device are exported. Before the first of them events are only gone through, so
-- that what lives then is known.

local scan = require "freehold.formats.scan"

local window = {}

---@class freehold.FrameWindow
---@field open boolean what comes now is exported
---@field frame integer the one that is under way
---@field on_open fun()? called when the first frame begins, unless it is the trace's first
local Window = {}
Window.__index = Window

--- All of a trace; or the frames from `first` to `last` of a device.
---@param device freehold.ScannedDevice?
---@param first integer?
---@param last integer?
---@return freehold.FrameWindow
function window.new(device, first, last)
    return setmetatable({
        open = not device or first == 1, first = first, last = last,
        counter = device and scan.counter(device.id, device.frames_by),
        by_time = device and device.frames_by == "time",
    }, Window)
end

local function moved(self)
    if self.counter.frame > self.last then
        self.open = false
        return true
    elseif not self.open and self.counter.frame >= self.first then
        self.open = true
        if self.on_open then
            self.on_open()
        end
    end
    return false
end

--- Called before an event is applied. True: the frames are over, and with them the export.
---@param event table
---@param now freehold.TraceState
---@return boolean
function Window:before(event, now)
    local new = self.counter and self.counter:take(event, now)
    self.ended = new and not self.by_time
    return new and self.by_time and moved(self) or false
end

--- Called after it was applied and exported. True: as above.
---@return boolean
function Window:after()
    return self.ended and moved(self) or false
end

return window
