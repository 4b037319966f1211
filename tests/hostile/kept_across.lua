-- What one hook keeps, another one reads.
-- expect: ends
-- expect frame: failed
local kept
return {
    place = function(_, request) kept = request end,
    frame = function() return { depth = kept.samples } end,
}
