-- More options than there may be.
-- expect: rejected
-- says: options
local options = {}
for i = 1, 1000 do
    options["o" .. i] = { type = "integer", default = i }
end
return { options = options }
