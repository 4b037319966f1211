-- A string as long as the text may be.
-- expect: rejected
-- says: memory
local s = [==[
--* 60000 x
]==]
return { name = s }
