-- More values than there may be.
-- expect: failed
return {
    frame = function(self)
        for i = 1, 5000 do
            self.state[i] = i
        end
    end,
    pressure = function(self)
        local t = {}
        for i = 1, 4000 do
            t[i] = i
        end
        self.state.a = t
        self.state.b = t
    end,
}
