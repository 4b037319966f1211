-- State is written in `frame` and `pressure` only.
-- expect: failed
local function write(self)
    self.state.x = 1
end

return {
    place = write, relieve = write, limits = write, retain = write, recycle = write, evict = write,
    alias = write, defrag = write,
}
