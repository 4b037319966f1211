-- Lists that contain themselves.
-- expect: failed
local list = { "trim" }
list[2] = list
local limits = {}
limits.kinds, limits.tags, limits.heap = limits, limits, limits
local memory = {}
memory[1] = memory
return {
    place = function() return { memory = memory } end,
    relieve = function() return list end,
    limits = function() return limits end,
    frame = function()
        local t = {}
        t.depth = t
        return t
    end,
    evict = function() return list end,
    alias = function()
        local options = {}
        options.x = options
        return { strategy = "a", options = options }
    end,
}
