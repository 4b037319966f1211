-- A list of everything that was given, thousands of times.
-- expect: ends
return { frame = function(...)
--+ 3000 local _ = { ... }
end }
