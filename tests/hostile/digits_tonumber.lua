-- As many digits as a string may have, made a number.
-- expect: stopped
return {
    frame = function()
        local text = "0." .. ("1"):rep(16000)
        while true do
            tonumber(text)
            tonumber(text, 36)
        end
    end,
}
