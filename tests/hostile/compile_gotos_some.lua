-- The same, as many as memory allows.
-- expect: ends
do
--+ 1000 goto a
::a::
end
return { frame = function() end }
