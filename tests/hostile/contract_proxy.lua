-- A text that returns what it was given.
-- expect: rejected
return string
