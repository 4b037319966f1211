-- The longest string, of single bytes, again and again.
-- expect: stopped
return {
    frame = function()
        while true do
            local _ = ("a"):rep(16000), (""):rep(16000, "b")
        end
    end,
}
