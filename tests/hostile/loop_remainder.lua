-- Remainders of numbers that are far apart take a step for each bit between them.
-- expect: stopped
return {
    frame = function()
        local big, small, x = 1.7e308, 5e-324, 0
        while true do
            x = x + big % small + math.fmod(big, small)
        end
    end,
}
