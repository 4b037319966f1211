-- A number that goes on as something else.
-- expect: rejected
-- says: malformed number
return { depth = 0x
--* 15000 1f.
}
