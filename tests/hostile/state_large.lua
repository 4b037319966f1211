-- More bytes than there may be.
-- expect: failed
return {
    frame = function(self)
        for i = 1, 20 do
            self.state[i] = ("x"):rep(15000)
        end
    end,
    pressure = function(self)
        self.state = nil
    end,
}
