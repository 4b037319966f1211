-- As many values as the stack holds, handed on again and again.
-- expect: stopped
return {
    frame = function()
        local list = {}
        local function twice(n, ...)
            if n == 0 then
                while true do
                    local _ = select("#", ...), select(-1, ...)
                end
            end
            return twice(n - 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, ...)
        end
        twice(60, table.unpack(list, 1, 200))
    end,
}
