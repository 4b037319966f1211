-- A loop of one instruction.
-- expect: stopped
return {
    frame = function()
        for _ = 1, math.huge do end
    end,
}
