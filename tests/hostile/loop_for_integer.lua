-- Counting to 2^63.
-- expect: stopped
return {
    frame = function()
        for i = 1, math.maxinteger do
            local _ = i
        end
    end,
}
