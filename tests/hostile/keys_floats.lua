-- Floats as keys, which are hashed by parts.
-- expect: stopped
return {
    frame = function()
        local t = {}
        for i = 1, 1e9 do
            t[2.0 ^ (i % 1000) + 0.5] = i
            t[-2.0 ^ (i % 1000) - 0.5] = nil
        end
    end,
}
