-- A policy that contains itself.
-- expect: rejected
local t = {}
t.options, t.place_steps, t.evict = t, t, t
return t
