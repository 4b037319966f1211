-- One assignment to thousands of variables.
-- expect: rejected
local a
--* 12000 a.b,
a.c = 1
return {}
