-- Positions that are none.
-- expect: failed
-- says: position
return {
    frame = function()
        for _, at in ipairs { 0, -1, 5, math.maxinteger, math.mininteger, 1.5, "1" } do
            assert(not pcall(table.insert, { 1, 2, 3 }, at, 0))
            assert(not pcall(table.remove, { 1, 2, 3 }, at == 5 and 6 or at))
        end
        table.insert({}, 2, 0)
    end,
}
