-- A wait without an end.
-- expect: failed
return { relieve = function() return { action = "wait", timeout_ms = 1e12 } end }
