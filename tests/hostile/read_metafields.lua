-- The insides of objects have no names.
-- expect: failed
return {
    place = function(_, request) return { priority = request.__index } end,
    relieve = function(_, request) return request.__gc end,
    limits = function(_, facts) return facts.__metatable end,
    frame = function(self) return self.state.__name.x or self.state.__index.x end,
    pressure = function(_, event) return event[1] end,
}
