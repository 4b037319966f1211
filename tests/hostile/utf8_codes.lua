-- The iterator is called with what it never gave.
-- expect: failed
return {
    frame = function()
        local next_code = utf8.codes("abc")
        assert(next_code("abc", 1 << 62) == nil and next_code("abc", -5) == nil)
        for at = 0, 20 do
            pcall(next_code, ("\x80"):rep(10), at)
            pcall(next_code, "h\u{20ac}\u{10000}", at)
        end
        next_code({}, 1)
    end,
}
