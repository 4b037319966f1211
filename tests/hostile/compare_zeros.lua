-- Lua compares strings piece by piece, where pieces end at zeros: here each byte is a piece.
-- expect: stopped
return {
    frame = function()
        local p = ("\0"):rep(16000)
        local a, b = p .. "a", p .. "b"
        while true do
            if a < b then end
            if a < b then end
            if a < b then end
            if a < b then end
            if a < b then end
            if a < b then end
            if a < b then end
            if a < b then end
        end
    end,
}
