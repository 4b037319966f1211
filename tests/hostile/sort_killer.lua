-- An adversary that decides while it is asked: quadratic for every quicksort.
-- expect: decides
return {
    frame = function()
        local list, value, solid, candidate, calls = {}, {}, 0, 0, 0
        for i = 1, 500 do
            list[i] = i
            value[i] = math.huge
        end
        table.sort(list, function(a, b)
            calls = calls + 1
            if value[a] == math.huge and value[b] == math.huge then
                solid = solid + 1
                value[a == candidate and a or b] = solid
            end
            candidate = value[a] == math.huge and a or b
            return value[a] < value[b]
        end)
        assert(calls < 500 * 10)
        return { depth = 1 }
    end,
}
