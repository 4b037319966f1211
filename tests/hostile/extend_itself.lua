-- A text that builds on itself.
-- expect: rejected
return extend("extend_itself.lua", {})
