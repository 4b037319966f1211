-- The same, with strings that an earlier call made.
-- calls: 4
-- expect: stopped
local a, b

return {
    frame = function()
        if not a then
            local p = ("\0"):rep(16000)
            a, b = p .. "a", p .. "b"
        end
        while true do
--+ 60 if a < b then end
        end
    end,
}
