-- An operator that binds to the right: recursion for each.
-- expect: rejected
return { frame = function(x) return
--* 20000 x^
x end }
