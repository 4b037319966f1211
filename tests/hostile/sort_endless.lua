-- A length between holes may be any: 2^60, which times 16 is 0.
-- expect: stopped
return {
    frame = function()
        local list = { 1, 2, 3, 4, 5 }
        list[8], list[9] = 8, 9
        for bit = 4, 60 do
            list[1 << bit] = 1
        end
        assert(#list >= 1 << 60)
        table.sort(list)
    end,
}
