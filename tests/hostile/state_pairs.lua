-- A full state is walked, and changes meanwhile.
-- expect: ends
return {
    frame = function(self)
        for i = 1, 1000 do
            self.state["k" .. i] = { i }
        end
        for k, v in pairs(self.state) do
            self.state[k] = nil
            v[1] = nil
        end
        return { depth = 1 }
    end,
}
