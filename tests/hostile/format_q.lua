-- %q of strings that need escapes took seconds.
-- expect: failed
-- says: %q
return {
    frame = function()
        return string.format("%q", ("\0"):rep(16000))
    end,
}
