-- A text that returns nothing.
-- expect: rejected
local _ = 1
