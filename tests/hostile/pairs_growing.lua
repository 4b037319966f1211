-- The table grows while it is walked, and shrinks.
-- expect: decides
return {
    frame = function()
        local t, n = { 1, 2, 3, a = 1, b = 2 }, 0
        for k in pairs(t) do
            t[k] = nil
            t["n" .. n] = true
            n = n + 1
        end
        assert(n <= 5)
        return { depth = n }
    end,
}
