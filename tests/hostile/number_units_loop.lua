-- The same through bytes(), again and again.
-- expect: stopped
return {
    frame = function()
        local long = ("9"):rep(15000) .. ".5MiB"
        while true do
            pcall(bytes, long)
            pcall(bytes, 0 / 0)
        end
    end,
}
