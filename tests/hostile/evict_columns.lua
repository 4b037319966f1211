-- Columns that are none.
-- expect: rejected
-- says: evict
return { evict = { "-priority", "\27[2J" } }
