-- A comparison that always says yes makes Lua's own sort() leave the list.
-- expect: decides
return {
    frame = function()
        local list, calls = {}, 0
        for i = 1, 100 do
            list[i] = i
        end
        table.sort(list, function()
            calls = calls + 1
            return true
        end)
        assert(#list == 100 and calls < 1000)
        return { depth = 1 }
    end,
}
