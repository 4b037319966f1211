-- The same, from time to time, with quick instructions in between; and with shorter strings.
-- expect: stopped
return {
    frame = function()
        local p = ("\0"):rep(2000)
        local a, b = p .. "a", p .. "b"
        while true do
            for _ = 1, 60 do
            end
--+ 50 if a < b then end
        end
    end,
}
