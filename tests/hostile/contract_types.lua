-- Hooks that are no functions.
-- expect: rejected
-- says: frame
return { frame = "depth" }
