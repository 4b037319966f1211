-- Three hundred digits before the point, and a hundred behind it.
-- expect: stopped
return {
    frame = function()
        while true do
            string.format("%.99f%.99f%.99f%.99f", 1.7e308, -1.7e308, 1e300, 5e-324)
        end
    end,
}
