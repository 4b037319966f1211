-- Long strings, many times in one format.
-- expect: failed
-- says: longer
return {
    frame = function()
        local long = ("x"):rep(16000)
        return string.format(("%s"):rep(100), table.unpack({ long, long, long }, 1, 100))
    end,
}
