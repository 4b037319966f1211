-- The same with break.
-- expect: ends
while true do
--+ 1000 if f then break end
break
end
return { frame = function() end }
