-- A loop without an end.
-- expect: stopped
local function spin()
    while true do
    end
end

return {
    place = spin, relieve = spin, limits = spin, frame = spin, pressure = spin, retain = spin,
    recycle = spin, evict = spin, alias = spin, defrag = spin, migrate = spin,
}
