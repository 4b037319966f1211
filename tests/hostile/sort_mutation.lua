-- The comparison takes the list apart while it is sorted.
-- expect: decides
return {
    frame = function()
        local list = { 5, 3, 4, 1, 2 }
        table.sort(list, function(a, b)
            for i = #list, 1, -1 do
                list[i] = nil
            end
            list.x = {}
            return a < b
        end)
        assert(list[1] == 1 and list[5] == 5)
        return { depth = 1 }
    end,
}
