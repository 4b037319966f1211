-- Ranges that are none, and the widest one.
-- expect: failed
-- says: empty
return {
    frame = function()
        for _ = 1, 100 do
            local x = math.random(math.mininteger, math.maxinteger)
            assert(math.type(x) == "integer")
            x = math.random()
            assert(x >= 0 and x < 1)
        end
        assert(not pcall(math.random, 0 / 0))
        assert(not pcall(math.random, 1, 2, 3))
        assert(not pcall(math.random, 2.5))
        return { depth = math.random(2, 1) }
    end,
}
