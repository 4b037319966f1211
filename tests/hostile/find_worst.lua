-- A needle that fits everywhere but for its end.
-- expect: stopped
return {
    frame = function()
        local hay, needle = ("a"):rep(16000), ("a"):rep(8000) .. "b"
        while true do
            hay:find(needle)
            contains(hay, needle)
        end
    end,
}
