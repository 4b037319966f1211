-- Functions are no data.
-- expect: failed
return {
    frame = function(self)
        local n = 0
        self.state.f = function() n = n + 1 end
    end,
    pressure = function(self) self.state.list = { 1, { f = error } } end,
}
