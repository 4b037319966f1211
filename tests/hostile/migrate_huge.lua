-- migrate() returns more than a state may have.
-- expect: ends
return {
    migrate = function()
        local t = {}
        for i = 1, 4000 do
            t[i] = ("x"):rep(100)
        end
        return { t, t }
    end,
}
