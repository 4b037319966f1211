-- A step that is lost in the number: it never moves.
-- expect: stopped
return {
    frame = function()
        for i = 1e300, math.huge do
            local _ = i
        end
    end,
}
