-- Everything moves with each removal.
-- expect: stopped
return {
    frame = function()
        while true do
            local t = {}
            for i = 1, 4000 do
                t[i] = i
            end
            while #t > 0 do
                table.remove(t, 1)
            end
        end
    end,
}
