-- The same, caught each time, and begun anew.
-- expect: stopped
return {
    frame = function()
        while true do
            pcall(function()
                local s = "x"
                while true do
                    s = s .. s
                end
            end)
        end
    end,
}
