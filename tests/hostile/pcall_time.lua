-- pcall() catches the time-out, and goes on.
-- expect: stopped
return {
    frame = function()
        while true do
            pcall(function()
                while true do
                end
            end)
        end
    end,
}
