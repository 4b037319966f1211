-- Signs of signs.
-- expect: rejected
return { frame = function() return
--+ 15000 not
1
end }
