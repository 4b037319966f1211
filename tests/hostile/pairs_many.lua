-- The keys of a full table are sorted each time.
-- expect: stopped
return {
    frame = function()
        local t = {}
        for i = 1, 900 do
            t[i * 1.5] = i
        end
        while true do
            for _ in pairs(t) do
                break
            end
        end
    end,
}
