-- 2^63 entries are moved: all of them nil.
-- expect: stopped
return {
    frame = function()
        table.move({}, 1, math.maxinteger - 1, 2)
    end,
}
