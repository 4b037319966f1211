-- A tag as long as a string may be.
-- expect: ends
return {
    limits = function()
        return { tags = { [("t"):rep(16000)] = 1 } }
    end,
}
