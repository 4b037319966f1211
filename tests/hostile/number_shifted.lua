-- 1 << 63 is negative; 2^63 and above are no bytes.
-- expect: failed
return {
    place = function() return { types = { 1 << 63 } } end,
    relieve = function() return { action = "evict", bytes = 1 << 63 } end,
    limits = function() return { total = 1 << 63 } end,
    frame = function() return { evict_cap = 2.0 ^ 63 } end,
    pressure = function() return { evict_bytes = 2.0 ^ 54 } end,
    retain = function() return 1 << 63 end,
    recycle = function() return { keep_bytes = 2.0 ^ 64 } end,
}
