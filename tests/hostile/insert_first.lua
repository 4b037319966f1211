-- Everything moves with each insertion.
-- expect: stopped
return {
    frame = function()
        local t = {}
        while true do
            table.insert(t, 1, 0)
            if #t == 4000 then
                t = {}
            end
        end
    end,
}
