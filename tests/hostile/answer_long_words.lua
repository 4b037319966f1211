-- Words of the longest strings.
-- expect: failed
local long = ("w"):rep(16000)
return {
    place = function() return { memory = long } end,
    relieve = function() return { action = long } end,
    limits = function() return { kinds = { [long] = 1 } } end,
    frame = function() return { [long] = 1 } end,
    alias = function() return { strategy = long } end,
}
