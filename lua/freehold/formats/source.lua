-- A trace to read from, as often as a format needs: some have to know the peak before they begin.

local fh = require "freehold"

local source = {}

---@class freehold.TraceSource
---@field path string
---@field damage string "" or what the last pass found to be wrong with the file
---@field dropped_count integer events that the recorder lost, as the last pass saw it
---@field progress fun(read: integer, all: integer)?
local Source = {}
Source.__index = Source

local EVERY = 4096             -- events between two reports of progress

-- What ends a format's work: caught where it was begun.
local Failure = {}
Failure.__tostring = function(self)
    return self.message
end

--- Ends the work with a message and a code.
---@param message string
---@param code string
function source.fail(message, code)
    error(setmetatable({ message = message, code = code }, Failure), 0)
end

--- Calls `work(...)`: what it returns, or nil, message and code when source.fail() ended it.
---@param work function
---@return any ...
function source.guard(work, ...)
    local results = table.pack(xpcall(work, function(problem)
        if type(problem) == "string" and not problem:find("interrupted!$") then
            return debug.traceback(problem, 2)
        end
        return problem
    end, ...))
    if results[1] then
        return table.unpack(results, 2, results.n)
    elseif getmetatable(results[2]) == Failure then
        return nil, results[2].message, results[2].code
    end
    error(results[2], 0)
end

--- The trace in a file.
---@param path string
---@param progress fun(read: integer, all: integer)?
---@return freehold.TraceSource
function source.new(path, progress)
    return setmetatable({
        path = path, progress = progress, damage = "", dropped_count = 0, open = fh.trace_reader,
    }, Source)
end

--- Calls `take(event)` for each event, until it returns true. `share` and `shares` are for the
--- progress, when there are several passes: which one this is, of how many.
---@param take fun(event: table): boolean?
---@param share integer?
---@param shares integer?
function Source:pass(take, share, shares)
    local reader <close>, message, code = self.open(self.path)
    if not reader then
        source.fail(message, code)
    end
    local count = 0
    while true do
        local event, problem, why = reader:next()
        if not event then
            if problem then
                source.fail(problem, why)
            end
            break
        end
        if take(event) then
            return
        end
        count = count + 1
        if self.progress and count % EVERY == 0 then
            local info = reader:info()
            self.progress(((share or 1) - 1) * info.file_bytes + info.read_bytes,
                (shares or 1) * info.file_bytes)
        end
    end
    local info = reader:info()
    self.damage, self.dropped_count = info.damage, info.dropped_count
end

return source
