-- migrate() returns a number.
-- expect: failed
return { migrate = function() return 5 end }
