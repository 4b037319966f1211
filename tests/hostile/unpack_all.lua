-- The same, onto the stack.
-- expect: stopped
return {
    frame = function()
        return table.unpack({}, math.mininteger, math.maxinteger)
    end,
}
