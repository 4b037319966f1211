-- Fields that there are none of, as many as fit.
-- expect: failed
local t = {}
for i = 1, 900 do
    t["field" .. i] = i
end
return {
    place = function() return t end,
    limits = function() return t end,
    frame = function() return t end,
}
