-- Nothing but separators.
-- expect: failed
-- says: longer
return {
    frame = function()
        return (""):rep(1 << 40, ",")
    end,
}
