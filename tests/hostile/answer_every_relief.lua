-- More actions than there are.
-- expect: failed
local list = {}
for i = 1, 9 do
    list[i] = { action = "trim" }
end
return { relieve = function() return list end }
