-- %p and %a tell addresses, and numbers as they are on this machine only.
-- expect: failed
-- says: invalid conversion
return {
    frame = function()
        assert(not pcall(string.format, "%a", 1))
        assert(not pcall(string.format, "%A", 1))
        return string.format("%p", {})
    end,
}
