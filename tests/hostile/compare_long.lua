-- Long strings that are equal up to their ends.
-- expect: stopped
return {
    frame = function()
        local p = ("p"):rep(16000)
        local a, b = p .. "a", p .. "b"
        while true do
            local _ = a < b, a <= b, a == b, b > a, a ~= b
        end
    end,
}
