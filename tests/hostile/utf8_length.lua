-- Long texts of long characters, counted again and again.
-- expect: stopped
return {
    frame = function()
        local text = utf8.char(0x10ffff):rep(4000)
        while true do
            utf8.len(text)
            utf8.offset(text, 4000)
            utf8.offset(text, -4000)
        end
    end,
}
