-- Two and a half of what comes whole.
-- expect: failed
return {
    place = function() return { types = { 2.5 } } end,
    frame = function() return { depth = 2.5 } end,
    retain = function() return 2.5 end,
    recycle = function() return { keep_ticks = 2.5 } end,
}
