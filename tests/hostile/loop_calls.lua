-- Nothing but calls into C.
-- expect: stopped
return {
    frame = function()
        local f = math.floor
        while true do
            f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8)
        end
    end,
}
