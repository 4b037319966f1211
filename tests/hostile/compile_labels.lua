-- Each label is compared with all others.
-- expect: ends
do
--+ 5000 ::a$::
end
return { frame = function() end }
