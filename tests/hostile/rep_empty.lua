-- Nothing, 2^40 times: no result, and no end.
-- expect: decides
return {
    frame = function()
        assert(string.rep("", 1 << 40) == "" and ("").rep("", math.maxinteger) == "")
        return { depth = 1 }
    end,
}
