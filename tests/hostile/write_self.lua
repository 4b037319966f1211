-- Self is read-only.
-- expect: failed
return {
    place = function(self) self.name = "other" end,
    relieve = function(self) self.state = {} end,
    limits = function(self) self.base = {} end,
    frame = function(self) self.x = 1 end,
    pressure = function(self) table.insert(self, 1) end,
}
