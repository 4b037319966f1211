-- Numbers as strings are no numbers.
-- expect: failed
return {
    place = function() return { priority = "0.5" } end,
    relieve = function() return { action = "wait", timeout_ms = "5" } end,
    limits = function() return { watermarks = { "0.5" } } end,
    frame = function() return { depth = "2" } end,
    retain = function() return "5" end,
    recycle = function() return { keep_ticks = "5" } end,
    evict = function() return "5" end,
}
