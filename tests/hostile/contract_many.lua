-- More fields than anybody would read.
-- expect: rejected
local t = {}
for i = 1, 900 do
    t["hook" .. i] = function() end
end
return t
