-- Self may be kept: it is the same for ever; but it is not writable later.
-- expect: ends
-- expect place: failed
local kept
return {
    frame = function(self)
        kept = self
        self.state.x = 1
    end,
    place = function(self)
        (kept or self).state.x = 2
    end,
}
