-- A pool that there is none of, with a name that would be obeyed.
-- expect: ends
return { place = function() return { pool = "\27[2J" .. ("p"):rep(5000) } end }
