-- A name that is no UTF-8.
-- expect: rejected
-- says: name
return { name = "\xff\xc0\x80 name" }
