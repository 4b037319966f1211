-- Short strings are kept in a table of Lua's own, which grows.
-- expect: stopped
return {
    frame = function()
        local kept = {}
        for i = 1, 1e9 do
            kept[i % 4000 + 1] = "s" .. i
        end
    end,
}
