-- A policy whose fields are no names.
-- expect: rejected
return { function() end, [1.5] = 1, [true] = 2, [{}] = 3 }
