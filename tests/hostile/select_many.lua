-- select("#", …) of a hundred thousand values, which cannot come together.
-- expect: stopped
return {
    frame = function()
        return select("#", table.unpack({}, 1, 100000))
    end,
}
