-- Raising and catching, for ever, with a new message each time.
-- expect: stopped
return {
    frame = function()
        local n = 0
        while true do
            pcall(error, "no " .. n)
            n = n + 1
        end
    end,
}
