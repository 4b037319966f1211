-- Widths and precisions that are no widths.
-- expect: failed
-- says: invalid conversion
return {
    frame = function()
        for _, form in ipairs { "%999999999d", "%.999999999f", "%1000s", "%-+ #0-+ #0d", "%*d" } do
            assert(not pcall(string.format, form, 1))
        end
        return string.format("%100000000000000000000000s", "x")
    end,
}
