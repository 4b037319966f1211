-- One expression of thousands of conditions, some turned around.
-- expect: ends
local a
return { frame = function() return
--+ 4000 not a and a or
a end }
