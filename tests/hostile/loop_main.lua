-- A loop in the text itself, before there are any hooks.
-- expect: rejected
-- says: too long
while true do
end
