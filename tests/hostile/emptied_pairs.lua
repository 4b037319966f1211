-- A table that was large and is empty is walked again and again.
-- expect: stopped
return {
    frame = function()
        local t = {}
        for i = 1, 900 do
            t["k" .. i] = i
        end
        for i = 1, 900 do
            t["k" .. i] = nil
        end
        while true do
            for _ in pairs(t) do
            end
        end
    end,
}
