-- Methods of strings are everybody's.
-- expect: failed
return {
    place = function() string.rep = nil end,
    relieve = function() ("x").rep = error end,
    limits = function()
        local s = "x"
        s.y = 1
    end,
    frame = function() return { depth = ("x").__index.rep } end,
    pressure = function() return getmetatable("").__index end,
}
