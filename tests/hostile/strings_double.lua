-- A string is doubled until there is no memory left.
-- expect: stopped
return {
    frame = function()
        local s = "x"
        while true do
            s = s .. s
        end
    end,
}
