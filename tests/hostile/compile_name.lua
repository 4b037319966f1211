-- A name as long as the text may be.
-- expect: rejected
local
--* 60000 x
return {}
