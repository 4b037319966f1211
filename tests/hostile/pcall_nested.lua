-- Catches inside of catches, so that one is left when the others are spent.
-- expect: stopped
local function guard(n)
    if n == 0 then
        while true do
        end
    end
    pcall(guard, n - 1)
    while true do
    end
end

return {
    frame = function()
        guard(150)
        while true do
            pcall(guard, 150)
        end
    end,
}
