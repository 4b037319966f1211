-- Proxies as decisions: raw, they are empty, or no tables at all.
-- expect: ends
return {
    place = function(self) return self end,
    limits = function(self) return self.options end,
    frame = function(self) return self.state end,
    pressure = function() return _ENV end,
    relieve = function() return string end,
}
