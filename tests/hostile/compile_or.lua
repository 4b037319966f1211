-- One expression of thousands of conditions.
-- expect: ends
local a
return { frame = function() return
--+ 12000 a or
a end }
