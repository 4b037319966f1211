-- A size that comes out small when it is multiplied.
-- expect: failed
-- says: longer
return {
    frame = function()
        return ("x"):rep(8):rep((1 << 61) + 1)
    end,
}
