-- Lists as long as a table can be.
-- expect: failed
local list, tags = {}, {}
for i = 1, 4000 do
    list[i] = "trim"
    tags[i] = "device"
end
return {
    place = function() return { memory = tags } end,
    relieve = function() return list end,
    limits = function() return { heap = list } end,
}
