-- What is shipped stays as it is.
-- expect: failed
return {
    place = function() freehold.policy.ema = nil end,
    relieve = function() freehold.x = 1 end,
    limits = function() math.pi = 3 end,
    frame = function() table.insert(table, 1) end,
    pressure = function() table.move({ 1 }, 1, 1, 1, string) end,
    retain = function() utf8.x = {} end,
}
