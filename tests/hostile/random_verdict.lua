-- A verdict by chance is no verdict for a class.
-- expect: decides
return {
    place = function()
        return { memory = math.random(2) == 1 and "device" or "host" }
    end,
}
