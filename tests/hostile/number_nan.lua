-- 0 / 0, which is no byte, no count and no key.
-- expect: failed
local nan = 0 / 0
return {
    place = function() return { priority = nan } end,
    relieve = function() return { action = "wait", timeout_ms = nan } end,
    limits = function() return { total = nan } end,
    frame = function() return { evict_cap = nan } end,
    pressure = function() return { evict_bytes = nan } end,
    retain = function() return nan end,
    recycle = function() return { keep_ticks = nan } end,
    evict = function() return nan end,
    defrag = function() return { bytes = nan, allow = true } end,
}
