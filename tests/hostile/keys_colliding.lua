-- Integers that all fall into one place of a table.
-- expect: stopped
return {
    frame = function()
        local t = {}
        for i = 1, 1000 do
            t[i * (1 << 11) * 2047] = i
        end
        while true do
            local _ = t[2047 * (1 << 30)]
        end
    end,
}
