-- Sorting as many as a list can hold, again and again.
-- expect: stopped
return {
    frame = function()
        local list = {}
        for i = 1, 4000 do
            list[i] = (i * 7919) % 4001
        end
        while true do
            table.sort(list)
            table.sort(list, function(a, b) return a > b end)
        end
    end,
}
