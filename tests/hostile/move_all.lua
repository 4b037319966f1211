-- From the least to the largest integer.
-- expect: stopped
return {
    frame = function()
        pcall(table.move, {}, math.mininteger, math.maxinteger, 1)
        return { depth = 1 }
    end,
}
