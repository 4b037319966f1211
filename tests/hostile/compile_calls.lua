-- Calls of results of calls.
-- expect: ends
return { frame = function(x) return x
--* 25000 ()
end }
