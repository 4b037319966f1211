-- From here to the end of the integers.
-- expect: failed
-- says: invalid value
return {
    frame = function()
        return table.concat({ "a" }, "", 1, math.maxinteger)
    end,
}
