-- Infinities.
-- expect: failed
-- expect evict: decides
local inf = math.huge
return {
    place = function() return { priority = inf } end,
    relieve = function() return { action = "evict", bytes = inf } end,
    limits = function() return { heap = inf } end,
    frame = function() return { transient_cap = inf } end,
    pressure = function() return { evict_bytes = -inf } end,
    retain = function() return inf end,
    recycle = function() return { keep_bytes = -inf } end,
    evict = function(_, candidate) return candidate.size > 100 and inf or -inf end,
    defrag = function() return { allow = true, bytes = inf } end,
}
