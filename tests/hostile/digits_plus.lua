-- The same through an addition, which Lua does for strings that look like numbers.
-- expect: failed
-- says: arithmetic
return {
    frame = function()
        local text = "0." .. ("1"):rep(16000)
        while true do
            text = text + 1
        end
    end,
}
