-- So does this one.
-- expect: rejected
return { frame = function(x) return
--* 15000 x..
x end }
