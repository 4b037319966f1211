-- Each call keeps a bit more than the one before, until there is no more.
-- calls: 60
-- expect: stopped
local kept = {}

return {
    frame = function()
        for _ = 1, 20 do
            kept[#kept + 1] = ("x"):rep(15000) .. #kept
        end
        return { depth = 1 }
    end,
}
