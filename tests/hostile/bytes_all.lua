-- All bytes of a long string, as values on the stack.
-- expect: failed
-- says: bytes
return {
    frame = function()
        return ("x"):rep(16000):byte(1, -1)
    end,
}
