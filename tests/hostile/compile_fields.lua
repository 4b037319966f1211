-- A chain of fields.
-- expect: ends
return { frame = function(x) return x
--* 25000 .y
end }
