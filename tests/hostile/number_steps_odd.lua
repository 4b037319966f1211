-- NaN, infinities and fractions as class boundaries.
-- expect: rejected
-- says: place_steps
return { place_steps = { 0 / 0, 1 / 0, 2.5, -1 } }
