-- The same through the limit of a loop.
-- expect: ends
return {
    frame = function()
        local text = "8." .. ("0"):rep(16000)
        while true do
            for _ = 10, text do
            end
        end
    end,
}
