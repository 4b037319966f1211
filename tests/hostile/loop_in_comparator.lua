-- sort() waits for a comparison that never ends.
-- expect: stopped
return {
    frame = function()
        table.sort({ 3, 2, 1 }, function()
            while true do
            end
        end)
    end,
}
