-- As many as there is charge for.
-- expect: rejected
for i = 1, 1e9 do
    pcall(extend, "good.lua", {})
    pcall(extend, "missing" .. i, {})
end
