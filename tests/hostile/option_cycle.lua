-- Options that are their own options.
-- expect: rejected
local options = {}
options.a = options
options.type = "integer"
return { options = options }
