-- As many empty strings as a list can hold.
-- expect: stopped
return {
    frame = function()
        local t = {}
        for i = 1, 4000 do
            t[i] = ""
        end
        while true do
            table.concat(t)
        end
    end,
}
