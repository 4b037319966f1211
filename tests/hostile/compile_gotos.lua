-- Jumps that are all pending until the last line.
-- expect: rejected
do
--+ 9000 goto a
::a::
end
return { frame = function() end }
