-- Class boundaries that are none.
-- expect: rejected
-- says: place_steps
return { place_steps = { 1 << 20, 1 << 10 } }
