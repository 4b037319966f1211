-- As many writes as there is charge for.
-- expect: stopped
return {
    frame = function(self)
        while true do
            for i = 1, 100 do
                self.state[i] = ("x"):rep(i)
            end
        end
    end,
    pressure = function(self)
        local t = {}
        for i = 1, 1000 do
            t[i] = { i }
        end
        while true do
            self.state.t = t
        end
    end,
}
