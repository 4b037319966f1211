-- More than 64 KiB.
-- expect: rejected
-- says: 64 KiB
--+ 9000 -- filler
return {}
