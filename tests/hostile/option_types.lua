-- A default that is none.
-- expect: rejected
-- says: default
return { options = { a = { type = "bytes", default = -1 } } }
