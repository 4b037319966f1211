-- A name of megabytes, as far as a string goes.
-- expect: rejected
-- says: name
return { name = ("n"):rep(16000), frame = function() end }
