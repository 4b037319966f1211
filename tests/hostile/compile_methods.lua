-- Calls of methods in calls of methods.
-- expect: rejected
return { frame = function(x) return
--* 9000 x:y(
x
--* 9000 )
end }
