-- Errors that are caught tell nothing of the order in which Lua walks a table, which is another one
-- on each run.
-- expect: decides
local function message(call, ...)
    local _, text = pcall(call, ...)
    return #text
end

return {
    frame = function(self, stats)
        local mixed, odd, long = {}, {}, {}
        for i = 1, 20 do
            mixed["a" .. i], mixed["b" .. i] = pcall, stats
            odd[i + 0.5], odd[{}] = i, i
            long["c" .. i] = i
        end
        long.bad = stats
        local sum = 0
        for _, list in ipairs({ mixed, odd, long }) do
            sum = sum + message(function()
                self.state.list = list
            end)
        end
        sum = sum + message(pairs, { [pcall] = 1, [stats] = 2, [{}] = 3 })
        return { transient_cap = sum }
    end,
}
