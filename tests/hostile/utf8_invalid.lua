-- Bytes that are no characters: an error, or nil and where; never a walk out of the text.
-- expect: failed
-- says: UTF-8
return {
    frame = function()
        for _, text in ipairs { "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82",
            "\x80\x80", "\xf0", "a\xcc" } do
            assert(utf8.len(text) == nil)
            assert(not pcall(utf8.codepoint, text, 1, -1))
        end
        for _ in utf8.codes(("\x80"):rep(16000)) do
        end
    end,
}
