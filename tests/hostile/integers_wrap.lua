-- Arithmetic at the end of the integers.
-- expect: failed
-- says: zero
return {
    frame = function()
        assert(math.maxinteger + 1 == math.mininteger and math.mininteger // -1 == math.mininteger)
        assert(math.mininteger % -1 == 0 and math.abs(math.mininteger) == math.mininteger)
        assert(math.fmod(math.mininteger, -1) == 0 and 1 << 64 == 0 and 1 << -1 == 0)
        local n = 0
        for _ = math.maxinteger - 1, math.maxinteger do
            n = n + 1
        end
        for _ = math.mininteger + 1, math.mininteger, -1 do
            n = n + 1
        end
        assert(n == 4)
        return { depth = 1 // 0 }
    end,
}
