-- More class boundaries than there may be.
-- expect: rejected
-- says: place_steps
local steps = {}
for i = 1, 100000 do
    steps[i] = i
    if i == 4000 then break end
end
return { place_steps = steps }
