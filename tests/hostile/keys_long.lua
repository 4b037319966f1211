-- Long strings are hashed when they are keys, each new one again.
-- expect: stopped
return {
    frame = function()
        local t, long = {}, ("k"):rep(8000)
        for i = 1, 1e9 do
            t[long .. i % 10] = true
            local _ = t[long .. i % 10]
        end
    end,
}
