-- Loops after loops, whose ends jump back over everything in between.
-- expect: ends
return { frame = function(x)
--+ 3500 while x do end
end }
