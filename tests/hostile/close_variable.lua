-- A variable that is closed wants a metatable.
-- expect: failed
return {
    frame = function()
        local x <close> = {}
        return x
    end,
}
