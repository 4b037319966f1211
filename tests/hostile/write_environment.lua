-- Globals are read-only, however they are reached.
-- expect: failed
return {
    place = function() counter = 1 end, -- luacheck: ignore
    relieve = function() _ENV.counter = 1 end,
    limits = function() _ENV["string"] = nil end,
    frame = function() string = {} end, -- luacheck: ignore
    pressure = function() table.insert(_ENV, 1) end,
    retain = function()
        local environment = _ENV
        environment.pcall = error
    end,
}
