-- As many functions as fit.
-- expect: ends
local f
--+ 3700 function f()end
return { frame = f }
