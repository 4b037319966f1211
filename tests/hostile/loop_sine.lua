-- The slowest numbers for sin() and tan().
-- expect: stopped
return {
    frame = function()
        local sin, tan, x = math.sin, math.tan, 1e300
        while true do
            x = sin(1e300) + tan(1e22) + x
        end
    end,
}
