-- Powers, roots and logarithms.
-- expect: stopped
return {
    frame = function()
        local x = 1.0000001
        while true do
            x = x ^ 1.0000001 + math.log(x, 3) + math.exp(-x)
        end
    end,
}
