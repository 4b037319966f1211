-- How far a long piece of work is: a line on a terminal, where complaints go, that is drawn again
-- in place and gone in the end. Short work shows none.

local fh = require "freehold"
local terminal = require "freehold.cli.terminal"
local text = require "freehold.cli.text"
local view = require "freehold.cli.view"

local progress = {}

local NS = 1000000000
local PATIENCE_NS = NS * 2 // 5 -- work that is done by then shows nothing
local DRAW_NS = NS // 10

---@class freehold.Progress
local Progress = {}
Progress.__index = Progress

--- One that writes by `write`, or, without it, to the terminal, if there is one.
---@param write fun(text: string)?
---@param settings { unicode: boolean, colour: boolean }?
---@param columns integer?
---@return freehold.Progress
function progress.open(write, settings, columns)
    settings = settings or not write and terminal.open(2) or nil
    return setmetatable({
        settings = settings,
        columns = columns,
        write = write or function(line)
            io.stderr:write(line)
            io.stderr:flush()
        end,
        began = fh.now_ns(),
        drawn = 0,
        visible = false,
    }, Progress)
end

--- So much of it is done.
---@param what string
---@param done integer
---@param all integer
function Progress:show(what, done, all)
    local now = fh.now_ns()
    if not self.settings or now - self.began < PATIENCE_NS or now - self.drawn < DRAW_NS then
        return
    end
    self.drawn = now
    self.columns = self.columns or (terminal.size())
    local width = math.max(20, math.min(self.columns - 1, 100))
    local share = all > 0 and math.min(1, done / all) or 0
    local label = text.cut(text.clean(what), width // 2)
    local room = width - text.width(label) - 8
    local line = label
    if room >= 8 then
        local full, rest = view.bar(share, room, self.settings.unicode)
        line = line .. " " .. full .. rest
    end
    self.visible = true
    self.write(("\r%s %3d %%\27[K"):format(line, math.floor(100 * share)))
end

--- Takes the line away: something else is to be written.
function Progress:clear()
    if self.visible then
        self.visible = false
        self.write("\r\27[K")
    end
end

return progress
