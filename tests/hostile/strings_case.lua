-- Letter by letter over the longest string.
-- expect: stopped
return {
    frame = function()
        local long = ("aB"):rep(8000)
        while true do
            long = long:upper():lower():reverse()
        end
    end,
}
