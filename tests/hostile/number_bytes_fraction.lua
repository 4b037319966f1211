-- Bytes may be floats: they are rounded down.
-- expect: decides
return {
    limits = function() return { total = 1048576.9 } end,
    pressure = function() return { evict_bytes = 0.85 * (512 << 20) } end,
}
