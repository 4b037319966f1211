-- Keys that are none.
-- expect: failed
return {
    frame = function(self) self.state[1.5] = 1 end,
    pressure = function(self) self.state[0 / 0] = 1 end,
}
