-- Comparisons that sort.
-- expect: ends
local function before(a, b)
    local list = { 3, 1, 2, a, b }
    table.sort(list, before)
    return a < b
end

return {
    frame = function()
        table.sort({ 3, 2, 1 }, before)
    end,
}
