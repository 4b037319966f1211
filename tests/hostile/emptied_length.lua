-- The border of a list with holes is searched for each time.
-- expect: stopped
return {
    frame = function()
        local t = {}
        for i = 1, 4000 do
            t[i] = i
        end
        for i = 4000, 2, -1 do
            t[i] = nil
        end
        t[4000] = 1
        while true do
            local _ = #t + #t + #t + #t + #t + #t + #t + #t
        end
    end,
}
