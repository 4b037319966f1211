-- Errors that are no strings.
-- expect: failed
return {
    place = function() error() end,
    relieve = function() error({}) end,
    limits = function() error(error) end,
    frame = function(self) error(self) end,
    pressure = function(_, event) error(event) end,
    retain = function() error(0 / 0) end,
    recycle = function() error(true) end,
    evict = function() error({ code = 1, message = ("x"):rep(10000) }) end,
    alias = function(self) error(self.state) end,
    defrag = function() error(1 << 63, 1 << 62) end,
}
