-- ema() and hysteresis() with what is no number.
-- expect: failed
return {
    frame = function()
        local policy = freehold.policy
        for _, x in ipairs { 0 / 0, 1 / 0, "1", {} } do
            pcall(policy.ema, x, x, x)
            pcall(policy.hysteresis, x, x, x, x)
        end
        return { depth = policy.ema({}, "x", error) }
    end,
}
