-- Self, facts, the environment and modules are no data.
-- expect: failed
local kept = 0
return {
    frame = function(self, stats, facts)
        local things = { self, stats, facts, _ENV, string, self.options, facts.heaps, error }
        kept = kept + 1
        for _, thing in ipairs(things) do
            local ok = pcall(function() self.state.x = thing end)
            assert(not ok)
        end
        self.state.x = things[kept]
    end,
    pressure = function(self, event) self.state[event] = 1 end,
}
