-- The longest strings that a format may make, again and again.
-- expect: stopped
return {
    frame = function()
        local long = ("x"):rep(8000)
        while true do
            string.format("%s%s", long, long)
            string.format("%.5s%-99s", long, "")
        end
    end,
}
