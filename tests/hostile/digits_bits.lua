-- The same through a bitwise operation.
-- expect: failed
return {
    frame = function()
        local text = "0x" .. ("0"):rep(16000)
        while true do
            local _ = text | 1
        end
    end,
}
