-- Watermarks out of order, out of range, and too many.
-- calls: 5
-- expect: failed
local wrong = { { 0.9, 0.5 }, { -0.5 }, { 1.5 }, { 0.1, 0.2, 0.3, 0.4, 0.5 }, { 0 / 0 } }
local n = 0
return {
    limits = function()
        n = n + 1
        return { watermarks = wrong[n] }
    end,
}
