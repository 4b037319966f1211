-- The list stays as it was.
-- expect: failed
-- says: no order
return {
    frame = function()
        local list = { 3, 1, 2 }
        pcall(table.sort, list, function() error("no") end)
        assert(list[1] == 3 and list[2] == 1 and list[3] == 2)
        table.sort(list, function() error("no order") end)
    end,
}
