-- A name that is a table.
-- expect: rejected
-- says: name
return { name = { "x" } }
