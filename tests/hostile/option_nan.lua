-- A bound that is no number.
-- expect: rejected
return { options = { a = { type = "number", default = 1, min = 0 / 0, max = 1 / 0 } } }
