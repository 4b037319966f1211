-- packsize of a format of repeated options took seconds; there is no packing.
-- expect: failed
-- says: packsize
return {
    frame = function()
        return string.packsize(("i16"):rep(5000))
    end,
}
