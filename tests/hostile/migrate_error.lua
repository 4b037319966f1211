-- migrate() fails.
-- expect: failed
-- says: no way
return { migrate = function() error("no way \27[2J") end }
