-- A table that grows for ever.
-- expect: stopped
return {
    frame = function()
        local t = {}
        for i = 1, 1e9 do
            t[i] = i
            t["k" .. i] = i
        end
    end,
}
