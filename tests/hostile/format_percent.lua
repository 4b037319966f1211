-- A format of nothing but %%.
-- expect: stopped
return {
    frame = function()
        local text = ("%%"):rep(8000)
        while true do
            string.format(text)
        end
    end,
}
