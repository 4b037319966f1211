-- Forty thousand functions: that is no script any more.
-- expect: rejected
-- says: 64 KiB
local f
--+ 14000 function f()end
return { frame = f }
