-- pairs of what has none, and its iterator called by hand.
-- expect: failed
return {
    frame = function(self, stats, facts)
        for _, value in ipairs { self, stats, facts, self.state, self.options, string, _ENV } do
            local count = 0
            for _ in pairs(value) do
                count = count + 1
                assert(count < 100)
            end
        end
        local step = pairs { 1, 2, 3 }
        for _ = 1, 10 do
            step({}, {})
        end
        return pairs(1)
    end,
}
