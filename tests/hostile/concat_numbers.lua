-- Numbers become text, two hundred at a time.
-- expect: stopped
return {
    frame = function()
        local x, s = 1.7e308, ""
        while true do
            s = x .. x .. x .. x .. x .. x .. x .. x .. x .. x .. x .. x .. x .. x .. x .. x .. x
        end
        return s
    end,
}
