-- Answers that are no decisions.
-- expect: failed
return {
    place = function() return "device" end,
    relieve = function() return 5 end,
    limits = function() return print or error end,
    frame = function() return true end,
    pressure = function() return error end,
    retain = function() return {} , {} end,
    recycle = function() return "all" end,
    evict = function() return {} end,
    alias = function() return 1 end,
    defrag = function() return "yes" end,
}
