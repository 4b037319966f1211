-- A request that is kept is stale in the next call.
-- expect first: nothing
-- expect: failed
-- says: stale
local kept
local function keep(_, input)
    if kept then
        return kept.size or kept.frame or kept.depth
    end
    kept = input
end

return { place = keep }
