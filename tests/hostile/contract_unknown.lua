-- Hooks and fields that there are none of.
-- expect: rejected
-- says: place
return { plase = function() end }
