-- Lists with holes.
-- expect: ends
return {
    place = function() return { memory = { "device", nil, "host" }, types = { [3] = 1 } } end,
    relieve = function() return { "trim", nil, "wait", [100] = "evict" } end,
    limits = function() return { heap = { nil, 5 }, watermarks = { nil, 0.5 } } end,
}
