-- -1 where there can be none.
-- expect: failed
return {
    place = function() return { priority = -1 } end,
    relieve = function() return { action = "evict", bytes = -1 } end,
    limits = function() return { total = -1 } end,
    frame = function() return { depth = -1 } end,
    pressure = function() return { evict_bytes = -1 } end,
    retain = function() return -1 end,
    recycle = function() return { keep_bytes = -1 } end,
    defrag = function() return { allow = true, bytes = -1 } end,
}
