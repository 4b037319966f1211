-- Functions in functions, deeper than the C stack.
-- expect: rejected
return { frame =
--+ 2500 function() return
--+ 2500 end
}
