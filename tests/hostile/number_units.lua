-- Sizes in words that are none.
-- expect: failed
return {
    relieve = function() return { action = "evict", bytes = "1e300GiB" } end,
    limits = function() return { total = "-5MiB" } end,
    frame = function() return { evict_cap = "99999999999999999999GiB" } end,
    pressure = function() return { evict_bytes = ("9"):rep(16000) .. "MiB" } end,
    recycle = function() return { keep_bytes = "0x10MiB" } end,
    defrag = function() return { allow = true, bytes = "nanMiB" } end,
}
