-- There is no place behind the last one that there can be.
-- expect: failed
-- says: full
return {
    frame = function()
        local list = { 1, 2, 3, 4, 5 }
        list[8], list[9] = 8, 9
        for bit = 4, 62 do
            list[1 << bit] = 1
        end
        list[math.maxinteger] = 1
        assert(#list == math.maxinteger)
        assert(table.concat(list, "", #list) == "1")
        table.insert(list, 1)
    end,
}
