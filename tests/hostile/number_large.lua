-- The largest there are.
-- expect: ends
return {
    place = function() return { types = { 31, 30 }, priority = 1 } end,
    relieve = function() return { action = "evict", bytes = math.maxinteger } end,
    limits = function() return { total = math.maxinteger, heap = 2.0 ^ 53 } end,
    frame = function() return { depth = 1 << 32, evict_cap = math.maxinteger } end,
    pressure = function() return { evict_bytes = math.maxinteger } end,
    retain = function() return 1 << 40 end,
    recycle = function() return { keep_bytes = math.maxinteger, keep_ticks = 1 << 32 } end,
}
