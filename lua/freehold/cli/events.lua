-- What becomes of policies while they are in charge, as events: their status after every frame is
-- compared with the one before.

local events = {}

local function quarantined(script)
    local names = {}
    for name, hook in pairs(script.hooks) do
        if hook.quarantined then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    return names
end

---@class freehold.PolicyEvent
---@field state "loaded"|"reloaded"|"rejected"|"quarantined"|"failed"
---@field script string its name
---@field path string? of its file
---@field version integer in force
---@field error string?
---@field hook string? in quarantine

local Watcher = {}
Watcher.__index = Watcher

--- What is new since the last time: all of it at the first.
---@param status table what policy:status gave
---@return freehold.PolicyEvent[]
function Watcher:compare(status)
    local found = {}
    for i, script in ipairs(status.scripts) do
        local function tell(state, message, hook)
            found[#found + 1] = {
                state = state, script = script.name, path = script.path,
                version = script.version, error = message, hook = hook,
            }
        end
        local before = self.scripts[i]
        local now = {
            version = script.version, accepted = script.accepted, rejected = script.rejected,
            error = script.error, quarantined = {},
        }
        if not before then
            tell("loaded")
            before = { rejected = script.rejected, quarantined = {} }
        elseif before.version ~= now.version then
            tell("reloaded")
            before.quarantined, before.error = {}, nil
        end
        local told = false
        if before.rejected ~= now.rejected then
            tell("rejected", now.error)
            told = true
        end
        for _, name in ipairs(quarantined(script)) do
            now.quarantined[name] = true
            if not before.quarantined[name] then
                tell("quarantined", now.error, name)
                told = true
            end
        end
        if not told and now.error and now.error ~= before.error then
            tell("failed", now.error)
        end
        self.scripts[i] = now
    end
    return found
end

--- What tells the events of one policy.
function events.watcher()
    return setmetatable({ scripts = {} }, Watcher)
end

return events
