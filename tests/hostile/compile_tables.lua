-- Tables in tables.
-- expect: rejected
return
--* 30000 {
--* 30000 }
