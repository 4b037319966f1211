-- Lines without an end.
-- expect: stopped
return {
    frame = function()
        while true do
            log("line")
        end
    end,
}
