-- Much is kept, and then garbage is made at the limit, where each allocation would collect.
-- expect: stopped
return {
    frame = function()
        local kept = {}
        for i = 1, 2000 do
            kept[i] = ("x"):rep(2000) .. i
        end
        while true do
            pcall(function()
                local _ = ("y"):rep(2000)
            end)
        end
    end,
}
