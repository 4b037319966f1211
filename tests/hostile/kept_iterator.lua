-- An iterator over facts that are gone.
-- expect first: nothing
-- expect: failed
local step, object
return {
    frame = function(_, stats)
        if step then
            for _ = 1, 5 do
                step(object)
            end
        end
        step, object = pairs(stats)
    end,
}
