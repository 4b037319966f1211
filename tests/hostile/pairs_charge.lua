-- Keys come in the same order each time, and cost the same, however Lua has hashed them.
-- expect: decides
local first
return {
    frame = function()
        local t, order, seen = {}, {}, 0
        for i = 1, 300 do
            t["key" .. i * 7919 % 1009] = i
            t[i / 4] = i
        end
        for key in pairs(t) do
            seen = seen + 1
            order[#order + 1] = tostring(key)
        end
        local text = table.concat(order, ",")
        first = first or text
        assert(first == text)
        return { evict_cap = #text + seen }
    end,
    pressure = function()
        local t = { 1, 2, 3, [10] = 4, x = 5, [true] = 6, [false] = 7, [-1] = 8, [2.5] = 9 }
        local text = ""
        for key, value in pairs(t) do
            text = text .. tostring(key) .. "=" .. value .. " "
        end
        assert(text == "false=7 true=6 -1=8 1=1 2=2 2.5=9 3=3 10=4 x=5 ", text)
        return { trim = true }
    end,
}
