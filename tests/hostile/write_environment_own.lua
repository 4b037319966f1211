-- An environment of one's own is a local table like any other.
-- expect: decides
local outer = _ENV
return {
    frame = function()
        local _ENV = { x = 1 }
        y = x + 1 -- luacheck: ignore
        return { depth = y } -- luacheck: ignore
    end,
    pressure = function()
        local _ENV = outer
        return { trim = string ~= nil }
    end,
}
