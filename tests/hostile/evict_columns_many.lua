-- More columns than there are.
-- expect: rejected
-- says: evict
local t = {}
for i = 1, 3000 do
    t[i] = "age"
end
return { evict = t }
