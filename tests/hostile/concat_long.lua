-- More than a string may have.
-- expect: failed
-- says: longer
return {
    frame = function()
        local t = {}
        for i = 1, 1000 do
            t[i] = "something"
        end
        return table.concat(t, (" "):rep(100))
    end,
}
