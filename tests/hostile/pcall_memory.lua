-- pcall() catches that there is no more memory, and goes on.
-- expect: stopped
return {
    frame = function()
        local kept = {}
        while true do
            pcall(function()
                for i = 1, 1000000 do
                    kept[#kept + 1] = { i }
                end
            end)
        end
    end,
}
