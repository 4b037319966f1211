-- Levels that there are none of.
-- expect: failed
return {
    frame = function()
        for _, level in ipairs { -1, 0, 3, 1000, math.maxinteger, math.mininteger } do
            pcall(error, "x", level)
        end
        error("end", math.maxinteger)
    end,
}
