-- Memory is used up in the text itself.
-- expect: rejected
local kept = {}
while true do
    kept = { kept, kept, kept, kept, kept, kept, kept, kept }
end
