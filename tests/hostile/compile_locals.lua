-- More variables than a function may have.
-- expect: rejected
-- says: local variables
--+ 300 local v$
return { frame = function() end }
