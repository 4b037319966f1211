-- Options are set by people, not by scripts.
-- expect: failed
return {
    options = { limit = { type = "bytes", default = "1MiB" } },
    place = function(self) self.options.limit = 0 end,
    frame = function(self) self.options = {} end,
    retain = function(self) table.insert(self.options, 1) end,
    limits = function(self) table.sort(self.options) end,
    relieve = function(self) table.move({ 1 }, 1, 1, 1, self.options) end,
}
