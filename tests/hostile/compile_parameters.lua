-- A call with as many arguments as there are registers, and then some.
-- expect: rejected
return { frame = function(f) f(
--* 20000 1,
1) end }
