-- The hook runs into its end, catches it, and answers quickly.
-- expect: stopped
return {
    frame = function()
        pcall(function()
            while true do
            end
        end)
        return { depth = 3 }
    end,
}
