-- Functions are made, and dropped at once.
-- expect: stopped
return {
    frame = function()
        local f
        while true do
            local a, b, c = f, f, f
            f = function() return a, b, c end
        end
    end,
}
